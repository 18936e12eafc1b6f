internal import CostModel
internal import GraphIR
internal import Operators
internal import Text

/// A file of Python: a PyTorch module that computes what the network computes, loads its weights by their own names, normalises,
/// and names the classes. It needs nothing but torch.
package struct PyTorchModule {
  private let model: ExportedModel
  /// Where the weights lie, from the file's folder.
  private let weightsPath: String
  private var layers: [(name: String, text: String)] = []
  private var lines: [String] = []
  private var names: [ValueID: String] = [:]
  private var flat: Set<ValueID> = []
  private var count = 0

  package init(_ model: ExportedModel, weightsPath: String) {
    self.model = model
    self.weightsPath = weightsPath
    names[model.graph.images] = "x0"
    for node in model.graph.nodes { append(node) }
  }

  private static func literal(_ text: String) -> String { JSONWriter.line(.string(text)) }

  private mutating func assign(_ expression: String) -> String {
    count += 1
    lines.append("x\(count) = \(expression)")
    return "x\(count)"
  }

  /// The layer that a tensor belongs to.
  private mutating func layer(of parameter: ValueID, _ text: String) -> String {
    let name = String(model.graph[parameter].name.split(separator: ".").dropLast().joined(separator: "."))
    layers.append((name, text))
    return "self.get_submodule(\(Self.literal(name)))"
  }

  private mutating func append(_ node: Node) {
    let graph = model.graph
    let (input, output) = (node.operands[0], node.results[0])
    let x = names[input] ?? ""
    let shape = graph.shape(input)
    var isFlat = flat.contains(input)
    let result: String
    switch ForwardOperation(node) {
    case .convolution(let convolution):
      let call = layer(
        of: node.operands[1],
        "nn.Conv2d(\(shape.channels), \(convolution.outChannels), \(convolution.kernelSize), "
          + "stride=\(convolution.stride), padding=\(convolution.padding), "
          + "bias=\(node.operands.count > 2 ? "True" : "False"))")
      result = assign("\(call)(\(x))")
    case .linear(let linear):
      let call = layer(of: node.operands[1], "nn.Linear(\(shape.elementsPerImage), \(linear.outFeatures))")
      result = assign("\(call)(\(isFlat ? x : "\(x).flatten(1)"))")
      isFlat = true
    case .batchNorm:
      let call = layer(
        of: node.operands[1], "nn.BatchNorm\(isFlat ? 1 : 2)d(\(shape.channels), eps=1e-05)")
      result = assign("\(call)(\(x))")
    case .activate(let activation):
      switch activation {
      case .none: result = x
      case .relu: result = assign("F.relu(\(x))")
      case .leakyRelu(let slope): result = assign("F.leaky_relu(\(x), \(slope))")
      case .gelu: result = assign("F.gelu(\(x))")
      case .silu: result = assign("F.silu(\(x))")
      }
    case .add: result = assign("\(x) + \(names[node.operands[1]] ?? "")")
    case .maxPool(let pool):
      result = assign("F.max_pool2d(\(x), \(pool.window), stride=\(pool.stride), padding=\(pool.padding))")
    case .halvingAverage: result = assign("F.avg_pool2d(\(x), 2)")
    case .adaptiveAverage(let height, let width):
      result = assign("F.adaptive_avg_pool2d(\(x), (\(height), \(width)))")
    case .fold:
      result = assign("torch.cat([\(x)[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)")
    case .zeroPad(let stride, let channels):
      result = assign(
        "F.pad(\(x)[:, :, ::\(stride), ::\(stride)], (0, 0, 0, 0, 0, \(channels - shape.channels)))")
    case .ensemble(let ensemble):
      let own = names[node.operands[1]] ?? ""
      let (before, share) = ("\(1 - ensemble.share)", "\(ensemble.share)")
      switch ensemble.mean {
      case .logits: result = assign("\(before) * \(x) + \(share) * \(own)")
      case .probabilities:
        result = assign("torch.log(\(before) * \(x).softmax(1) + \(share) * \(own).softmax(1))")
      }
    }
    names[output] = result
    if isFlat { flat.insert(output) }
  }

  package var text: String {
    let numbers = { (list: [Float]) in "[" + list.map { "\($0)" }.joined(separator: ", ") + "]" }
    let input = model.input
    let pixels =
      model.normalizes
      ? "pixels as they are stored, 0 to \(model.pixelScale), as floats"
      : "pixels that are normalised: (pixel / PIXEL_SCALE - MEAN) / DEVIATION"
    var text = """
      \"\"\"The network '\(model.name)', as a PyTorch module. Written by `strata export`.

      Reads images [n, \(input.channels), \(input.height), \(input.width)]: \(pixels).
      Gives \(model.outputName) [n, \(model.classNames.count)].

          import torch, model
          net = model.load()                       # weights from WEIGHTS, beside this file
          answers = net(images)
          print(model.CLASSES[answers[0].argmax()])
      \"\"\"

      import json
      import os
      import struct

      import torch
      import torch.nn.functional as F
      from torch import nn

      WEIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), \(Self.literal(weightsPath)))
      CLASSES = \(JSONWriter.line(.array(model.classNames.map(JSON.string))))
      PIXEL_SCALE = \(model.pixelScale)
      MEAN = \(numbers(model.mean))
      DEVIATION = \(numbers(model.standardDeviation))


      class Network(nn.Module):
          def __init__(self):
              super().__init__()

      """
    for (name, layer) in layers { text += "        self._add(\(Self.literal(name)), \(layer))\n" }
    text += """

          def _add(self, name, layer):
              *path, last = name.split(".")
              module = self
              for word in path:
                  if word not in module._modules:
                      module.add_module(word, nn.Module())
                  module = module._modules[word]
              module.add_module(last, layer)

          def forward(self, images):

      """
    var body: [String] = []
    if model.changesPixels {
      body += [
        "mean, deviation = (images.new_tensor(list).view(1, -1, 1, 1) for list in (MEAN, DEVIATION))",
        "x0 = (images / PIXEL_SCALE - mean) / deviation",
      ]
    } else {
      body.append("x0 = images")
    }
    body += lines
    let logits = names[model.logits] ?? ""
    body.append("return \(logits)\(model.endsInSoftmax ? ".softmax(1)" : "")")
    text += body.map { "        \($0)\n" }.joined()
    text += """


      def read_safetensors(path):
          \"\"\"Every tensor of a safetensors file of 32-bit floats, by name.\"\"\"
          with open(path, "rb") as file:
              (length,) = struct.unpack("<Q", file.read(8))
              header = json.loads(file.read(length))
              data = bytearray(file.read())
          header.pop("__metadata__", None)
          tensors = {}
          for name, entry in header.items():
              begin, end = entry["data_offsets"]
              numbers = torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
              tensors[name] = numbers.reshape(entry["shape"]).clone()
          return tensors


      def load(path=WEIGHTS):
          \"\"\"The network with its weights, in evaluation mode. Auxiliary classifiers that it does without are left out.\"\"\"
          network = Network()
          stored = read_safetensors(path)
          wanted = [name for name in network.state_dict() if not name.endswith(".num_batches_tracked")]
          missing = [name for name in wanted if name not in stored]
          if missing:
              raise KeyError(f"{path} lacks {missing}")
          network.load_state_dict({name: stored[name] for name in wanted}, strict=False)
          return network.eval()

      """
    return text
  }
}
