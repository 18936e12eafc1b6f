internal import Diagnostics
internal import GraphIR
internal import SpecLanguage

/// Builds the forward graph of the layers: the network without modules, auxiliaries and head.
struct NetworkLowering {
  private(set) var builder: GraphBuilder
  private(set) var diagnostics: [Diagnostic] = []
  /// Items in order: 0 is a resnet's stem.
  private(set) var items: [Int] = []
  private let spec: Spec
  private var x: ValueID
  /// What made the present picture size, for diagnostics.
  private var producer: Diagnostic.Note?

  init(_ spec: Spec) {
    self.spec = spec
    let input = spec.network.input.value
    let batch = spec.training.batch.value
    let pictures = Value(
      name: "pictures",
      type: .pictures(
        Shape(batch: batch, height: input.height, width: input.width, channels: input.channels)),
      category: .batch, module: 0)
    let labels = Value(name: "labels", type: .labels(batch: batch), category: .batch, module: 0)
    builder = GraphBuilder(graph: Graph(pictures: pictures, labels: labels), origin: spec.network.input.span)
    builder.batchNormScale = spec.network.initialization.batchNormScale
    builder.heFanOut = spec.network.initialization.weights.value == .heFanOut
    x = builder.graph.pictures
  }

  mutating func run() {
    guard isPayable(builder.graph.shape(x), "the input batch", spec.network.input.span) else { return }
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
    for (index, layer) in vgg.layers.enumerated() {
      begin(item: index + 1, at: layer.width.span)
      var stride = 1
      if let halving = schedule.halvings[index + 1] {
        guard let s = halve(halving, "layer \(index + 1)") else { return }
        stride = s
      }
      builder.origin = layer.width.span
      guard
        isPayable(
          builder.graph.shape(x).with(channels: layer.width.value), "layer \(index + 1)", layer.width.span)
      else { return }
      let name = "layers.\(index + 1)"
      let attributes = Convolution(
        outChannels: layer.width.value, kernelSize: layer.kernel.value, stride: stride,
        padding: layer.kernel.value / 2)
      x = builder.convolution(x, attributes, bias: layer.bias.value, name: "\(name).conv")
      if layer.batchNorm.value {
        guard hasStatistics(layer.width.span) else { return }
        x = builder.batchNorm(x, name: "\(name).batch_norm")
      }
      x = builder.relu(x)
      noteSize(layer.width.span, "layer \(index + 1)")
    }
  }

  private mutating func begin(item: Int, at span: SourceSpan) {
    builder.item = item
    builder.origin = span
    items.append(item)
  }

  private mutating func noteSize(_ span: SourceSpan, _ what: String) {
    let shape = builder.graph.shape(x)
    producer = Diagnostic.Note(
      span: span, label: "\(what) makes \(shape.height)x\(shape.width) pictures of \(shape.channels) channels"
    )
  }

  /// Halves the picture where the kind is an operation of its own; the stride of the convolution that follows, or nil
  /// where the picture can't be halved.
  private mutating func halve(_ halving: DownsamplingSchedule.Halving, _ item: String) -> Int? {
    let shape = builder.graph.shape(x)
    guard shape.height % 2 == 0, shape.width % 2 == 0 else {
      diagnostics.append(
        .oddHalving(
          height: shape.height, width: shape.width, item: item, producer: producer, at: halving.span))
      return nil
    }
    builder.origin = halving.span
    switch halving.kind {
    case .maxPool: x = builder.maxPool(x, MaxPool(window: 2, stride: 2))
    case .averagePool: x = builder.averagePool(x, height: shape.height / 2, width: shape.width / 2)
    case .invertible: x = builder.spaceToDepth(x)
    case .stride: return 2
    }
    return 1
  }

  // MARK: - resnet

