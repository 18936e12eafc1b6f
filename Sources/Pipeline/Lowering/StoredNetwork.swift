internal import CostModel
internal import Diagnostics
package import GraphIR
internal import Operators
package import SpecLanguage

/// Why no network can be made of a model file.
package struct StoredNetworkFault: Error, Hashable, Sendable {
  package var message: String

  init(_ message: String) { self.message = message }
}

/// A network as its model file describes it: the forward graph, before anything is fused, of the wiring in the file's metadata and
/// the shapes of its tensors. No spec is needed.
package struct StoredNetwork: Sendable {
  /// Forward, with a classifier and a loss for each module. Modules are numbered without gaps.
  package let graph: Graph
  /// By module from 1 at index 0: its number in the run, and the name of its classifier's tensors.
  package let modules: [Module]

  package struct Module: Hashable, Sendable {
    package var number: Int
    /// `auxiliaries.2` or `head`.
    package var classifier: String
  }

  package var classes: Int { graph.metrics.last.map { graph.shape($0.logits).channels } ?? 0 }

  /// - Parameters:
  ///   - shapes: of the file's tensors, in PyTorch's order.
  ///   - input: of one image.
  ///   - batch: images that pass at once.
  ///   - headModule: the last module's number, where auxiliaries do not tell it.
  package init(
    wiring: NetworkWiring, shapes: [String: [Int]], input: ImageShape, batch: Int, headModule: Int? = nil
  ) throws(StoredNetworkFault) {
    let parts = try StoredParts(wiring, headModule: headModule)
    var lowering = try StoredNetworkLowering(shapes, input: input, batch: batch)
    try lowering.run(parts)
    graph = lowering.graph
    modules = parts.classifiers.map { Module(number: $0.number, classifier: $0.name) }
  }
}

/// The parts of a wiring in the order in which images pass them.
private struct StoredParts {
  struct Part {
    var name: String
    var steps: [WiringStep]
  }

  struct Classifier {
    var name: String
    /// Of its module.
    var number: Int
    /// Place in `items` of the part that it stands behind.
    var item: Int
    var steps: [WiringStep]
  }

  private(set) var items: [Part] = []
  private(set) var classifiers: [Classifier] = []

  init(_ wiring: NetworkWiring, headModule: Int?) throws(StoredNetworkFault) {
    guard !wiring.steps.isEmpty else {
      throw StoredNetworkFault(
        "its metadata does not say how its layers compute (`wiring`): it is no model file of Strata's")
    }
    func steps(_ name: String) throws(StoredNetworkFault) -> [WiringStep] {
      var steps: [WiringStep] = []
      for text in wiring.steps[name] ?? [] {
        guard let step = WiringStep(text) else {
          throw StoredNetworkFault("the step '\(text.prefix(60))' of 'wiring.\(name)' is not known")
        }
        steps.append(step)
      }
      return steps
    }
    var numbers: [(name: String, family: String, number: Int)] = []
    for name in wiring.steps.keys.sorted() {
      let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      if words == ["stem"] {
        numbers.append((name, "item", 0))
      } else if words == ["head"] {
        numbers.append((name, "classifier", .max))
      } else if words.count == 2, let number = Int(words[1]), number > 0, number < 1 << 20 {
        switch words[0] {
        case "layers", "blocks": numbers.append((name, "item", number))
        case "auxiliaries": numbers.append((name, "classifier", number))
        default: throw StoredNetworkFault("'wiring.\(name)' is no part of a network")
        }
      } else {
        throw StoredNetworkFault("'wiring.\(name)' is no part of a network")
      }
    }
    numbers.sort { $0.number < $1.number }
    for (name, _, _) in numbers.filter({ $0.family == "item" }) {
      items.append(Part(name: name, steps: try steps(name)))
    }
    for (name, _, number) in numbers.filter({ $0.family == "classifier" }) {
      var steps = try steps(name)
      guard case .behind(let end)? = steps.first, let item = items.firstIndex(where: { $0.name == end })
      else { throw StoredNetworkFault("'wiring.\(name)' does not say which layer or block it stands behind") }
      steps.removeFirst()
      let own = number == .max ? headModule ?? (classifiers.last?.number ?? 0) + 1 : number
      guard classifiers.last.map({ $0.item < item && $0.number < own }) ?? true else {
        throw StoredNetworkFault("'wiring.\(name)' stands before that of an earlier module")
      }
      classifiers.append(Classifier(name: name, number: own, item: item, steps: steps))
    }
    guard !items.isEmpty, let last = classifiers.last else {
      throw StoredNetworkFault("its metadata describes no layers with a classifier behind them")
    }
    // What lies behind the last classifier answers nothing.
    items = Array(items[...last.item])
  }
}

/// Builds the graph; every size is held against its limits before the builder, which traps, sees it.
private struct StoredNetworkLowering {
  private var builder: GraphBuilder
  private let shapes: [String: [Int]]
  private var x: ValueID
  private var used: Set<String> = []

  var graph: Graph { builder.graph }

  private static let nowhere = SourceSpan(file: SourceFileID(index: 0), utf8: 0..<0)

