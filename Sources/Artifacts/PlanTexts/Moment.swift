package import Diagnostics
internal import GraphIR
package import Planning

/// Which moment of a plan to look at, in the words of `strata show --at`.
package struct MomentQuery: Hashable, Sendable {
  package enum Target: Hashable, Sendable {
    case peak
    /// The fullest moment of a module's own operations, in the stage in which it first learns.
    case module(Int)
    /// The fullest moment of the operations that a line of the spec brings about.
    case line(Int)
    /// An operation of a step, from 1.
    case step(Int)
  }

  package var target: Target
  /// From 1; nil leaves the choice to the target.
  package var stage: Int?

  /// `peak`, `module=3`, `line=14`, `step=17`, each with `,stage=2` behind it or not, or `stage=2` alone.
  /// - Returns: nil for anything else.
  package init?(_ text: String) {
    target = .peak
    var isTargetGiven = false
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let number = parts.count == 2 ? Int(parts[1]) : nil
      switch (parts[0], number) {
      case ("stage", let number?) where number >= 1 && stage == nil: stage = number
      case ("peak", nil) where parts.count == 1 && !isTargetGiven: isTargetGiven = true
      case ("module", let number?) where number >= 1 && !isTargetGiven:
        (target, isTargetGiven) = (.module(number), true)
      case ("line", let number?) where number >= 1 && !isTargetGiven:
        (target, isTargetGiven) = (.line(number), true)
      case ("step", let number?) where number >= 1 && !isTargetGiven:
        (target, isTargetGiven) = (.step(number), true)
      case _: return nil
      }
    }
  }
}

/// Why a plan has no such moment.
package enum MomentError: Error, Hashable {
  case noStage(Int, count: Int)
  case noModule(Int, count: Int)
  case moduleNotInStage(module: Int, stage: Int)
  case nothingOnLine(Int, lines: [Int])
  case noStep(Int, count: Int)

  package var message: String {
    switch self {
    case .noStage(let stage, let count): "there is no stage \(stage): the plan has \(count)"
    case .noModule(let module, let count): "there is no module \(module): the plan has \(count)"
    case .moduleNotInStage(let module, let stage): "stage \(stage) has no operation of module \(module)"
    case .nothingOnLine(let line, let lines):
      "no operation comes from line \(line) of the spec; operations come from "
        + (lines.isEmpty ? "defaults alone" : "line\(lines.count == 1 ? "" : "s") \(rangeText(lines))")
    case .noStep(let step, let count): "there is no operation \(step): a step of this stage has \(count)"
    }
  }
}

/// A moment of a plan: one operation of one program, with all that is live while it runs.
package struct Moment {
  package let id: ProgramID
  package let memory: ProgramMemory
  package let node: Int

  package init(_ query: MomentQuery, in plan: Plan, places: SourcePlaces) throws(MomentError) {
    if let stage = query.stage, stage > plan.stages.count { throw .noStage(stage, count: plan.stages.count) }
    switch query.target {
    case .peak:
      id = query.stage.map { plan.peakProgram(ofStage: $0) } ?? plan.peakProgram
      memory = plan.memory(of: id)
      node = query.stage.map { plan.stages[$0 - 1].memory.peak.node } ?? plan.memory.peak.node
    case .module(let module):
      guard module <= plan.modules.count else { throw .noModule(module, count: plan.modules.count) }
      let learns = plan.stages.first { $0.schedule.indices.contains(module) }?.index
      let stage = query.stage ?? learns ?? 1
      id = ProgramID(.training, stage: stage)
      memory = plan.memory(of: id)
      guard let node = memory.peak(where: { $0.module == module }) else {
        throw .moduleNotInStage(module: module, stage: stage)
      }
      self.node = node
    case .line(let line):
      func isThere(_ node: Node) -> Bool {
        !places.isCommandLine(node.origin) && places.key(node.origin) != nil
          && places.line(node.origin) == line
      }
      let stages = query.stage.map { [$0] } ?? plan.stages.map(\.index)
      let ids = stages.flatMap { [ProgramID(.training, stage: $0), ProgramID(.evaluation, stage: $0)] }
      var best: (id: ProgramID, memory: ProgramMemory, node: Int)?
      for id in ids where plan.program(id).graph.nodes.contains(where: isThere) {
        let memory = plan.memory(of: id)
        guard let node = memory.peak(where: isThere) else { continue }
        if best.map({ memory.live[node].total > $0.memory.live[$0.node].total }) ?? true {
          best = (id, memory, node)
        }
      }
      guard let best else {
        let nodes = ids.flatMap { plan.program($0).graph.nodes }.filter {
          !places.isCommandLine($0.origin) && places.key($0.origin) != nil
        }
        throw .nothingOnLine(line, lines: Set(nodes.map { places.line($0.origin) }).sorted())
      }
      (id, memory, node) = best
    case .step(let step):
      let stage = query.stage ?? plan.peakStage ?? 1
      id = ProgramID(.training, stage: stage)
      let count = plan.program(id).graph.nodes.count
      guard step <= count else { throw .noStep(step, count: count) }
      memory = plan.memory(of: id)
      node = step - 1
    }
  }
}
