internal import GraphIR
internal import Passes
internal import Planning
internal import SpecLanguage

/// A plan's figures beside those of the other strategies for the same network, batch and data, in the order in which
/// memory usually falls. A strategy that the spec does not allow (an auxiliary that does not fit a module) is left out.
///
/// Each row is what the spec gives with `training.strategy` set to it.
func compareStrategies(_ spec: Spec, with plan: Plan, network: Graph, planner: (TrainingPlan) -> Planner)
  -> [StrategyFigures]
{
  var moduleWise: Graph? = spec.training.strategy.value == .endToEnd ? nil : network
  let own = spec.training.strategy.value
  let strategies: [Strategy] = [.endToEnd, .parallel, .sequential]
  return (strategies + (strategies.contains(own) ? [] : [own])).compactMap { strategy in
    if strategy == own { return planner(plan.training).figures(of: plan) }
    var spec = spec
    spec.training.strategy.value = strategy
    // Both ways of training module by module cut the network alike.
    let known = strategy == .endToEnd ? nil : moduleWise
    guard let network = known ?? (try? lower(spec)) else { return nil }
    if strategy != .endToEnd { moduleWise = network }
    let training = trainingPlan(spec, moduleCount: network.moduleCount)
    return planner(training).figures(
      of: training, network: ResidentLayout(network: network),
      evaluation: evaluationGraph(
        network, modules: Array(1...network.moduleCount), ensemble: true, spec
      ).graph
    ) { stageGraphs(network, $0, spec) }
  }
}
