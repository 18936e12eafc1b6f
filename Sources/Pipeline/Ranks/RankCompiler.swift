package import Diagnostics
internal import GraphIR
internal import Passes
package import Planning
package import SpecLanguage

/// Compiles groups of a plan's modules, each to the programs and the arena of a rank of its own.
package struct RankCompiler {
  private let spec: Spec
  private let plan: Plan
  private let network: Graph
  private let planner: Planner
  /// By the first rank or another, and the modules.
  private var compiled: [Group: RankPlan] = [:]

  private struct Group: Hashable {
    var isFirst: Bool
    var modules: ClosedRange<Int>
  }

  /// - Parameters:
  ///   - plan: of the same spec, in one process, with nothing chosen.
  ///   - count: of ranks that are asked for.
  /// - Throws: why the modules can't be split so.
  package init(_ lowered: LoweredSpec, _ plan: Plan, count: Int) throws(CompilationFailed) {
    if let fault = rankFault(of: lowered.spec, plan, count: count) {
      throw CompilationFailed(diagnostics: [fault])
    }
    spec = lowered.spec
    self.plan = plan
    network = lowered.network
    planner = Planner(
      threads: plan.threads, training: plan.training, facts: plan.data.facts, choices: plan.choices)
  }

  /// Of one process that trains all modules from images: what modules are cut by. The plan itself may start from features of
  /// frozen modules.
  package mutating func whole() -> Plan {
    plan.stages[0].features == nil ? plan : plan.ofRank(rank(0, modules: 1...plan.modules.count))
  }

  /// In multiply-adds.
  package mutating func costs() -> RankCosts {
    RankCosts(of: whole().stages[0].training.graph, moduleCount: plan.modules.count)
  }

  /// Modules that can have a rank of their own.
  private var learningCount: Int { plan.modules.count - plan.training.frozenCount }

  package func groups(_ costs: RankCosts, count: Int) -> [ClosedRange<Int>] {
    costs.groups(count: count, frozenCount: plan.training.frozenCount)
  }

  /// Whether groups are all modules in order, each with one that learns: what a plan's file says may be anything.
  package func isCut(_ groups: [ClosedRange<Int>]) -> Bool {
    guard let first = groups.first, first.lowerBound == 1, first.upperBound > plan.training.frozenCount,
      groups[groups.count - 1].upperBound == plan.modules.count
    else { return false }
    return zip(groups, groups.dropFirst()).allSatisfy { $0.upperBound + 1 == $1.lowerBound }
  }

  package mutating func ranks(_ groups: [ClosedRange<Int>], budgetBytes: Int? = nil) -> RankedPlan {
    RankedPlan(
      ranks: groups.enumerated().map { rank($0, modules: $1) }, budgetBytes: budgetBytes)
  }

  /// The fewest ranks of which each stays within so many bytes; nil where no number does.
  package mutating func fewestRanks(_ costs: RankCosts, within byteCount: Int) -> RankedPlan? {
    for count in 1...learningCount {
      let groups = groups(costs, count: count)
      if groups.enumerated().allSatisfy({ rank($0, modules: $1).memory.peakBytes <= byteCount }) {
        return ranks(groups)
      }
    }
    return nil
  }

  /// With a rank for each module.
  package mutating func mostRanks(_ costs: RankCosts) -> RankedPlan {
    ranks(groups(costs, count: learningCount))
  }

  private mutating func rank(_ rank: Int, modules: ClosedRange<Int>) -> RankPlan {
    let group = Group(isFirst: rank == 0, modules: modules)
    if var known = compiled[group] {
      known.rank = rank
      return known
    }
    let made = planner.rank(
      StageGraphs(
        schedule: schedule(modules), graphs: pipelines(modules).map(\.graph),
        network: ResidentLayout(network: network, modules: modules)),
      rank: rank, modules: modules)
    compiled[group] = made
    return made
  }

  private func schedule(_ modules: ClosedRange<Int>) -> StageSchedule {
    var schedule = plan.stages[0].schedule
    schedule.modules = schedule.modules.filter { modules.contains($0.index) }
    schedule.lastKeptModule = modules.upperBound
    return schedule
  }

  /// The passes of a rank's programs. Modules are measured by themselves: an ensemble takes those of other ranks.
  func pipelines(_ modules: ClosedRange<Int>, keepsSnapshots: Bool = false) -> ByRole<PassPipeline> {
    let (schedule, first) = (schedule(modules), modules.lowerBound)
    let isLast = modules.upperBound == network.moduleCount
    let links = RankLinks(
      modules: modules, output: isLast ? nil : network.moduleOutputs[modules.upperBound - 1],
      buffers: RankedPlan.buffersPerLink)
    var pipelines = ByRole<PassPipeline>()
    pipelines[.training] = trainingGraph(
      network, schedule, spec, planner, firstModule: first, links: links, keepsSnapshots: keepsSnapshots)
    pipelines[.evaluation] = evaluationGraph(
      network, modules: schedule.indices, spec, planner, firstModule: first, withEnsembles: false,
      links: links, keepsSnapshots: keepsSnapshots)
    return pipelines
  }
}