  init(_ shapes: [String: [Int]], input: ImageShape, batch: Int) throws(StoredNetworkFault) {
    self.shapes = shapes
    let shape = Shape(batch: batch, height: input.height, width: input.width, channels: input.channels)
    try Self.require(shape, patchSize: 1, "the input")
    let images = Value(name: "images", type: .images(shape), category: .batch, module: 0)
    let labels = Value(name: "labels", type: .labels(batch: batch), category: .batch, module: 0)
    builder = GraphBuilder(graph: Graph(images: images, labels: labels), origin: Self.nowhere)
    x = builder.graph.images
  }

  private static func require(
    _ shape: Shape, patchSize: Int, _ what: String
  ) throws(StoredNetworkFault) {
    guard SizeLimits.fault(shape, patchSize: patchSize, what, at: nowhere) == nil else {
      throw StoredNetworkFault("\(what) is beyond all measure")
    }
  }

  private var shape: Shape { builder.graph.shape(x) }

  mutating func run(_ parts: StoredParts) throws(StoredNetworkFault) {
    var next = 0
    for (module, classifier) in parts.classifiers.enumerated() {
      builder.module = module + 1
      while next <= classifier.item {
        let part = parts.items[next]
        builder.item = part.name == "stem" ? 0 : Int(part.name.split(separator: ".")[1]) ?? 0
        builder.part = .layers
        try lower(part)
        next += 1
      }
      builder.graph.moduleOutputs.append(x)
      builder.part = .auxiliary
      let output = x
      try lower(classifier)
      guard shape.height == 1, shape.width == 1 else {
        throw StoredNetworkFault("'\(classifier.name)' does not end in a number for each class")
      }
      builder.loss(logits: x, metricsOf: module + 1)
      x = output
    }
    try requireAllUsed(parts)
  }

  // MARK: - Layers and blocks

  private mutating func lower(_ part: StoredParts.Part) throws(StoredNetworkFault) {
    let isBlock = part.name.hasPrefix("blocks.")
    var count = 0
    /// What the block reads, behind a pool in front of it.
    var input = x
    /// The main branch's end, while the shortcut is built.
    var main: ValueID?
    var norm = ""
    for step in part.steps {
      switch step {
      case .convolution(let kernel, let stride, let padding, let hasBias, let isShortcut):
        if isShortcut {
          main = x
          x = input
        } else {
          count += 1
        }
        let number = isBlock ? "\(count)" : ""
        let name = isShortcut ? "\(part.name).shortcut.conv" : "\(part.name).conv\(number)"
        norm = isShortcut ? "\(part.name).shortcut.batch_norm" : "\(part.name).batch_norm\(number)"
        try convolve(name, kernel, stride, padding, hasBias: hasBias, isShortcut: isShortcut)
      case .batchNorm: try normalize(norm)
      case .activation(let word): try activate(word, part.name)
      case .zeroPad(let stride):
        main = x
        let channels = shape.channels
        x = input
        guard stride > 0, channels >= shape.channels else { throw unfit(part.name, "its shortcut") }
        x = builder.subsample(x, stride: stride, channels: channels)
      case .add:
        let branch = main ?? x
        let shortcut = main == nil ? input : x
        guard builder.graph.shape(branch) == builder.graph.shape(shortcut) else {
          throw unfit(part.name, "its shortcut")
        }
        x = builder.add(branch, shortcut)
        main = nil
      case .maxPool, .averagePool, .fold:
        try pool(step, part.name)
        if count == 0 { input = x }
      case .behind, .linear, .adaptiveAveragePool, .flatten:
        throw unfit(part.name, "a step of a classifier")
      }
    }
  }

  private func unfit(_ part: String, _ what: String) -> StoredNetworkFault {
    StoredNetworkFault("'wiring.\(part)': \(what) does not fit what comes before it")
  }

  private mutating func activate(_ word: String, _ part: String) throws(StoredNetworkFault) {
    guard let activation = Activation(word: word), activation != .none else {
      throw StoredNetworkFault("'wiring.\(part)': the step '\(word.prefix(60))' is not known")
    }
    x = builder.activate(x, activation)
  }

  private mutating func pool(_ step: WiringStep, _ part: String) throws(StoredNetworkFault) {
    switch step {
    case .maxPool(let window, let stride, let padding):
      guard window > 0, stride > 0, padding < window,
        min(shape.height, shape.width) + 2 * padding >= window
      else { throw unfit(part, "a pool") }
      x = builder.maxPool(x, MaxPool(window: window, stride: stride, padding: padding))
    case .averagePool(let window):
      guard window == 2, shape.height > 1, shape.width > 1 else { throw unfit(part, "a pool") }
      x = builder.halvingAveragePool(x)
    case .fold:
      guard shape.height % 2 == 0, shape.width % 2 == 0 else { throw unfit(part, "a fold") }
      x = builder.spaceToDepth(x)
    default: preconditionFailure("callers switch first")
    }
  }

  // MARK: - Classifiers

