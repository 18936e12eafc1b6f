package import GraphIR

/// Turns the forward nodes of the trained modules into training: forward, backward and update, module after module, so
/// that a module hands on its activation from before its own update (decoupled greedy learning, algorithm 1). Gradients
/// stop at the module's input. A parameter is updated right behind the last use of its gradient and its weights. Where a batch
/// passes in pieces, gradients add up in the optimizer's state where that can be, and elsewhere in sums of their own, which the
/// last piece alone updates by.
package struct Differentiation: Pass {
  package static let name = "differentiate"

  private let modules: [Int]
  private let optimizer: Optimizer
  private let accumulates: Bool
  private let trainsLayers: Bool

  /// - Parameters:
  ///   - modules: that learn; all other nodes run as they are.
  ///   - accumulates: gradients add up over the pieces of a batch, and the sum is what updates.
  ///   - trainsLayers: otherwise auxiliaries learn alone.
  package init(modules: [Int], optimizer: Optimizer, accumulates: Bool, trainsLayers: Bool = true) {
    self.modules = modules
    self.optimizer = optimizer
    self.accumulates = accumulates
    self.trainsLayers = trainsLayers
  }

  package func run(_ graph: Graph) -> Graph {
    let modules = Set(modules)
    var result = graph
    result.nodes = []
    var byModule: [[Node]] = Array(repeating: [], count: (graph.nodes.map(\.module).max() ?? 0) + 1)
    for node in graph.nodes { byModule[node.module].append(node) }
    for (module, nodes) in byModule.enumerated() {
      guard modules.contains(module) else {
        result.nodes += nodes
        continue
      }
      let learning = nodes.filter { trainsLayers || $0.part == .auxiliary }
      // A module's layers come before its auxiliary.
      result.nodes += nodes.prefix(nodes.count - learning.count)
      var differentiated = ModuleDifferentiation(
        graph: result, module: module, goal: .updates(optimizer, accumulates: accumulates))
      // Arrays that are held twice are copied when they grow: with every module once more.
      (result.nodes, result.values) = ([], [])
      differentiated.run(forward: learning)
      result = differentiated.graph
    }
    return result
  }
}

/// Reverse-mode differentiation of one module.
struct ModuleDifferentiation {
  /// What gradients are for.
  enum Goal {
    /// Every parameter follows its gradient; where batches pass in pieces, gradients accumulate.
    case updates(Optimizer, accumulates: Bool)
    /// The gradient of what the module's layers hand on is looked at, and nothing changes: neither parameters nor
    /// running statistics.
    case watching
  }

  private(set) var graph: Graph
  private let module: Int
  private let goal: Goal
  /// By value: its gradient so far.
  private var gradients: [ValueID: ValueID] = [:]
  /// Values that a trained parameter of this module influences.
  private var isTrained: Set<ValueID> = []
  /// Gradients that are zero for any batch.
  private var isZero: Set<ValueID> = []
  /// Values that nothing but a batch norm reads.
  private var normalized: Set<ValueID> = []

  init(graph: Graph, module: Int, goal: Goal) {
    self.graph = graph
    self.module = module
    self.goal = goal
  }

  /// Nil where the loss does not depend on the value.
  func gradient(of value: ValueID) -> ValueID? { gradients[value] }

  mutating func run(forward: [Node]) {
    var trainingNodes: [Node] = []
    normalized = valuesReadByBatchNormAlone(forward)
    for node in forward {
      let trained = node.operands.contains { isTrained.contains($0) || graph[$0].category == .parameter }
      if trained { isTrained.formUnion(node.results) }
      trainingNodes.append(savingForBackward(node))
    }
    graph.nodes += trainingNodes
    for node in trainingNodes.reversed() {
      switch goal {
      case .updates: differentiate(node)
      case .watching: if node.part == .auxiliary { differentiate(node) }
      }
    }
  }

