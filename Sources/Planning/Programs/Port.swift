package import GraphIR
internal import Operators

/// A named end of a program: where an executor puts something in, or takes something that comes out.
package struct Port: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// A batch of images, normalised.
    case images
    case labels
    /// What a module passes on for each image of a batch. In: from the activation cache; out: what fills it.
    case activation(module: Int)
    /// The replay ring that a module writes and the next one reads.
    case ring(module: Int)
    /// The buffers in which batches arrive that a module passes on in another process; those from which a module's are sent.
    case receive(module: Int)
    case send(module: Int)
    /// Loss and counts of correct answers.
    case metrics(module: Int)
  }

  package var kind: Kind
  package var value: ValueID
  /// Whose nodes read or write it, from 1.
  package var module: Int
}

extension Port {
  /// What a program reads that comes from outside.
  static func inputs(of graph: Graph) -> [Port] {
    let first = graph.nodes.map(\.module).min() ?? 1
    let received = graph.nodes.filter { $0.op.as(RingRead.self)?.end == .rank }
    let batch =
      received.isEmpty
      ? [
        Port(kind: batchKind(of: graph), value: graph.images, module: first),
        Port(kind: .labels, value: graph.labels, module: first),
      ]
      : received.flatMap { node in
        node.operands.map { Port(kind: .receive(module: graph[$0].module), value: $0, module: node.module) }
      }
    return batch
      + graph.nodes.filter { $0.op.as(RingRead.self)?.end == .module }.map { node in
        Port(
          kind: .ring(module: graph[node.operands[0]].module), value: node.operands[0], module: node.module)
      }
  }

  static func batchKind(of graph: Graph) -> Kind {
    graph.inputModule == 0 ? .images : .activation(module: graph.inputModule)
  }

  /// What a program makes that is read behind its last node.
  static func outputs(of graph: Graph) -> [Port] {
    let rings = graph.nodes.flatMap { node -> [Port] in
      switch node.op.as(RingWrite.self)?.end {
      case .module?: [Port(kind: .ring(module: node.module), value: node.operands[2], module: node.module)]
      case .rank?:
        node.operands[2...].map { Port(kind: .send(module: node.module), value: $0, module: node.module) }
      case nil: []
      }
    }
    let activations = graph.moduleOutputs.map { value in
      Port(kind: .activation(module: graph[value].module), value: value, module: graph[value].module)
    }
    return rings + activations
      + graph.metrics.map { Port(kind: .metrics(module: $0.module), value: $0.value, module: $0.module) }
  }
}

extension Program {
  /// Where a batch goes in; traps where the program starts from something else. Looks at no list: this runs in every step.
  package func input(_ kind: Port.Kind) -> ValueID {
    switch kind {
    case .labels: return graph.labels
    case .images, .activation, .ring, .receive, .send, .metrics:
      precondition(kind == Port.batchKind(of: graph), "the program starts from something else")
      return graph.images
    }
  }

  /// What a program passes on that makes activations of one module; nil for all others.
  package var activation: ValueID? {
    outputs.first {
      if case .activation = $0.kind { true } else { false }
    }?.value
  }

  /// Numbers of that for an image.
  package var featureCount: Int { activation.map { graph.shape($0).elementsPerImage } ?? 0 }
}
