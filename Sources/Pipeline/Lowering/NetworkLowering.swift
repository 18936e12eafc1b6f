internal import CostModel
internal import Diagnostics
internal import GraphIR
internal import Operators
internal import SpecLanguage

/// Builds the forward graph of the layers: the network without modules, auxiliaries and head.
struct NetworkLowering {
  private(set) var builder: GraphBuilder
  private(set) var diagnostics: [Diagnostic] = []
  private let spec: Spec
  private var x: ValueID
  /// Items that read a halved image, rising.
  private(set) var halvedItems: [Int] = []
  /// What made the present image size, for diagnostics.
  private var producer: Diagnostic.Note?

  init(_ spec: Spec) {
    self.spec = spec
    let input = spec.network.input.value
    let batch = spec.training.batch.value
    let images = Value(
      name: "images",
      type: .images(
        Shape(batch: batch, height: input.height, width: input.width, channels: input.channels)),
      category: .batch, module: 0)
    let labels = Value(name: "labels", type: .labels(batch: batch), category: .batch, module: 0)
    builder = GraphBuilder(graph: Graph(images: images, labels: labels), origin: spec.network.input.span)
    builder.batchNormScale = spec.network.initialization.batchNormScale
    builder.heFanOut = spec.network.initialization.weights.value == .heFanOut
    builder.activation = spec.network.activationFunction
    x = builder.graph.images
  }

  mutating func run() {
    let input = builder.graph.shape(x)
    if let fault = SizeLimits.fault(input, patchSize: 1, "the input batch", at: spec.network.input.span) {
      diagnostics.append(fault)
      return
    }
    switch spec.network.body {
    case .vgg(let vgg): lower(vgg)
    case .resnet(let resnet): lower(resnet)
    }
  }

  // MARK: - vgg

  private mutating func lower(_ vgg: VGGSpec) {
    let widths = vgg.layers.map(\.width.value)
    let widening = widths.indices.dropFirst().filter { widths[$0] > widths[$0 - 1] }.map { $0 + 1 }
    let schedule = DownsamplingSchedule(
      spec.downsampling, itemCount: widths.count, noun: "layer", standardItems: widening, bag: &diagnostics)
    halvedItems = schedule.halvings.keys.sorted()
    for (index, layer) in vgg.layers.enumerated() {
      begin(item: index + 1, at: layer.width.span)
      var stride = 1
      if let halving = schedule.halvings[index + 1] {
        guard let s = halve(halving, "layer \(index + 1)") else { return }
        stride = s
      }
      builder.origin = layer.width.span
      let name = "layers.\(index + 1)"
      let attributes = Convolution(
        outChannels: layer.width.value, kernelSize: layer.kernel.value, stride: stride,
        padding: layer.kernel.value / 2)
      guard
        let y = convolve(x, attributes, bias: layer.bias.value, name: "\(name).conv", "layer \(index + 1)")
      else { return }
      x = layer.batchNorm.value ? builder.batchNorm(y, name: "\(name).batch_norm") : y
      x = builder.activate(x)
      noteSize(layer.width.span, "layer \(index + 1)")
    }
  }

  private mutating func begin(item: Int, at span: SourceSpan) {
    builder.item = item
    builder.origin = span
  }

  private mutating func noteSize(_ span: SourceSpan, _ what: String) {
    let shape = builder.graph.shape(x)
    producer = Diagnostic.Note(
      span: span, label: "\(what) makes \(shape.height)x\(shape.width) images of \(shape.channels) channels"
    )
  }

  /// Halves the image where the kind is an operation of its own; the stride of the convolution that follows, or nil
  /// where the image can't be halved. Of odd sizes n a stride leaves ceil(n / 2), a pool floor(n / 2), as in PyTorch.
  private mutating func halve(_ halving: DownsamplingSchedule.Halving, _ item: String) -> Int? {
    let shape = builder.graph.shape(x)
    switch halving.kind {
    case .invertible where shape.height % 2 != 0 || shape.width % 2 != 0:
      diagnostics.append(
        .oddFolding(
          height: shape.height, width: shape.width, item: item, producer: producer, at: halving.kindSpan,
          place: halving.span))
      return nil
    case .maxPool where min(shape.height, shape.width) < 2,
      .averagePool where min(shape.height, shape.width) < 2:
      diagnostics.append(
        .nothingToPool(
          height: shape.height, width: shape.width, item: item, producer: producer, at: halving.span))
      return nil
    case .maxPool, .averagePool, .stride, .invertible: break
    }
    builder.origin = halving.span
    switch halving.kind {
    case .maxPool: x = builder.maxPool(x, MaxPool(window: 2, stride: 2))
    case .averagePool: x = builder.halvingAveragePool(x)
    case .invertible: x = builder.spaceToDepth(x)
    case .stride: return 2
    }
    return 1
  }

  // MARK: - resnet