  private func valuesReadByBatchNormAlone(_ nodes: [Node]) -> Set<ValueID> {
    var readers: [ValueID: (all: Int, batchNorms: Int)] = [:]
    for node in nodes {
      for (position, operand) in node.operands.enumerated() {
        readers[operand, default: (0, 0)].all += 1
        if case .batchNorm = node.op, position == 0 { readers[operand, default: (0, 0)].batchNorms += 1 }
      }
    }
    return Set(readers.filter { $0.value.all == $0.value.batchNorms }.keys)
  }

  /// The node with the further results that its backward nodes read.
  private mutating func savingForBackward(_ node: Node) -> Node {
    guard let first = node.results.first else { return node }
    var node = node
    let type = graph[first].type
    switch node.op {
    case .batchNorm(var norm):
      if case .watching = goal {
        norm.mode = .batch
        node.op = .batchNorm(norm)
      }
      node.results.append(add("saved_mean", .vector(type.shape.channels), .activation))
      node.results.append(add("saved_inverse_deviation", .vector(type.shape.channels), .activation))
    case .maxPool:
      if isTrained.contains(node.operands[0]) {
        node.results.append(add("window_indices", .windowIndices(type.shape), .activation))
      }
    case .softmaxCrossEntropy, .similarityLoss:
      let gradient = add("logit_gradient", graph[node.operands[0]].type, .gradient)
      node.results.append(gradient)
      gradients[node.operands[0]] = gradient
    case .convolution, .linear, .relu, .add, .averagePool, .spaceToDepth, .subsample, .spatialDeviation,
      .foldBatchNorm, .ensemble, .recall, .remember,
      .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate, .channelScores, .update:
      break
    }
    return node
  }

  private mutating func differentiate(_ node: Node) {
    guard let y = node.results.first, let outer = gradients[y] else { return }
    let x = node.operands[0]
    switch node.op {
    case .convolution(let convolution):
      let dy = convolution.relu ? emitReLUBackward(node, outer) : outer
      var updates = [
        (
          node.operands[1],
          emit(.convolutionWeightGradient(plain(convolution)), [x, dy], like: node.operands[1], node)
        )
      ]
      if node.operands.count == 3 {
        updates.append((node.operands[2], biasGradient(node, dy, relu: convolution.relu)))
      }
      if isTrained.contains(x) {
        accumulate(
          emit(.convolutionInputGradient(plain(convolution)), [dy, node.operands[1]], like: x, node), into: x,
          node)
      }
      update(updates, node)
    case .linear(_, let relu):
      let dy = relu ? emitReLUBackward(node, outer) : outer
      var updates = [(node.operands[1], emit(.linearWeightGradient, [x, dy], like: node.operands[1], node))]
      if node.operands.count == 3 {
        updates.append((node.operands[2], biasGradient(node, dy, relu: relu)))
      }
      if isTrained.contains(x) {
        accumulate(emit(.linearInputGradient, [dy, node.operands[1]], like: x, node), into: x, node)
      }
      update(updates, node)
    case .batchNorm(let norm):
      let scale = node.operands[1]
      let shift = node.operands[2]
      let dx = add("gradient", graph[x].type, .gradient)
      let dScale = add("gradient", graph[scale].type, .gradient)
      let dShift = add("gradient", graph[shift].type, .gradient)
      append(
        .batchNormBackward(relu: norm.relu), [x, outer, scale, shift, node.results[1], node.results[2]],
        results: [dx, dScale, dShift], node)
      if isTrained.contains(x) { accumulate(dx, into: x, node) }
      update([(scale, dScale), (shift, dShift)], node)
    case .relu: accumulate(emitReLUBackward(node, outer), into: x, node)
    case .add(let relu):
      let dy = relu ? emitReLUBackward(node, outer) : outer
      for operand in node.operands where isTrained.contains(operand) { accumulate(dy, into: operand, node) }
    case .maxPool(let pool):
      guard isTrained.contains(x) else { return }
      accumulate(emit(.maxPoolBackward(pool), [outer, node.results[1]], like: x, node), into: x, node)
    case .averagePool(_, _, let window):
      guard isTrained.contains(x) else { return }
      accumulate(emit(.averagePoolBackward(window: window), [outer], like: x, node), into: x, node)
    case .spaceToDepth:
      guard isTrained.contains(x) else { return }
      accumulate(emit(.depthToSpace, [outer], like: x, node), into: x, node)
    case .subsample(let stride, _):
      guard isTrained.contains(x) else { return }
      accumulate(emit(.subsampleBackward(stride: stride), [outer], like: x, node), into: x, node)
    case .spatialDeviation:
      accumulate(emit(.spatialDeviationBackward, [x, node.results[0], outer], like: x, node), into: x, node)
    case .softmaxCrossEntropy, .similarityLoss, .ensemble, .recall, .remember: return
    case .foldBatchNorm: preconditionFailure("only frozen modules have folded batch norms")
    case .convolutionInputGradient, .convolutionWeightGradient, .biasGradient, .zeroGradient,
      .linearInputGradient,
      .linearWeightGradient, .batchNormBackward, .reluBackward, .maxPoolBackward, .averagePoolBackward,
      .depthToSpace, .subsampleBackward, .spatialDeviationBackward, .accumulate, .channelScores, .update:
      preconditionFailure("only forward nodes are differentiated")
    }
  }

