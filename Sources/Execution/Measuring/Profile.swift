package import CostModel
package import GraphIR
package import Planning

/// Where the time of a training, or of some of its steps, has gone.
package struct Profile: Sendable {
  /// All nodes of one module that do the same operation.
  package struct Row: Sendable {
    /// Of the programs; evaluations count as one, and so do programs that make features.
    package var activity: ProgramRole
    /// From 1; 0 for what belongs to none.
    package var module: Int
    /// With the part of the module that it belongs to: `layers: relu`.
    package var operation: String
    /// Of the program that has the most of them.
    package var nodeCount: Int
    package var figures: Figures

    package init(
      activity: ProgramRole, module: Int, operation: String, nodeCount: Int = 0, figures: Figures = Figures()
    ) {
      self.activity = activity
      self.module = module
      self.operation = operation
      self.nodeCount = nodeCount
      self.figures = figures
    }
  }

  package struct Figures: Hashable, Sendable {
    package var seconds = 0.0
    /// By the machine's profile; 0 where there is none.
    package var estimatedSeconds = 0.0
    /// What the executed work would take at the roofline; 0 where there are none.
    package var rooflineSeconds = 0.0
    /// Of the plain algorithm.
    package var multiplyAdds = 0
    package var executed = ExecutedWork(multiplyAdds: 0, byteCount: 0)

    package init() {}

    package static func + (a: Figures, b: Figures) -> Figures {
      var sum = a
      sum.seconds += b.seconds
      sum.estimatedSeconds += b.estimatedSeconds
      sum.rooflineSeconds += b.rooflineSeconds
      sum.multiplyAdds += b.multiplyAdds
      sum.executed.multiplyAdds += b.executed.multiplyAdds
      sum.executed.byteCount += b.executed.byteCount
      return sum
    }
  }

  /// In the order in which the programs have them.
  package fileprivate(set) var rows: [Row] = []
  /// Of batches, of images or of features.
  package fileprivate(set) var preparationSeconds = 0.0
  /// Batches that have passed the training program whole.
  package fileprivate(set) var stepCount = 0
  package let roofline: Roofline?
  package let hasEstimates: Bool

  package var seconds: Double { rows.map(\.figures.seconds).reduce(preparationSeconds, +) }
}