  private mutating func lower(_ resnet: ResNetSpec) {
    guard lowerStem(resnet.stem, bias: resnet.bias.value) else { return }
    var firstBlocks: [Int] = []
    var blockCount = 0
    for stage in resnet.stages {
      firstBlocks.append(blockCount + 1)
      blockCount += stage.blocks.value
    }
    let schedule = DownsamplingSchedule(
      spec.downsampling, itemCount: blockCount, noun: "block", standardItems: Array(firstBlocks.dropFirst()),
      bag: &diagnostics)
    halvedItems = schedule.halvings.keys.sorted()
    var item = 0
    for stage in resnet.stages {
      for _ in 0..<stage.blocks.value {
        item += 1
        begin(item: item, at: stage.width.span)
        var stride = 1
        if let halving = schedule.halvings[item] {
          guard let s = halve(halving, "block \(item)") else { return }
          stride = s
        }
        builder.origin = stage.width.span
        guard lowerBlock(resnet, stage, stride: stride, item: item) else { return }
        noteSize(stage.width.span, "block \(item)")
      }
    }
  }

  private mutating func lowerStem(_ stem: StemSpec, bias: Bool) -> Bool {
    begin(item: 0, at: stem.width.span)
    let attributes = Convolution(
      outChannels: stem.width.value, kernelSize: stem.kernel.value, stride: stem.stride.value,
      padding: stem.kernel.value / 2)
    guard let y = convolve(x, attributes, bias: bias, name: "stem.conv", "the stem") else { return false }
    x = builder.activate(normalized(y, name: "stem.batch_norm"))
    if stem.maxPool.value { x = builder.maxPool(x, MaxPool(window: 3, stride: 2, padding: 1)) }
    noteSize(stem.width.span, "the stem")
    return true
  }

  private mutating func normalized(_ x: ValueID, name: String) -> ValueID {
    spec.network.batchNorm.value ? builder.batchNorm(x, name: name) : x
  }

  /// The convolutions of a block in order: width, kernel and whether it takes the stride.
  private func convolutions(_ block: BlockKind, _ stage: ResNetStageSpec, stride: Int) -> [Convolution] {
    let (width, kernel) = (stage.width.value, stage.kernel.value)
    func wide(stride: Int) -> Convolution {
      Convolution(outChannels: width, kernelSize: kernel, stride: stride, padding: kernel / 2)
    }
    return switch block {
    case .basic: [wide(stride: stride), wide(stride: 1)]
    case .bottleneck:
      [
        Convolution(outChannels: width, kernelSize: 1), wide(stride: stride),
        Convolution(outChannels: 4 * width, kernelSize: 1),
      ]
    }
  }

  /// - Returns: false where a convolution is beyond all measure.
  private mutating func lowerBlock(
    _ resnet: ResNetSpec, _ stage: ResNetStageSpec, stride: Int, item: Int
  ) -> Bool {
    let name = "blocks.\(item)"
    let bias = resnet.bias.value
    let input = x
    let inputShape = builder.graph.shape(x)
    let convolutions = convolutions(resnet.block.value, stage, stride: stride)
    for (index, attributes) in convolutions.enumerated() {
      guard let y = convolve(x, attributes, bias: bias, name: "\(name).conv\(index + 1)", "block \(item)")
      else {
        return false
      }
      x = normalized(y, name: "\(name).batch_norm\(index + 1)")
      if index < convolutions.count - 1 { x = builder.activate(x) }
    }
    let outShape = builder.graph.shape(x)
    var shortcut = input
    if outShape != inputShape {
      switch resnet.shortcut.value {
      case .projection:
        let projection = Convolution(
          outChannels: outShape.channels, kernelSize: 1, stride: stride, isShortcut: true)
        guard let y = convolve(input, projection, bias: bias, name: "\(name).shortcut.conv", "block \(item)")
        else {
          return false
        }
        shortcut = normalized(y, name: "\(name).shortcut.batch_norm")
      case .zeroPad:
        guard outShape.channels >= inputShape.channels else {
          diagnostics.append(
            .shortcutDropsChannels(
              "block \(item)", from: inputShape.channels, to: outShape.channels, at: builder.origin,
              shortcut: resnet.shortcut.span))
          return false
        }
        shortcut = builder.subsample(input, stride: stride, channels: outShape.channels)
      }
    }
    x = builder.activate(builder.add(x, shortcut))
    return true
  }

  /// A convolution of a layer or block; nil, with a fault told, where its output or its work is beyond all measure.
  private mutating func convolve(
    _ x: ValueID, _ attributes: Convolution, bias: Bool, name: String, _ what: String
  ) -> ValueID? {
    let shape = builder.graph.shape(x)
    let geometry = attributes.geometry(input: shape)
    let out = Shape(
      batch: shape.batch, height: geometry.outHeight, width: geometry.outWidth,
      channels: attributes.outChannels)
    if let fault = SizeLimits.fault(out, patchSize: geometry.patchSize, what, at: builder.origin) {
      diagnostics.append(fault)
      return nil
    }
    return builder.convolution(x, attributes, bias: bias, name: name)
  }
}

extension InitializationSpec {
  var batchNormScale: InitialValue {
    switch batchNorm.value {
    case .ones: .ones
    case .uniform: .uniformUnit
    }
  }
}