  private mutating func lower(_ resnet: ResNetSpec) {
    lowerStem(resnet.stem, bias: resnet.bias.value)
    var firstBlocks: [Int] = []
    var blockCount = 0
    for stage in resnet.stages {
      firstBlocks.append(blockCount + 1)
      blockCount += stage.blocks.value
    }
    let schedule = DownsamplingSchedule(
      spec.downsampling, itemCount: blockCount, noun: "block", standardItems: Array(firstBlocks.dropFirst()),
      bag: &diagnostics)
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
        let outChannels = stage.width.value * (resnet.block.value == .bottleneck ? 4 : 1)
        guard
          isPayable(builder.graph.shape(x).with(channels: outChannels), "block \(item)", stage.width.span),
          hasStatistics(stage.width.span)
        else { return }
        lowerBlock(resnet, width: stage.width.value, stride: stride, name: "blocks.\(item)")
        noteSize(stage.width.span, "block \(item)")
      }
    }
  }

  private mutating func lowerStem(_ stem: StemSpec, bias: Bool) {
    begin(item: 0, at: stem.width.span)
    let attributes = Convolution(
      outChannels: stem.width.value, kernelSize: stem.kernel.value, stride: stem.stride.value,
      padding: stem.kernel.value / 2)
    x = builder.convolution(x, attributes, bias: bias, name: "stem.conv")
    if spec.network.batchNorm.value { x = builder.batchNorm(x, name: "stem.batch_norm") }
    x = builder.relu(x)
    if stem.maxPool.value { x = builder.maxPool(x, MaxPool(window: 3, stride: 2, padding: 1)) }
    noteSize(stem.width.span, "the stem")
  }

  /// The convolutions of a block in order: width, kernel and whether it takes the stride.
  private func convolutions(_ block: BlockKind, width: Int, stride: Int) -> [Convolution] {
    switch block {
    case .basic:
      [
        Convolution(outChannels: width, kernelSize: 3, stride: stride, padding: 1),
        Convolution(outChannels: width, kernelSize: 3, padding: 1),
      ]
    case .bottleneck:
      [
        Convolution(outChannels: width, kernelSize: 1),
        Convolution(outChannels: width, kernelSize: 3, stride: stride, padding: 1),
        Convolution(outChannels: 4 * width, kernelSize: 1),
      ]
    }
  }

  private mutating func lowerBlock(_ resnet: ResNetSpec, width: Int, stride: Int, name: String) {
    let input = x
    let inputShape = builder.graph.shape(x)
    let convolutions = convolutions(resnet.block.value, width: width, stride: stride)
    for (index, attributes) in convolutions.enumerated() {
      x = builder.convolution(x, attributes, bias: resnet.bias.value, name: "\(name).conv\(index + 1)")
      if spec.network.batchNorm.value { x = builder.batchNorm(x, name: "\(name).batch_norm\(index + 1)") }
      if index < convolutions.count - 1 { x = builder.relu(x) }
    }
    let outShape = builder.graph.shape(x)
    var shortcut = input
    if outShape != inputShape {
      switch resnet.shortcut.value {
      case .projection:
        shortcut = builder.convolution(
          input, Convolution(outChannels: outShape.channels, kernelSize: 1, stride: stride),
          bias: resnet.bias.value,
          name: "\(name).shortcut.conv")
        if spec.network.batchNorm.value {
          shortcut = builder.batchNorm(shortcut, name: "\(name).shortcut.batch_norm")
        }
      case .zeroPad:
        shortcut = builder.subsample(input, stride: stride, channels: outShape.channels)
      }
    }
    x = builder.relu(builder.add(x, shortcut))
  }

  // MARK: - Limits

  /// Whether a value of this shape is of a size that byte counts can be computed with.
  private mutating func isPayable(_ shape: Shape, _ what: String, _ span: SourceSpan) -> Bool {
    var count = 1
    for extent in [shape.batch, shape.height, shape.width, shape.channels] {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      if overflow || product > 1 << 40 {
        diagnostics.append(.tooLarge(what, at: span))
        return false
      }
      count = product
    }
    return true
  }

  private mutating func hasStatistics(_ span: SourceSpan) -> Bool {
    let shape = builder.graph.shape(x)
    guard shape.rows > 1 else {
      diagnostics.append(.oneElementStatistics(at: span))
      return false
    }
    return true
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