  private mutating func lower(_ classifier: StoredParts.Classifier) throws(StoredNetworkFault) {
    let name = classifier.name
    let linearCount = classifier.steps.count { $0 == .linear }
    var (convolutions, linears) = (0, 0)
    /// Of the layer just before.
    var prefix: String?
    for step in classifier.steps {
      var next: String?
      switch step {
      case .convolution(let kernel, let stride, let padding, let hasBias, false):
        convolutions += 1
        let part = "\(name).convolutions.\(convolutions)"
        try convolve("\(part).conv", kernel, stride, padding, hasBias: hasBias, isShortcut: false)
        next = part
      case .linear:
        linears += 1
        let isLast = linears == linearCount
        let part = isLast ? "\(name).output" : "\(name).hidden.\(linears)"
        try connect(isLast ? part : "\(part).linear")
        next = part
      case .batchNorm: try normalize("\(prefix ?? name).batch_norm")
      case .activation(let word): try activate(word, name)
      case .maxPool, .averagePool, .fold: try pool(step, name)
      case .adaptiveAveragePool(let height, let width):
        guard height <= 1 << 14, width <= 1 << 14 else { throw unfit(name, "an average") }
        try Self.require(shape.with(height: height, width: width), patchSize: 1, "'\(name)'")
        x = builder.averagePool(x, height: height, width: width)
      case .flatten: next = prefix
      case .behind, .convolution, .add, .zeroPad: throw unfit(name, "a step of a block")
      }
      prefix = next
    }
  }

  // MARK: - Tensors

  private func stored(_ name: String, _ rank: Int) throws(StoredNetworkFault) -> [Int] {
    guard let shape = shapes[name] else { throw StoredNetworkFault("the tensor '\(name)' is missing") }
    guard shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
      throw StoredNetworkFault("the tensor '\(name)' has the shape \(shape): expected \(rank) sizes")
    }
    return shape
  }

  /// Notes that a tensor is read, and holds its shape against the layer's.
  private mutating func use(_ name: String, _ expected: [Int]) throws(StoredNetworkFault) {
    let found = try stored(name, expected.count)
    guard found == expected else {
      throw StoredNetworkFault("the tensor '\(name)' has the shape \(found), its layer takes \(expected)")
    }
    used.insert(name)
  }

  private mutating func convolve(
    _ name: String, _ kernel: Int, _ stride: Int, _ padding: Int, hasBias: Bool, isShortcut: Bool
  ) throws(StoredNetworkFault) {
    let outChannels = try stored("\(name).weight", 4)[0]
    try use("\(name).weight", [outChannels, shape.channels, kernel, kernel])
    if hasBias { try use("\(name).bias", [outChannels]) }
    guard stride > 0, min(shape.height, shape.width) + 2 * padding >= kernel else {
      throw StoredNetworkFault(
        "'\(name)': a kernel of \(kernel) does not fit an image of \(shape.height)x\(shape.width)")
    }
    let attributes = Convolution(
      outChannels: outChannels, kernelSize: kernel, stride: stride, padding: padding, isShortcut: isShortcut)
    let geometry = attributes.geometry(input: shape)
    try Self.require(
      Shape(
        batch: shape.batch, height: geometry.outHeight, width: geometry.outWidth, channels: outChannels),
      patchSize: geometry.patchSize, "'\(name)'")
    x = builder.convolution(x, attributes, bias: hasBias, name: name)
  }

  private mutating func connect(_ name: String) throws(StoredNetworkFault) {
    let outFeatures = try stored("\(name).weight", 2)[0]
    try use("\(name).weight", [outFeatures, shape.elementsPerImage])
    try use("\(name).bias", [outFeatures])
    try Self.require(
      Shape(batch: shape.batch, height: 1, width: 1, channels: outFeatures),
      patchSize: shape.elementsPerImage, "'\(name)'")
    x = builder.linear(x, outFeatures: outFeatures, name: name)
  }

  private mutating func normalize(_ name: String) throws(StoredNetworkFault) {
    guard !used.contains("\(name).weight") else {
      throw StoredNetworkFault("the wiring reads '\(name)' twice")
    }
    for part in ["weight", "bias", "running_mean", "running_var"] {
      try use("\(name).\(part)", [shape.channels])
    }
    x = builder.batchNorm(x, name: name)
  }

  /// A tensor that nobody reads means that the network computes something else than its wiring says. Layers behind the last
  /// classifier, counts that PyTorch keeps, and what losses alone look at are left.
  private func requireAllUsed(_ parts: StoredParts) throws(StoredNetworkFault) {
    let known = Set(parts.items.map(\.name) + parts.classifiers.map(\.name))
    let strangers = shapes.keys.filter { name in
      !used.contains(name) && !name.hasSuffix(".num_batches_tracked") && !name.contains(".similarity.")
        && known.contains(NetworkWiring.partName(ofTensor: name))
    }.sorted()
    guard let first = strangers.first else { return }
    let more = strangers.count > 1 ? " and \(strangers.count - 1) more" : ""
    throw StoredNetworkFault("no step of the wiring reads the tensor '\(first)'\(more)")
  }
}
