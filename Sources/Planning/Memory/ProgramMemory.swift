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
              name: "features of all images", value: nil, type: nil, firstNode: 0, module: 0, part: .layers,
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
      for operand in node.operands where graph[operand].category.outlivesStep {
        let name = graph[operand].name
        if byName[name] == nil { byName[name] = Origin(span: node.origin, part: node.part) }
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
      case .images, .filter, .matrix, .vector, .metrics: self = .activation
      }
    case .accumulator: self = .gradient
    case .batch, .gradient, .activation: preconditionFailure("not resident")
    }
  }
}

extension Plan {
  /// Of all programs, in the order in which they are run first, the last evaluation behind all stages.
  package var programIDs: [ProgramID] {
    stages.flatMap { stage in stage.programs.all.map { ProgramID($0.role, stage: stage.index) } }
      + [.finalEvaluation]
  }

  /// Traps where the plan has none.
  package func program(_ id: ProgramID) -> Program {
    guard let stage = id.stage else { return evaluation }
    guard let program = stages[stage - 1].programs[id.role] else {
      preconditionFailure("there is no program for \(id.words)")
    }
    return program
  }

  /// The program that makes the peak.
  package var peakProgram: ProgramID {
    peakStage.map { ProgramID(memory.peak.program, stage: $0) } ?? .finalEvaluation
  }

  /// The program that makes a stage's peak.
  package func peakProgram(ofStage stage: Int) -> ProgramID {
    ProgramID(stages[stage - 1].memory.peak.program, stage: stage)
  }

  /// - Complexity: O(values and nodes of the whole plan).
  package func memory(of id: ProgramID) -> ProgramMemory {
    var origins = ResidentOrigins()
    origins.note(program(id).graph)
    for stage in stages {
      for (role, program) in stage.programs.all where role.runsTrainingBatches { origins.note(program.graph) }
    }
    origins.note(evaluation.graph)
    let layout = id.stage.map { stages[$0 - 1].resident } ?? resident
    return ProgramMemory(program(id), resident: layout, workers: threads, origins: origins)
  }
}
