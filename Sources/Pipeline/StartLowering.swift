internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

/// Which of a network's tensors start from stored weights: those of its first layers or blocks, as many as the file has one
/// after the other, and the classifiers of modules that are stored whole. Names decide, shapes must agree, and nothing that is
/// stored of a layer is left behind. Layers that stay frozen must compute what they computed when they were stored.
struct StartLowering {
  private(set) var start: StartPlan?
  private(set) var diagnostics: [Diagnostic] = []

  private let network: Graph
  private let wiring: NetworkWiring
  private let from: Spanned<String>
  private let stored: StoredWeights
  private let storedShapes: [String: [Int]]

  /// Nothing to do where the spec starts from its `init` alone.
  static func run(
    _ spec: Spec, network: Graph, source: StartSource?
  ) throws(CompilationFailed) -> StartPlan? {
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

  private init(network: Graph, from: Spanned<String>, stored: StoredWeights) {
    self.network = network
    self.from = from
    self.stored = stored
    wiring = NetworkWiring(network)
    storedShapes = Dictionary(stored.tensors.map { ($0.name, $0.shape) }) { first, _ in first }
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
    let takenCount =
      items.firstIndex { item in
        !item.values.isEmpty && item.values.allSatisfy { storedShapes[$0.name] == nil }
      } ?? items.count
    guard takenCount > 0 else {
      diagnostics.append(
        .weights(
          "the weights at '\(stored.path)' are not of this network",
          label: "has no '\(items[0].values[0].name)'",
          at: from.span))
      return
    }
    var tensors: [StartPlan.Tensor] = []
    for item in items[..<takenCount] {
      // Where one tensor does not fit, most of the others do not, for the same reason: one fault says it.
      if let fault = fault(of: item) {
        diagnostics.append(fault)
        return
      }
      tensors += item.values.map { StartPlan.Tensor(stored: $0.name, name: $0.name) }
    }
    let wholeModules =
      takenCount == items.count ? network.moduleCount : items[takenCount].module - 1
    if let frozen, frozen.value > wholeModules {
      diagnostics.append(
        .frozenModules(
          "only \(wholeModules) of the modules to be kept are stored", label: "modules to be kept",
          at: frozen.span, help: "train the rest: set `network.frozen: \(wholeModules)` or less"))
      return
    }
    if let frozen, let fault = wiringFault(of: items[..<takenCount], frozen) {
      diagnostics.append(fault)
      return
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
    if let name = tensors.first(where: { stored.notFinite.contains($0.stored) })?.stored {
      diagnostics.append(
        .weights(
          "the stored tensor '\(name)' has numbers that are not finite", label: "'\(stored.path)'",
          at: from.span, help: "the training that left it has diverged: start from another one's weights"))
      return
    }
    start = StartPlan(path: from.value, sha256: stored.sha256, tensors: tensors, unsolved: unsolved)
  }

  private func fault(of item: Item) -> Diagnostic? {
    for value in item.values {
      if let fault = fault(of: value, storedAs: value.name) { return fault }
    }
    // What the file has besides would be thrown away, and the layer would compute something else with the rest.
    let own = Set(item.values.map(\.name))
    let further = stored.tensors.first {
      NetworkWiring.partName(ofTensor: $0.name) == item.name && !own.contains($0.name)
    }
    return further.map { tensor in
      .weights(
        "the weights at '\(stored.path)' have the tensor '\(tensor.name)', this network does not",
        label: "would be left behind", at: from.span,
        help: "give the network what it had when it was stored: \(Self.setting(of: tensor.name))")
    }
  }

  /// The key by which a network has a tensor.
  private static func setting(of tensor: String) -> String {
    let words = tensor.split(separator: ".")
    if words.contains("shortcut") { return "`network.shortcut: projection`, the same widths and halvings" }
    if words.contains(where: { $0.hasPrefix("batch_norm") }) { return "`network.batch-norm: true`" }
    return words.last == "bias" ? "`network.bias: true`" : "the same `network.family` and `network.block`"
  }

  private func fault(of value: Value, storedAs name: String) -> Diagnostic? {
    guard let shape = storedShapes[name] else {
      return .weights(
        "the weights at '\(stored.path)' lack the tensor '\(name)'", label: "has other parts of its layer",
        at: from.span)
    }
    let expected = value.type.pyTorchShape
    guard shape != expected else { return nil }
    return .weights(
      "the stored tensor '\(name)' has the shape \(shape), this network's has \(expected)",
      label: "'\(stored.path)'", at: from.span)
  }

  /// A layer or block that is to be kept, and would not be what it was: pooled, strided or added up otherwise. One that goes on
  /// learning may be.
  private func wiringFault(of items: ArraySlice<Item>, _ frozen: Spanned<Int>) -> Diagnostic? {
    for item in items where item.module <= frozen.value {
      guard let name = item.name, let before = stored.wiring.steps[name], let now = wiring.steps[name],
        before != now
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
  private func classifier(ofModule module: Int, headBehind lastStored: Int?) -> [StartPlan.Tensor]? {
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
    if let before = stored.wiring.steps[candidate], before != wiring.steps[own] { return nil }
    let known = Set(classifier.map(storedName))
    let hasMore = storedShapes.keys.contains { name in
      NetworkWiring.partName(ofTensor: name) == candidate && !known.contains(name)
        && !name.hasPrefix("\(candidate).similarity.")
    }
    guard classifier.allSatisfy(fits), !hasMore else { return nil }
    return (classifier + ofLoss.filter(fits)).map {
      StartPlan.Tensor(stored: storedName($0), name: $0.name)
    }
  }
}

/// Faults of `network.frozen` and `network.from` that show without the file.
func startFaults(of spec: Spec, moduleCount: Int) -> [Diagnostic] {
  guard let frozen = spec.network.frozen, frozen.value > 0 else { return [] }
  var faults: [Diagnostic] = []
  if spec.network.from == nil {
    faults.append(
      .frozenModules(
        "'network.frozen' keeps modules that are stored, and none are", label: "without 'network.from'",
        at: frozen.span, help: "say where they are: `network.from: runs/first`"))
  }
  if spec.training.strategy.value == .endToEnd {
    faults.append(
      .frozenModules(
        "end-to-end training has one module, and trains it", label: "to be kept", at: frozen.span,
        help: "drop `network.frozen`, or train with another strategy"))
  } else if frozen.value >= moduleCount {
    faults.append(
      .frozenModules(
        "nothing is left to train", label: "of \(moduleCount) modules", at: frozen.span,
        help: "keep \(moduleCount - 1) modules or fewer"))
  }
  if let slow = spec.training.asynchronous?.slow, slow.module.value <= frozen.value {
    faults.append(
      .frozenModules(
        "module \(slow.module.value) is kept as it is stored, and cannot be slow at learning",
        label: "of the first \(frozen.value)", at: slow.module.span,
        help: "make another module slow, or keep fewer modules"))
  }
  for override in spec.training.overrides where override.module.value <= frozen.value {
    faults.append(
      .frozenModules(
        "module \(override.module.value) is kept as it is stored, and cannot be trained differently",
        label: "of the first \(frozen.value)", at: override.module.span,
        help: "drop the override, or keep fewer modules"))
  }
  return faults
}
