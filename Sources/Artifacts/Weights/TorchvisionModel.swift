package import GraphIR

/// A network of torchvision's: what its tensors are called there and here, their shapes, and how its parts compute
/// (torchvision 0.29, `torchvision/models/resnet.py` and `vgg.py`).
package struct TorchvisionModel: Hashable, Sendable {
  package struct Tensor: Hashable, Sendable {
    /// In torchvision's `state_dict()`.
    package var name: String
    /// In a model file.
    package var ours: String
    /// In PyTorch's order.
    package var shape: [Int]
  }

  /// As torchvision's function that makes it.
  package let name: String
  /// But for `num_batches_tracked`, in the order in which images pass them.
  package private(set) var tensors: [Tensor] = []
  package private(set) var wiring = NetworkWiring()
  /// Images that its first fully connected layer can read, where it hangs on their size: 224 by 224 becomes 7 by 7.
  package let classes: Int

  private var steps: [String: String] = [:]

  /// Those whose weights can be taken and given.
  package static let names =
    Self.resNets.map(\.name) + Self.vggs.flatMap { [$0.name, "\($0.name)_bn"] }

  private static let resNets: [(name: String, blocks: [Int], isBottleneck: Bool)] = [
    ("resnet18", [2, 2, 2, 2], false), ("resnet34", [3, 4, 6, 3], false), ("resnet50", [3, 4, 6, 3], true),
    ("resnet101", [3, 4, 23, 3], true), ("resnet152", [3, 8, 36, 3], true),
  ]
  /// Layers of each width between two pools.
  private static let vggs: [(name: String, layers: [Int])] = [
    ("vgg11", [1, 1, 2, 2, 2]), ("vgg13", [2, 2, 2, 2, 2]), ("vgg16", [2, 2, 3, 3, 3]),
    ("vgg19", [2, 2, 4, 4, 4]),
  ]

  /// Nil for another name than those of `names`.
  package init?(_ name: String, classes: Int = 1000) {
    self.name = name
    self.classes = classes
    if let net = Self.resNets.first(where: { $0.name == name }) {
      addResNet(net.blocks, isBottleneck: net.isBottleneck)
    } else if let net = Self.vggs.first(where: { name == $0.name || name == "\($0.name)_bn" }) {
      addVGG(net.layers, hasBatchNorm: name.hasSuffix("_bn"))
    } else {
      return nil
    }
    wiring = NetworkWiring(texts: steps)
  }

  /// The one whose tensors have these names, which may lack the last layer's; nil where there is none.
  package init?(tensorNames names: Set<String>) {
    // What every network of a family has, before a table is made of each.
    guard names.contains("layer1.0.conv1.weight") || names.contains("features.0.weight") else { return nil }
    for name in Self.names {
      guard let model = TorchvisionModel(name) else { continue }
      let last = model.tensors.suffix(2).map(\.name)
      let own = Set(model.tensors.map(\.name))
      if own.subtracting(last).isSubset(of: names), names.isSubset(of: own) {
        self = model
        return
      }
    }
    return nil
  }

  // MARK: - Families

  private mutating func add(_ name: String, _ ours: String, _ shape: [Int]) {
    tensors.append(Tensor(name: name, ours: ours, shape: shape))
  }

  private mutating func addBatchNorm(_ name: String, _ ours: String, _ channels: Int) {
    for part in ["weight", "bias", "running_mean", "running_var"] {
      add("\(name).\(part)", "\(ours).\(part)", [channels])
    }
  }

  private static func convolution(_ kernel: Int, stride: Int = 1, bias: Bool = false) -> String {
    let padding = kernel / 2
    return "conv \(kernel)x\(kernel)" + (stride == 1 ? "" : " stride \(stride)")
      + (padding == 0 ? "" : " padding \(padding)") + (bias ? " with bias" : "")
  }

  private mutating func addResNet(_ blocks: [Int], isBottleneck: Bool) {
    add("conv1.weight", "stem.conv.weight", [64, 3, 7, 7])
    addBatchNorm("bn1", "stem.batch_norm", 64)
    steps["stem"] = "\(Self.convolution(7, stride: 2)), batch-norm, relu, max-pool 3x3 stride 2 padding 1"
    var channels = 64
    var number = 0
    for (stage, count) in blocks.enumerated() {
      let width = 64 << stage
      for place in 0..<count {
        number += 1
        let stride = stage > 0 && place == 0 ? 2 : 1
        let kernels = isBottleneck ? [1, 3, 1] : [3, 3]
        let widths = isBottleneck ? [width, width, 4 * width] : [width, width]
        let (from, to) = ("layer\(stage + 1).\(place)", "blocks.\(number)")
        var text: [String] = []
        var input = channels
        for (index, kernel) in kernels.enumerated() {
          add(
            "\(from).conv\(index + 1).weight", "\(to).conv\(index + 1).weight",
            [widths[index], input, kernel, kernel])
          addBatchNorm("\(from).bn\(index + 1)", "\(to).batch_norm\(index + 1)", widths[index])
          // The stride is that of the first 3x3.
          text.append(Self.convolution(kernel, stride: index == (isBottleneck ? 1 : 0) ? stride : 1))
          text.append("batch-norm")
          if index < kernels.count - 1 { text.append("relu") }
          input = widths[index]
        }
        if stride > 1 || channels != input {
          add("\(from).downsample.0.weight", "\(to).shortcut.conv.weight", [input, channels, 1, 1])
          addBatchNorm("\(from).downsample.1", "\(to).shortcut.batch_norm", input)
          text += ["shortcut \(Self.convolution(1, stride: stride))", "batch-norm"]
        }
        steps[to] = (text + ["add", "relu"]).joined(separator: ", ")
        channels = input
      }
    }
    add("fc.weight", "head.output.weight", [classes, channels])
    add("fc.bias", "head.output.bias", [classes])
    steps["head"] = "behind blocks.\(number), linear"
  }

  private mutating func addVGG(_ layers: [Int], hasBatchNorm: Bool) {
    var channels = 3
    var (place, number) = (0, 0)
    var pool = ""
    for (stage, count) in layers.enumerated() {
      let width = min(512, 64 << stage)
      for _ in 0..<count {
        number += 1
        let ours = "layers.\(number)"
        add("features.\(place).weight", "\(ours).conv.weight", [width, channels, 3, 3])
        add("features.\(place).bias", "\(ours).conv.bias", [width])
        if hasBatchNorm { addBatchNorm("features.\(place + 1)", "\(ours).batch_norm", width) }
        steps[ours] =
          pool + Self.convolution(3, bias: true) + (hasBatchNorm ? ", batch-norm" : "") + ", relu"
        place += hasBatchNorm ? 3 : 2
        channels = width
        pool = ""
      }
      place += 1
      pool = "max-pool 2x2 stride 2, "
    }
    for (index, (from, ours)) in [
      (0, "head.hidden.1.linear"), (3, "head.hidden.2.linear"), (6, "head.output"),
    ].enumerated() {
      let shape = [index == 2 ? classes : 4096, index == 0 ? 49 * channels : 4096]
      add("classifier.\(from).weight", "\(ours).weight", shape)
      add("classifier.\(from).bias", "\(ours).bias", [shape[0]])
    }
    steps["head"] = "behind layers.\(number), max-pool 2x2 stride 2, linear, relu, linear, relu, linear"
  }
}
