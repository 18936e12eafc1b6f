package import GraphIR
internal import Operators

/// Cuts the modules of a stage apart, for asynchronous training: a module reads its batch, features and labels, from the
/// ring that the module before it fills, and keeps what it outputs in a ring of its own. Each module's nodes then form a
/// program of their own, one behind the other in the graph; the batch itself enters the first, through the modules that are
/// frozen before it.
package struct AsynchronousStage: Pass {
  package static let name = TrainingStage.name

  package enum Purpose: Hashable, Sendable {
    /// Every module with its loss.
    case training
    /// Modules that have learned all their epochs and go on feeding the next: layers alone, as inference.
    case feeding
  }

  private let purpose: Purpose
  /// Batches that a ring holds.
  private let slots: Int
  /// So many modules are frozen from the beginning.
  private let frozenCount: Int

  package init(_ purpose: Purpose, slots: Int, frozenCount: Int) {
    self.purpose = purpose
    self.slots = slots
    self.frozenCount = frozenCount
  }

  package func run(_ graph: Graph) -> Graph {
    var stage = graph
    stage.nodes = []
    stage.moduleOutputs = []
    var byModule: [[Node]] = Array(repeating: [], count: graph.moduleCount)
    for node in graph.nodes {
      if node.module > frozenCount {
        byModule[node.module - 1].append(node)
      } else if node.part == .layers {
        byModule[frozenCount].append(node.asInference)
      }
    }
    stage.metrics = graph.metrics.filter { $0.module > frozenCount }
    let last: Int
    switch purpose {
    case .training: last = graph.moduleCount
    case .feeding:
      // Nobody reads what the last module outputs.
      last = graph.moduleCount - 1
      stage.metrics = []
      byModule = byModule.map { nodes in nodes.filter { $0.part == .layers }.map(\.asInference) }
    }
    var ring: (features: ValueID, labels: ValueID)?
    for module in frozenCount + 1...max(frozenCount + 1, last) where module <= last {
      let output = graph.moduleOutputs[module - 1]
      var batch = (features: graph.images, labels: graph.labels)
      if let ring {
        let input = graph.moduleOutputs[module - 2]
        batch = ringRead(from: ring, like: (input, graph.labels), module, byModule[module - 1][0], &stage)
        byModule[module - 1] = byModule[module - 1].map { node in
          node.replacing([input: batch.features, graph.labels: batch.labels])
        }
      }
      let layers = byModule[module - 1].filter { $0.part == .layers }
      stage.nodes += layers
      if module < graph.moduleCount {
        let kept = makeRing(behind: output, ofModule: module, &stage)
        var node = layers[layers.count - 1]
        node.op = Op(RingWrite())
        node.operands = [output, batch.labels, kept.features, kept.labels]
        node.results = []
        stage.nodes.append(node)
        ring = kept
      }
      stage.nodes += byModule[module - 1].filter { $0.part == .auxiliary }
    }
    return stage
  }

  private func ringRead(
    from ring: (features: ValueID, labels: ValueID), like input: (features: ValueID, labels: ValueID),
    _ module: Int, _ first: Node, _ stage: inout Graph
  ) -> (features: ValueID, labels: ValueID) {
    func add(_ id: ValueID, _ name: String) -> ValueID {
      stage.addValue(Value(name: name, type: stage[id].type, category: .activation, module: module))
    }
    let batch = (features: add(input.features, "ring_batch"), labels: add(input.labels, "ring_labels"))
    var node = first
    node.op = Op(RingRead())
    node.operands = [ring.features, ring.labels]
    node.results = [batch.features, batch.labels]
    node.isDetached = false
    stage.nodes.append(node)
    return batch
  }

  private func makeRing(
    behind output: ValueID, ofModule module: Int, _ stage: inout Graph
  ) -> (features: ValueID, labels: ValueID) {
    var shape = stage.shape(output)
    shape.batch *= slots
    func add(_ name: String, _ type: TensorType) -> ValueID {
      stage.addValue(
        Value(name: "replay.\(module).\(name)", type: type, category: .replay, module: module))
    }
    return (add("features", .images(shape)), add("labels", .labels(batch: shape.batch)))
  }
}

extension Node {
  fileprivate func replacing(_ values: [ValueID: ValueID]) -> Node {
    var node = self
    node.operands = operands.map { values[$0] ?? $0 }
    return node
  }
}
