package import Diagnostics
package import GraphIR

/// A block of a program's memory: what lies in it, and from which node to which.
package struct MemoryBlock: Hashable, Sendable {
  /// A value that lies in the block, behind the one before it in place.
  package struct Tenant: Hashable, Sendable {
    package var name: String
    /// Nil for scratch.
    package var value: ValueID?
    package var type: TensorType?
    /// From where on; the batch and what outlives a step are there from the start.
    package var firstNode: Int
    /// From 1; 0: of no module.
    package var module: Int
    package var part: Part
    /// The spec's text behind it; nil for the batch, which the plan knows the place of.
    package var origin: SourceSpan?
  }

  package var category: MemoryCategory
  /// From the arena's start.
  package var offset: Int
  package var byteCount: Int
  /// First and last node during which it is wanted; nil: it outlives the step.
  package var nodes: ClosedRange<Int>?
  /// In order of their first nodes; never empty.
  package var tenants: [Tenant]

  /// Whether something of it is wanted during a node.
  package func isLive(at node: Int) -> Bool { nodes?.contains(node) ?? true }

  /// What lies in it during a node.
  package func tenant(at node: Int) -> Tenant { tenants.last { $0.firstNode <= node } ?? tenants[0] }
}

/// A program's memory, block by block and node by node. Figures of the plan come out of it again by adding up.
package struct ProgramMemory: Sendable {
  package let program: Program
  /// What outlives a step first, then in order of their first nodes.
  package let blocks: [MemoryBlock]
  /// What is live during each node.
  package let live: [MemoryBreakdown]

  /// - Parameters:
  ///   - resident: what outlives a step.
  ///   - origins: of parameters, statistics and optimizer state, by name.
  init(_ program: Program, resident: ResidentLayout, workers: Int, origins: ResidentOrigins) {
    self.program = program
    let graph = program.graph
    var definitions = [Int?](repeating: nil, count: graph.values.count)
    for (index, node) in graph.nodes.enumerated() {
      for result in node.results { definitions[result.index] = index }
    }
    var blocks = resident.entries.map { entry in
      let origin = origins[entry.value.name]
      return MemoryBlock(
        category: MemoryCategory(resident: entry.value), offset: entry.offset,
        byteCount: paddedByteCount(entry.value.type.byteCount), nodes: nil,
        tenants: [
          MemoryBlock.Tenant(
            name: entry.value.name, value: nil, type: entry.value.type, firstNode: 0,
            module: entry.value.module, part: origin?.part ?? .layers, origin: origin?.span)
        ])
    }
    if let features = program.features {
      blocks.append(
        MemoryBlock(
          category: .activation, offset: features.lowerBound, byteCount: features.count, nodes: nil,
          tenants: [
            MemoryBlock.Tenant(
              name: "features of all pictures", value: nil, type: nil, firstNode: 0, module: 0, part: .layers,
              origin: nil)
          ]))
    }
    let lifetimes = Lifetime.all(of: graph, workers: workers)
    for lifetime in lifetimes {
      let tenants: [MemoryBlock.Tenant]
      let offset: Int
      switch lifetime.owner {
      case .values(let values):
        offset = program.offsets[values[0].index]
        tenants = values.map { id in
          let node = definitions[id.index]
          return MemoryBlock.Tenant(
            name: graph[id].name, value: id, type: graph[id].type, firstNode: node ?? 0,
            module: graph[id].module, part: node.map { graph.nodes[$0].part } ?? .layers,
            origin: node.map { graph.nodes[$0].origin })
        }.sorted { $0.firstNode < $1.firstNode }
      case .scratch(let index):
        let node = graph.nodes[index]
        offset = program.scratch(ofNode: index)?.lowerBound ?? 0
        tenants = [
          MemoryBlock.Tenant(
            name: "scratch of \(node.op.text.prefix { $0 != "[" })", value: nil, type: nil, firstNode: index,
            module: node.module,
            part: node.part, origin: node.origin)
        ]
      }
      blocks.append(
        MemoryBlock(
          category: lifetime.category, offset: offset, byteCount: lifetime.byteCount, nodes: lifetime.nodes,
          tenants: tenants))
    }
    self.blocks = blocks
    var breakdown = MemoryBreakdown()
    for block in blocks where block.nodes == nil { breakdown[block.category] += block.byteCount }
    live = MemoryBreakdown.live(of: lifetimes, nodeCount: graph.nodes.count, resident: breakdown)
  }

  /// What is live during a node, the largest first.
  package func blocks(at node: Int) -> [MemoryBlock] {
    let live = blocks.enumerated().filter { $0.element.isLive(at: node) }
    return live.sorted { a, b in
      a.element.byteCount == b.element.byteCount
        ? a.offset < b.offset : a.element.byteCount > b.element.byteCount
    }.map(\.element)
  }

  /// The node of most live bytes among those that `isWanted` picks; the first of equal ones.
  package func peak(where isWanted: (Node) -> Bool) -> Int? {
    var best: Int?
    for (index, node) in program.graph.nodes.enumerated() where isWanted(node) {
      if best.map({ live[index].total > live[$0].total }) ?? true { best = index }
    }
    return best
  }
}

/// Which part of a spec brought about what outlives a step.
struct ResidentOrigins {
  struct Origin {
    var span: SourceSpan
    var part: Part
  }

  private var byName: [String: Origin] = [:]

  subscript(name: String) -> Origin? { byName[name] }

  /// Takes in what a program's nodes read; what is known already stays.
  mutating func note(_ graph: Graph) {
    for node in graph.nodes {
      for operand in node.operands {
        switch graph[operand].category {
        case .parameter, .statistics, .optimizer, .replay, .accumulator:
          let name = graph[operand].name
          if byName[name] == nil { byName[name] = Origin(span: node.origin, part: node.part) }
        case .batch, .gradient, .activation: break
        }
      }
    }
  }
}

extension MemoryBreakdown {
  /// What is live during each node of a program.
  ///
  /// - Parameter resident: what outlives the program's run.
  static func live(
    of lifetimes: [Lifetime], nodeCount: Int, resident: MemoryBreakdown
  ) -> [MemoryBreakdown] {
    var changes = [MemoryBreakdown](repeating: MemoryBreakdown(), count: nodeCount + 1)
    for lifetime in lifetimes {
      changes[lifetime.nodes.lowerBound][lifetime.category] += lifetime.byteCount
      changes[lifetime.nodes.upperBound + 1][lifetime.category] -= lifetime.byteCount
    }
    var live = resident
    return changes.dropLast().map { change in
      live += change
      return live
    }
  }
}

extension MemoryCategory {
  /// Traps for what lives within a step.
  init(resident value: Value) {
    switch value.category {
    case .parameter: self = .parameter
    case .statistics: self = .statistics
    case .optimizer: self = .optimizer
    case .replay:
      switch value.type.extent {
      case .labels: self = .batch
      case .pictures, .filter, .matrix, .vector, .metrics: self = .activation
      }
    case .accumulator: self = .gradient
    case .batch, .gradient, .activation: preconditionFailure("not resident")
    }
  }
}

/// One of a plan's programs.
package enum ProgramID: Hashable, Sendable {
  /// Stages count from 1.
  case training(stage: Int)
  /// Asynchronous training: of modules that have learned all their epochs.
  case feeding(stage: Int)
  case evaluation(stage: Int)
  /// Of all modules so far, behind the stage's last epoch.
  case depthEvaluation(stage: Int)
  /// What makes the features that the stage starts from.
  case features(stage: Int)
  /// The same from the features of the stage before.
  case featuresOfPrevious(stage: Int)
  /// Of the channels of the stage's module.
  case ranking(stage: Int)
  /// The last evaluation, of all modules.
  case finalEvaluation

  /// From 1; nil for the last evaluation.
  package var stage: Int? {
    switch self {
    case .training(let stage), .feeding(let stage), .evaluation(let stage), .depthEvaluation(let stage),
      .features(let stage), .featuresOfPrevious(let stage), .ranking(let stage):
      stage
    case .finalEvaluation: nil
    }
  }

  package var words: String {
    switch self {
    case .training(let stage): "stage \(stage), training"
    case .feeding(let stage): "stage \(stage), feeding"
    case .evaluation(let stage): "stage \(stage), evaluation"
    case .depthEvaluation(let stage): "stage \(stage), evaluation of all depths"
    case .features(let stage): "stage \(stage), features"
    case .featuresOfPrevious(let stage): "stage \(stage), features from those of the stage before"
    case .ranking(let stage): "stage \(stage), ranking"
    case .finalEvaluation: "the final evaluation"
    }
  }
}

extension Plan {
  package func program(_ id: ProgramID) -> Program {
    switch id {
    case .training(let stage): stages[stage - 1].training
    case .feeding(let stage): stages[stage - 1].feeding ?? stages[stage - 1].training
    case .evaluation(let stage): stages[stage - 1].evaluation
    case .depthEvaluation(let stage): stages[stage - 1].depthEvaluation ?? stages[stage - 1].evaluation
    case .features(let stage): stages[stage - 1].features?.fromPictures ?? stages[stage - 1].training
    case .featuresOfPrevious(let stage):
      stages[stage - 1].features?.fromPrevious ?? stages[stage - 1].training
    case .ranking(let stage): stages[stage - 1].narrowing?.ranking ?? stages[stage - 1].training
    case .finalEvaluation: evaluation
    }
  }

  /// The program that makes the peak.
  package var peakProgram: ProgramID {
    guard let peakStage else { return .finalEvaluation }
    switch memory.peak.program {
    case .training: return .training(stage: peakStage)
    case .feeding: return .feeding(stage: peakStage)
    case .evaluation: return .evaluation(stage: peakStage)
    case .depthEvaluation: return .depthEvaluation(stage: peakStage)
    case .features: return .features(stage: peakStage)
    case .featuresOfPrevious: return .featuresOfPrevious(stage: peakStage)
    case .ranking: return .ranking(stage: peakStage)
    }
  }

  /// The program that makes a stage's peak.
  package func peakProgram(ofStage stage: Int) -> ProgramID {
    switch stages[stage - 1].memory.peak.program {
    case .training: .training(stage: stage)
    case .feeding: .feeding(stage: stage)
    case .evaluation: .evaluation(stage: stage)
    case .depthEvaluation: .depthEvaluation(stage: stage)
    case .features: .features(stage: stage)
    case .featuresOfPrevious: .featuresOfPrevious(stage: stage)
    case .ranking: .ranking(stage: stage)
    }
  }

  /// - Complexity: O(values and nodes of the whole plan).
  package func memory(of id: ProgramID) -> ProgramMemory {
    var origins = ResidentOrigins()
    origins.note(program(id).graph)
    for stage in stages {
      origins.note(stage.training.graph)
      if let narrowing = stage.narrowing { origins.note(narrowing.ranking.graph) }
    }
    origins.note(evaluation.graph)
    let layout: ResidentLayout
    switch id {
    case .training(let stage), .feeding(let stage), .evaluation(let stage), .depthEvaluation(let stage),
      .features(let stage), .featuresOfPrevious(let stage), .ranking(let stage):
      layout = stages[stage - 1].resident
    case .finalEvaluation: layout = resident
    }
    return ProgramMemory(program(id), resident: layout, workers: threads, origins: origins)
  }
}