/// Takes the time of every node that an engine runs.
///
/// Memory is taken the first time that a stage runs one of its programs, none in the steps that follow. What lies between
/// two runs is not looked at.
package final class ProfileRecorder {
  /// A program that is run again and again.
  private struct Slot {
    let id: ProgramID
    let program: Program
    var nodeSeconds: [Double]
    let moduleCount: Int
    /// Images at once, as they have occurred: of an epoch's batches and the last one, or of the pieces of these.
    private(set) var batches: [Int] = []
    /// How often each module has run so many images; modules from 0 innermost.
    var passes: [Passes] = []

    struct Passes {
      var all = 0
      /// Those that have ended a step.
      var last = 0
    }

    /// Two sizes of pieces for batches of two sizes.
    private static let expectedBatchCount = 4

    init(_ program: Program, _ id: ProgramID) {
      self.id = id
      self.program = program
      nodeSeconds = [Double](repeating: 0, count: program.graph.nodes.count)
      moduleCount = program.graph.nodes.map(\.module).max() ?? 0
      batches.reserveCapacity(Self.expectedBatchCount)
      passes.reserveCapacity(Self.expectedBatchCount * (moduleCount + 1))
    }

    /// The index of a batch of so many images.
    mutating func index(ofBatch batch: Int) -> Int {
      for index in batches.indices where batches[index] == batch { return index }
      batches.append(batch)
      for _ in 0...moduleCount { passes.append(Passes()) }
      return batches.count - 1
    }

    func place(module: Int, batch index: Int) -> Int { index * (moduleCount + 1) + module }
  }

  private struct Key: Hashable {
    var activity: ProgramRole
    var module: Int
    var operation: String
  }

  private let now: () -> Double
  private let model: TimeModel?
  private let roofline: Roofline?
  private var slots = [Slot?](repeating: nil, count: ProgramRole.allCases.count)
  private var current = 0
  private var lastTime = 0.0
  private var profile: Profile
  private var places: [Key: Int] = [:]

  /// - Parameters:
  ///   - model: nil where the machine was never measured.
  ///   - now: seconds on a clock that never goes back.
  package init(model: TimeModel?, roofline: Roofline?, now: @escaping () -> Double) {
    self.model = model
    self.roofline = roofline
    self.now = now
    profile = Profile(roofline: roofline, hasEstimates: model != nil)
  }

  /// What was recorded so far, which is not recorded again.
  package func result() -> Profile {
    for index in slots.indices { fold(index) }
    return profile
  }

  func begin(
    _ program: Program, _ id: ProgramID, modules: ClosedRange<Int>, batch: Int, isLastPiece: Bool
  ) {
    current = id.role.activity.rawValue
    if slots[current]?.id != id {
      fold(current)
      slots[current] = Slot(program, id)
    }
    let index = slots[current]!.index(ofBatch: batch)
    for module in modules.clamped(to: 0...slots[current]!.moduleCount) {
      let place = slots[current]!.place(module: module, batch: index)
      slots[current]!.passes[place].all += 1
      if isLastPiece { slots[current]!.passes[place].last += 1 }
    }
    if id.role == .training, isLastPiece { profile.stepCount += 1 }
    lastTime = now()
  }

  func note(node: Int) {
    let time = now()
    slots[current]!.nodeSeconds[node] += time - lastTime
    lastTime = time
  }

  func beginPreparation() { lastTime = now() }
  func endPreparation() { profile.preparationSeconds += now() - lastTime }

  /// Adds a slot to the rows, and empties it.
  private func fold(_ index: Int) {
    guard let slot = slots[index] else { return }
    slots[index] = nil
    let graph = slot.program.graph
    var nodeCounts: [Int: Int] = [:]
    for (node, seconds) in zip(graph.nodes.indices, slot.nodeSeconds) {
      let key = Key(
        activity: slot.id.role.activity, module: graph.nodes[node].module,
        operation: "\(graph.nodes[node].part.rawValue): \(graph.nodes[node].op.text)")
      let row = places[key] ?? profile.rows.count
      if row == profile.rows.count {
        places[key] = row
        profile.rows.append(
          Profile.Row(activity: key.activity, module: key.module, operation: key.operation))
      }
      nodeCounts[row, default: 0] += 1
      var figures = figures(of: node, in: slot)
      figures.seconds = seconds
      profile.rows[row].figures = profile.rows[row].figures + figures
    }
    for (row, count) in nodeCounts {
      profile.rows[row].nodeCount = max(profile.rows[row].nodeCount, count)
    }
  }

  /// Of all runs of a node, but for their time.
  private func figures(of node: Int, in slot: Slot) -> Profile.Figures {
    var figures = Profile.Figures()
    let graph = slot.program.graph
    let estimated = model?.seconds(ofNode: node, of: slot.program) ?? 0
    for (index, batch) in slot.batches.enumerated() {
      let passes = slot.passes[slot.place(module: graph.nodes[node].module, batch: index)]
      let (all, last) = (passes.all, passes.last)
      guard all > 0 else { continue }
      figures.multiplyAdds += all * graph.nodes[node].productMultiplyAdds(in: graph, batch: batch)
      // As plans estimate it: of fewer images their share.
      let runs = graph.nodes[node].op.runsWithLastPieceAlone ? last : all
      figures.estimatedSeconds += estimated * Double(runs) * Double(batch) / Double(graph.batch)
      for (isLast, count) in [(true, last), (false, all - last)] where count > 0 {
        let work = graph.nodes[node].executedWork(in: graph, batch: batch, isLastPiece: isLast)
        figures.executed.multiplyAdds += count * work.multiplyAdds
        figures.executed.byteCount += count * work.byteCount
        figures.rooflineSeconds +=
          Double(count)
          * (roofline?.seconds(multiplyAdds: work.multiplyAdds, byteCount: work.byteCount) ?? 0)
      }
    }
    return figures
  }
}