  private func plain(_ convolution: Convolution) -> Convolution {
    var convolution = convolution
    convolution.relu = false
    return convolution
  }

  private mutating func add(_ name: String, _ type: TensorType, _ category: ValueCategory) -> ValueID {
    graph.addValue(Value(name: name, type: type, category: category, module: module))
  }

  private mutating func append(_ op: Op, _ operands: [ValueID], results: [ValueID], _ source: Node) {
    var node = source
    node.op = op
    node.operands = operands
    node.results = results
    graph.nodes.append(node)
  }

  private mutating func emit(_ op: Op, _ operands: [ValueID], like value: ValueID, _ source: Node) -> ValueID
  {
    let result = add("gradient", graph[value].type, .gradient)
    append(op, operands, results: [result], source)
    return result
  }

  /// Of a bias in front of batch norm, with no ReLU between, exactly zero: batch norm takes every constant away again.
  private mutating func biasGradient(_ node: Node, _ dy: ValueID, relu: Bool) -> ValueID {
    guard !relu, normalized.contains(node.results[0]) else {
      return emit(.biasGradient, [dy], like: node.operands[2], node)
    }
    let zeros = emit(.zeroGradient, [], like: node.operands[2], node)
    isZero.insert(zeros)
    return zeros
  }

  private mutating func emitReLUBackward(_ node: Node, _ outer: ValueID) -> ValueID {
    emit(.reluBackward, [node.results[0], outer], like: node.results[0], node)
  }

  /// Values read twice (a residual block's input) sum their gradients.
  private mutating func accumulate(_ gradient: ValueID, into value: ValueID, _ source: Node) {
    if source.isDetached && value == source.operands[0] { return }
    guard let sum = gradients[value] else {
      gradients[value] = gradient
      return
    }
    gradients[value] = emit(.add(relu: false), [sum, gradient], like: value, source)
  }

  /// The sum over the pieces of a batch, where it passes in pieces.
  private mutating func accumulated(
    _ gradient: ValueID, of parameter: ValueID, for optimizer: Optimizer, _ source: Node
  ) -> ValueID {
    guard !optimizer.addsUpInState, !isZero.contains(gradient) else { return gradient }
    let accumulator = graph.addValue(
      Value(
        name: "\(graph[parameter].name).gradient", type: graph[parameter].type, category: .accumulator,
        module: module, initial: .zeros))
    append(.accumulate, [accumulator, gradient], results: [], source)
    return accumulator
  }

  private mutating func update(_ parameters: [(parameter: ValueID, gradient: ValueID)], _ source: Node) {
    guard case .updates(let optimizer, let accumulates) = goal else { return }
    for (parameter, gradient) in parameters {
      let state = optimizer.stateNames.map { name in
        graph.addValue(
          Value(
            name: "\(graph[parameter].name).\(name)", type: graph[parameter].type, category: .optimizer,
            module: module, initial: .zeros))
      }
      let sum = accumulates ? accumulated(gradient, of: parameter, for: optimizer, source) : gradient
      append(.update(optimizer), [parameter, sum] + state, results: [], source)
    }
  }
}
