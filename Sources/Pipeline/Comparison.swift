internal import GraphIR
internal import Passes
package import Planning
internal import SpecLanguage

extension Compiler {
  /// Every strategy for the spec's network, batch and data, with nothing chosen for a budget, in the order in which memory
  /// usually falls. Each is what the spec gives with `training.strategy` set to it; where modules lose channels, which takes
  /// sequential training, the others train the network that it leaves. One that the spec does not allow (an auxiliary that
  /// does not fit a module, say) is left out. Where something was chosen, the plan itself follows.
  ///
  /// - Parameter plan: of this spec.
  func comparison(with plan: Plan) -> PlanComparison {
    let isPlain = plan.choices == PlanChoices()
    var rows = comparedTrainings(start: plan.start).map { compared in
      let spec = compared.spec
      if isPlain, spec.training.strategy.value == self.spec.training.strategy.value {
        return compared.planner.figures(of: plan)
      }
      let evaluation = compared.evaluation
      let sequential = SequentialFigures(
        compared.network.final, compared.training, spec, compared.planner, unsolved: compared.unsolved)
      if let figures = sequential?.figures(evaluation: evaluation) { return figures }
      return compared.planner.figures(
        of: compared.training, network: compared.network.finalResident, evaluation: evaluation
      ) { stageGraphs(compared.network, $0, spec, compared.planner, unsolved: compared.unsolved) }
    }
    if !isPlain {
      let planner = Planner(
        threads: plan.threads, training: plan.training, facts: plan.data.facts, choices: plan.choices)
      rows.append(planner.figures(of: plan))
    }
    return PlanComparison(rows: rows)
  }

  /// How long each row of a plan's comparison takes, in their order.
  func comparisonTimes(of plan: Plan, _ model: TimeModel) -> [TimeFigures] {
    let times = comparedTrainings(start: plan.start).map { compared in
      let stages = StageSchedule.all(of: compared.training).enumerated().map { index, schedule in
        TimedTraining.Stage(
          index: index + 1,
          stageGraphs(
            compared.network, schedule, compared.spec, compared.planner, unsolved: compared.unsolved))
      }
      return model.figures(
        of: TimedTraining(
          training: compared.training, stages: stages, evaluation: compared.evaluation,
          facts: plan.data.facts, source: plan.data.source))
    }
    return plan.choices == PlanChoices() ? times : times + [model.figures(of: plan)]
  }

  /// - Parameter start: the plan's.
  private func comparedTrainings(start: WeightMapping?) -> [ComparedTraining] {
    let (own, ownNetwork) = (spec.training.strategy.value, network)
    // Both ways of training module by module cut the network alike, unless one of them narrows it.
    var moduleWise = own != .endToEnd && spec.compression == nil ? ownNetwork : nil
    let strategies: [Strategy] = [.endToEnd, .parallel, .sequential]
    return (strategies + (strategies.contains(own) ? [] : [own])).compactMap { strategy in
      var spec = spec
      spec.training.strategy.value = strategy
      if strategy == .endToEnd { spec.network.frozen = nil }
      let known: Graph? = strategy == own ? ownNetwork : strategy == .endToEnd ? nil : moduleWise
      guard let network = known ?? (try? lower(spec)) else { return nil }
      if strategy != .endToEnd, spec.compression == nil { moduleWise = network }
      let training = trainingSettings(
        spec, moduleCount: network.moduleCount, images: options.facts.trainCount)
      guard workFaults(of: spec, training, network, images: options.facts.trainCount).isEmpty else {
        return nil
      }
      let planner = Planner(
        threads: options.threads, training: training, facts: options.facts, choices: PlanChoices())
      return ComparedTraining(
        spec: spec, network: NarrowedNetwork(network, training), training: training, planner: planner,
        // End-to-end training keeps nothing frozen.
        unsolved: strategy == .endToEnd ? [] : start?.unsolved ?? [])
    }
  }
}

/// The spec with another strategy, as far as its graphs.
private struct ComparedTraining {
  var spec: Spec
  var network: NarrowedNetwork
  var training: TrainingSettings
  var planner: Planner
  /// Frozen modules that nobody measures.
  var unsolved: [Int]

  /// Of all modules that can be measured, at the end.
  var evaluation: Graph {
    let network = network.final
    return evaluationGraph(
      network, modules: (1...network.moduleCount).filter { !unsolved.contains($0) }, spec, planner,
      keepsAnswers: true
    ).graph
  }
}

extension LoweredSpec {
  /// A plan of the spec beside every strategy for the same network, batch and data.
  package func comparison(with plan: Plan) -> PlanComparison { compiler(plan).comparison(with: plan) }

  /// How long each row of a plan's comparison takes on a machine.
  package func strategyTimes(of plan: Plan, model: TimeModel) -> [TimeFigures] {
    compiler(plan).comparisonTimes(of: plan, model)
  }

  private func compiler(_ plan: Plan) -> Compiler {
    Compiler(
      self,
      options: CompileOptions(threads: plan.threads, facts: plan.data.facts, specText: plan.specText))
  }
}
