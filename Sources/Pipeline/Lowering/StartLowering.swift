internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

/// Which of a network's tensors start from stored weights: those of its first layers or blocks, as many as the file has one
/// after the other, and the classifiers of modules that are stored whole. Names decide, shapes must agree, and nothing that is
/// stored of a layer is left behind. Layers that stay frozen must compute what they computed when they were stored.
struct StartLowering {
  private(set) var start: WeightMapping?
  private(set) var diagnostics: [Diagnostic] = []
  private var restarted: [String] = []

  private let network: Graph
  private let wiring: NetworkWiring
  private let from: Spanned<String>
  private let stored: StoredWeights
  private let storedShapes: [String: [Int]]
  private var faults: StoredTensorFaults

  /// Nothing to do where the spec starts from its `init` alone.
  static func run(
    _ spec: Spec, network: Graph, source: StartSource?
  ) throws(CompilationFailed) -> WeightMapping? {
    guard let from = spec.network.from else { return nil }
    let stored: StoredWeights
    switch source {
    case .plan(var start):
      // A plan file may be damaged; its layout is compared later.
      start.unsolved.removeAll {
        !(1...network.moduleCount).contains($0) || $0 > spec.network.frozen?.value ?? 0
      }
      return start
    case .file(let weights): stored = weights
    case nil:
      throw CompilationFailed(diagnostics: [
        .weights("the weights at '\(from.value)' are not at hand", label: "needed to plan", at: from.span)
      ])
    }
    var lowering = StartLowering(network: network, from: from, stored: stored)
    lowering.run(frozen: spec.network.frozen)
    guard lowering.diagnostics.isEmpty else {
      throw CompilationFailed(diagnostics: lowering.diagnostics)
    }
    return lowering.start
  }

  /// Classifiers of which the file has tensors, and which start anew all the same, by their names in the file.
  static func restartedClassifiers(of spec: Spec, network: Graph, _ stored: StoredWeights) -> [String] {
    guard let from = spec.network.from else { return [] }
    var lowering = StartLowering(network: network, from: from, stored: stored)
    lowering.run(frozen: nil)
    return lowering.restarted
  }

  private init(network: Graph, from: Spanned<String>, stored: StoredWeights) {
    self.network = network
    self.from = from
    self.stored = stored
    wiring = NetworkWiring(network)
    storedShapes = Dictionary(stored.tensors.map { ($0.name, $0.shape) }) { first, _ in first }
    faults = StoredTensorFaults(stored, at: from.span)
  }

  // MARK: - Items

  /// The parameters and statistics of a layer or block.
  private struct Item {
    var number, module: Int
    var values: [Value] = []

    /// `layers.2`; nil for what has no tensors.
    var name: String? { values.first.map { NetworkWiring.partName(ofTensor: $0.name) } }
  }

  private var items: [Item] {
    var items: [Item] = []
    for node in network.nodes where node.part == .layers {
      if items.last.map({ $0.number != node.item || $0.module != node.module }) ?? true {
        items.append(Item(number: node.item, module: node.module))
      }
      items[items.count - 1].values += trainedState(of: node)
    }
    return items
  }

  private func trainedState(of node: Node) -> [Value] {
    node.operands.map { network[$0] }.filter { $0.category == .parameter || $0.category == .statistics }
  }

  private mutating func run(frozen: Spanned<Int>?) {
    let items = items
    func isStored(_ item: Item) -> Bool { item.values.contains { storedShapes[$0.name] != nil } }
    let firstMissing = items.firstIndex { !$0.values.isEmpty && !isStored($0) } ?? items.count
    guard firstMissing > 0 else {
      diagnostics.append(
        .weights(
          "the weights at '\(stored.path)' are not of this network",
          label: "has no '\(items[0].values[0].name)'", at: from.span, help: faults.strangersHelp))
      return
    }
    // What lies behind a gap is not to be thrown away: the layers between are missing.
    let takenCount = max(firstMissing, (items.lastIndex(where: isStored) ?? 0) + 1)
    var tensors: [WeightMapping.Tensor] = []
    for item in items[..<takenCount] {
      compare(item)
      tensors += item.values.map { WeightMapping.Tensor(stored: $0.name, name: $0.name) }
    }
    let wholeModules =
      takenCount == items.count ? network.moduleCount : items[takenCount].module - 1
    if let frozen, frozen.value > wholeModules {
      diagnostics.append(
        .frozenModules(
          "only \(wholeModules) of the modules to be kept are stored", label: "modules to be kept",
          at: frozen.span, help: "train the rest: set `network.frozen: \(wholeModules)` or less"))
    } else if faults.isEmpty, let frozen, let fault = wiringFault(of: items[..<takenCount], frozen) {
      diagnostics.append(fault)
    }
    // Which module the stored head stands behind; a deeper file has an auxiliary there.
    let lastStored = hasFurtherItems(than: items) ? nil : items[takenCount - 1].module
    var unsolved: [Int] = []
    for module in 1...network.moduleCount where module <= wholeModules {
      if let classifier = classifier(ofModule: module, headBehind: lastStored) {
        tensors += classifier
      } else if let frozen, module <= frozen.value {
        unsolved.append(module)
      }
    }
    faults.noteNumbers(of: tensors.map(\.stored))
    diagnostics += faults.diagnostics
    let namesInFile = Dictionary(stored.tensors.map { ($0.name, $0.nameInFile) }) { first, _ in first }
    tensors = tensors.map {
      WeightMapping.Tensor(stored: (namesInFile[$0.stored] ?? nil) ?? $0.stored, name: $0.name)
    }
    start = WeightMapping(path: from.value, sha256: stored.sha256, tensors: tensors, unsolved: unsolved)
  }

