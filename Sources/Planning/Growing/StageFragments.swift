internal import CostModel
package import GraphIR

/// The programs of sequential training, in pieces: its stages run the same frozen modules, each one more than the stage before it.
package struct FrozenFragments: Sendable {
  /// The layers of every module, nothing else.
  private let layers: [ProgramFragment]
  /// With classifiers and ensembles, as far as they are measured.
  private let measured: [ProgramFragment]

  /// - Parameters:
  ///   - layers: of all modules, none of which learns.
  ///   - evaluation: of all modules.
  /// - Returns: nil where modules are not a chain.
  package init?(layers: Graph, evaluation: Graph, batch: Int, workers: Int) {
    guard let layers = ProgramFragment.all(of: layers, batch: batch, workers: workers),
      let measured = ProgramFragment.all(of: evaluation, batch: batch, workers: workers),
      layers.count == measured.count
    else { return nil }
    self.layers = layers
    self.measured = measured
  }

  fileprivate var count: Int { layers.count }

  fileprivate func layers(ofModule module: Int) -> ProgramFragment? { at(module, of: layers) }
  fileprivate func measured(ofModule module: Int) -> ProgramFragment? { at(module, of: measured) }

  private func at(_ module: Int, of fragments: [ProgramFragment]) -> ProgramFragment? {
    module <= fragments.count ? fragments[module - 1] : nil
  }
}

/// What a stage of sequential training runs of the module that learns in it.
package struct StageFragments: Sendable {
  package var training, evaluation: ProgramFragment
  /// Behind its last epoch; nil where there is none.
  package var depthEvaluation: ProgramFragment?

  package init(training: ProgramFragment, evaluation: ProgramFragment, depthEvaluation: ProgramFragment?) {
    self.training = training
    self.evaluation = evaluation
    self.depthEvaluation = depthEvaluation
  }
}

extension Planner {
  /// The same figures as those of `figures(of:network:evaluation:graphs:)`, of a sequential training without features, whose stages
  /// are the same but for the modules that have been frozen in between.
  ///
  /// - Parameters:
  ///   - network: that all stages run.
  ///   - evaluation: of all modules.
  ///   - stage: what each stage runs of the module that learns.
  /// - Returns: nil where the stages are of another form: their programs have to be laid out one by one.
  /// - Complexity: linear in the network where it is regular, and the number of its modules times what is small in a stage elsewhere.
  package func figures(
    ofSequential training: TrainingSettings, network: Graph, evaluation: Graph, frozen: FrozenFragments,
    stage: (StageSchedule) -> StageFragments?
  ) -> StrategyFigures? {
    let layout = ResidentLayout(network: network)
    var peak = PlanPeak(self, evaluation: program(evaluation, resident: layout))
    let (images, labels) = (network[network.images], network[network.labels])
    var layers = GrowingProgram(
      imageBytes: paddedByteCount(images.type.byteCount),
      labelBytes: paddedByteCount(labels.type.byteCount))
    var measured = layers
    var stages: [StrategyFigures.Stage] = []
    var total = 0
    var moduleCount = 0
    for (index, schedule) in StageSchedule.all(of: training).enumerated() {
      let module = schedule.lastModule
      guard schedule.modules.count == 1, schedule.purpose == .training, schedule.lastKeptModule == module,
        moduleCount < module, let own = stage(schedule)
      else { return nil }
      while moduleCount < module - 1 {
        moduleCount += 1
        guard let frozenLayers = frozen.layers(ofModule: moduleCount),
          let frozenMeasured = frozen.measured(ofModule: moduleCount),
          layers.append(frozenLayers, next: frozen.layers(ofModule: moduleCount + 1)),
          measured.append(frozenMeasured, next: frozen.measured(ofModule: moduleCount + 1))
        else { return nil }
      }
      guard let insideLayers = frozen.layers(ofModule: module),
        let insideMeasured = frozen.measured(ofModule: module),
        let trained = layers.figures(endingWith: own.training, inside: insideLayers),
        let evaluated = layers.figures(
          endingWith: own.evaluation, inside: insideLayers, enough: trained.layoutBytes)
      else { return nil }
      var programs: [(GrowingProgram.Figures, ProgramRole)] = [
        (trained, .training), (evaluated, .evaluation),
      ]
      if let depth = own.depthEvaluation {
        guard
          let deep = measured.figures(
            endingWith: depth, inside: insideMeasured, enough: max(trained.layoutBytes, evaluated.layoutBytes)
          )
        else { return nil }
        programs.append((deep, .depthEvaluation))
      }
      let (memory, runtime) = figures(
        of: programs, resident: layout.breakdown(upTo: module), optimizerBytes: own.training.optimizerBytes,
        residentBytes: layout.end(ofModule: module) + own.training.optimizerBytes)
      peak.add(memory, runtime: runtime, ofStage: index + 1)
      var step = own.training.step
      step.frozen += layers.frozenMultiplyAdds
      stages.append(
        StrategyFigures.Stage(modules: [module], epochs: schedule.epochs, memory: memory, step: step))
      total +=
        (layers.multiplyAddsPerImage + own.training.multiplyAddsPerImage)
        * training.imagesPerEpoch(of: facts.trainCount) * schedule.epochs
    }
    for index in stages.indices { stages[index].memory.runtimeBytes = peak.memory.runtimeBytes }
    return StrategyFigures(
      strategy: training.strategy, memory: peak.memory, peakStage: peak.stage, stages: stages,
      trainingMultiplyAdds: total)
  }

  /// Of a stage, as `stage(_:index:previous:)` finds them.
  private func figures(
    of programs: [(GrowingProgram.Figures, ProgramRole)], resident: MemoryBreakdown,
    optimizerBytes: Int, residentBytes: Int
  ) -> (MemoryFigures, RuntimeMemory) {
    var kept = resident
    kept[.optimizer] += optimizerBytes
    var (highest, kind) = programs[0]
    var runtime = RuntimeMemory()
    for (program, itsKind) in programs {
      runtime.formUnion(program.runtime)
      if program.peak.total > highest.peak.total { (highest, kind) = (program, itsKind) }
    }
    kept += highest.peak
    let memory = figures(
      kept, arenaBytes: residentBytes + (programs.map(\.0.layoutBytes).max() ?? 0), runtime: runtime,
      at: PeakLocation(program: kind, node: highest.peakNode))
    return (memory, runtime)
  }
}
