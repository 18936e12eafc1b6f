internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

/// Which of a network's tensors start from stored weights: those of its first layers or blocks, as many as the file has one
/// after the other, and the classifiers of modules that are stored whole. Names decide, shapes must agree.
struct StartLowering {
  private(set) var start: StartPlan?
  private(set) var diagnostics: [Diagnostic] = []

  private let network: Graph
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
    storedShapes = Dictionary(stored.tensors.map { ($0.name, $0.shape) }) { first, _ in first }
  }

  // MARK: - Items

  /// The parameters and statistics of a layer or block.
  private struct Item {
    var number, module: Int
    var values: [Value] = []
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
      for value in item.values {
        // Where one tensor does not fit, most of the others do not, for the same reason: one fault says it.
        if let fault = fault(of: value, storedAs: value.name) {
          diagnostics.append(fault)
          return
        }
        tensors.append(StartPlan.Tensor(stored: value.name, name: value.name))
      }
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
    start = StartPlan(path: from.value, sha256: stored.sha256, tensors: tensors, unsolved: unsolved)
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

  /// Layers or blocks that this network does not have.
  private func hasFurtherItems(than items: [Item]) -> Bool {
    let own = Set(items.flatMap { $0.values.map(\.name) })
    return storedShapes.keys.contains { name in
      (name.hasPrefix("layers.") || name.hasPrefix("blocks.")) && !own.contains(name)
    }
  }

  // MARK: - Classifiers

  /// The stored classifier of a module, if it is there with the shapes that are wanted: under its own name, or as the head
  /// that stood behind the same module when the network was shorter, or as the auxiliary when it was longer.
  private func classifier(ofModule module: Int, headBehind lastStored: Int?) -> [StartPlan.Tensor]? {
    let isLast = module == network.moduleCount
    let own = isLast ? "head." : "auxiliaries.\(module)."
    let candidates = lastStored == module ? ["head."] : ["auxiliaries.\(module)."]
    var seen: Set<String> = []
    let values = network.nodes.filter { $0.module == module && $0.part == .auxiliary }
      .flatMap(trainedState).filter { seen.insert($0.name).inserted }
    guard !values.isEmpty else { return nil }
    for candidate in candidates {
      let tensors = values.map {
        StartPlan.Tensor(stored: candidate + $0.name.dropFirst(own.count), name: $0.name)
      }
      let fits = zip(values, tensors).allSatisfy { value, tensor in
        storedShapes[tensor.stored] == value.type.pyTorchShape
      }
      if fits { return tensors }
    }
    return nil
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