  /// Notes what of a layer or block is missing, is of another shape, or would be left behind.
  private mutating func compare(_ item: Item) {
    for value in item.values {
      guard let shape = storedShapes[value.name] else {
        faults.missing.append(value.name)
        continue
      }
      let expected = value.type.pyTorchShape
      if shape != expected { faults.misshapen.append((value.name, stored: shape, expected: expected)) }
    }
    // What the file has besides would be thrown away, and the layer would compute something else with the rest.
    let own = Set(item.values.map(\.name))
    faults.leftBehind += stored.tensors.map(\.name).filter {
      NetworkWiring.partName(ofTensor: $0) == item.name && !own.contains($0)
    }
  }

  /// A layer or block that is to be kept, and would not be what it was: pooled, strided or added up otherwise. One that goes on
  /// learning may be.
  private func wiringFault(of items: ArraySlice<Item>, _ frozen: Spanned<Int>) -> Diagnostic? {
    for item in items where item.module <= frozen.value {
      guard let name = item.name, let before = stored.wiring.steps[name], let now = wiring.steps[name],
        NetworkWiring.comparable(before) != NetworkWiring.comparable(now)
      else { continue }
      return .weights(
        "'\(name)' of '\(stored.path)' would not compute what it did",
        label: "stored \(Self.difference(before, now)), here \(Self.difference(now, before))", at: from.span,
        notes: [
          Diagnostic.Note(span: frozen.span, label: "module \(item.module) is to be kept as it is stored")
        ],
        help: "set `downsampling` and `network` for it as they were, or let it learn: "
          + "`network.frozen: \(item.module - 1)`")
    }
    return nil
  }

  /// What the one list has that the other has not, but for what both begin and end with.
  private static func difference(_ steps: [String], _ others: [String]) -> String {
    let head = zip(steps, others).prefix { $0 == $1 }.count
    let most = min(steps.count, others.count) - head
    let tail = zip(steps.reversed(), others.reversed()).prefix(most).prefix { $0 == $1 }.count
    let own = steps[head..<steps.count - tail]
    return own.isEmpty ? "without" : "with " + own.joined(separator: ", ")
  }

  /// Layers or blocks that this network does not have.
  private func hasFurtherItems(than items: [Item]) -> Bool {
    let own = Set(items.flatMap { $0.values.map(\.name) })
    return storedShapes.keys.contains { name in
      (name.hasPrefix("layers.") || name.hasPrefix("blocks.")) && !own.contains(name)
    }
  }

  // MARK: - Classifiers

  /// The stored classifier of a module, if all of it is there with the shapes that are wanted and behind the same layer: under its
  /// own name, or as the head that stood behind the same module when the network was shorter, or as the auxiliary when it was
  /// longer. What only a loss looks at comes along where it is stored.
  private mutating func classifier(ofModule module: Int, headBehind lastStored: Int?) -> [WeightMapping
    .Tensor]?
  {
    guard let metric = network.metrics.first(where: { $0.module == module }) else { return nil }
    let isLast = module == network.moduleCount
    let own = isLast ? "head" : "auxiliaries.\(module)"
    let candidate = lastStored == module ? "head" : "auxiliaries.\(module)"
    func storedName(_ value: Value) -> String { candidate + value.name.dropFirst(own.count) }
    func fits(_ value: Value) -> Bool { storedShapes[storedName(value)] == value.type.pyTorchShape }
    var seen: Set<String> = []
    func state(_ nodes: [Node]) -> [Value] {
      nodes.flatMap(trainedState).filter { seen.insert($0.name).inserted }
    }
    let classifier = state(network.classifierNodes(of: metric))
    let ofLoss = state(network.nodes.filter { $0.module == module && $0.part == .auxiliary })
    if let before = stored.wiring.steps[candidate],
      NetworkWiring.comparable(before) != wiring.steps[own].map(NetworkWiring.comparable)
    {
      return nil
    }
    let known = Set(classifier.map(storedName))
    let hasMore = storedShapes.keys.contains { name in
      NetworkWiring.partName(ofTensor: name) == candidate && !known.contains(name)
        && !name.hasPrefix("\(candidate).similarity.")
    }
    guard classifier.allSatisfy(fits), !hasMore else {
      let missing = classifier.map(storedName).filter { storedShapes[$0] == nil }
      // The same classifier by its steps, and not all of it.
      if stored.wiring.steps[candidate] != nil { faults.missing += missing }
      let isStored = storedShapes.keys.contains { NetworkWiring.partName(ofTensor: $0) == candidate }
      if isStored { restarted.append(candidate) }
      return nil
    }
    return (classifier + ofLoss.filter(fits)).map {
      WeightMapping.Tensor(stored: storedName($0), name: $0.name)
    }
  }
}
