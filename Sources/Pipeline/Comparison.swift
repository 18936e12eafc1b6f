internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

extension Compiler {
  /// Every strategy for the spec's network, batch and data, with nothing chosen for a budget, in the order in which memory
  /// usually falls. Each is what the spec gives with `training.strategy` set to it. One that the spec does not allow (an
  /// auxiliary that does not fit a module, say) is left out.
  ///
  /// - Parameters:
  ///   - plan: of this spec.
  ///   - network: the plan's.
  func comparison(with plan: Plan, network: Graph) -> [StrategyFigures] {
    let own = spec.training.strategy.value
    let isPlain = plan.choices == PlanChoices()
    // Both ways of training module by module cut the network alike.
    var moduleWise = isPlain && own != .endToEnd ? network : nil
    let strategies: [Strategy] = [.endToEnd, .parallel, .sequential]
    return (strategies + (strategies.contains(own) ? [] : [own])).compactMap { strategy in
      var spec = spec
      spec.training.strategy.value = strategy
      if strategy == .endToEnd { spec.network.frozen = nil }
      if strategy != .sequential { spec = spec.withoutCompression() }
      let known = strategy == .endToEnd ? nil : moduleWise
      guard let network = known ?? (try? lower(spec)) else { return nil }
      if strategy != .endToEnd { moduleWise = network }
      let training = trainingPlan(
        spec, moduleCount: network.moduleCount, pictures: options.facts.trainCount)
      let narrowed = NarrowedNetwork(network, training)
      let planner = Planner(
        threads: options.threads, training: training, facts: options.facts, choices: PlanChoices())
      if strategy == own, isPlain { return planner.figures(of: plan) }
      return planner.figures(
        of: training, network: ResidentLayout(network: narrowed.final),
        evaluation: evaluationGraph(
          narrowed.final, modules: Array(1...network.moduleCount), spec, planner, largestTotal: nil
        ).graph
      ) { stageGraphs(narrowed, $0, spec, planner) }
    }
  }
}
