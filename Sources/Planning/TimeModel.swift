package import CostModel
package import GraphIR
internal import Operators

/// How long programs take on a machine whose profile is known.
package struct TimeModel: Sendable {
  private let profile: MachineProfile

  package init(_ profile: MachineProfile) {
    self.profile = profile
  }

  /// Of all nodes, on a whole batch.
  package func seconds(of program: Program) -> Double { seconds(of: program.graph) }

  /// Of all nodes of a graph that nobody has laid out, on a whole batch.
  package func seconds(of graph: Graph) -> Double {
    graph.nodes.reduce(0) { sum, node in
      sum + node.work(in: graph).map(profile.seconds).reduce(0, +)
    }
  }

  /// Of one node, as `strata bench --profile` measures it.
  package func seconds(ofNode node: Int, of program: Program) -> Double {
    program.graph.nodes[node].work(in: program.graph).map(profile.seconds).reduce(0, +)
  }
}

/// What a plan takes, as it is estimated.
package struct TimeFigures: Hashable, Sendable {
  package struct Stage: Hashable, Sendable {
    package var index: Int
    /// A full batch: preparation, forward, backward, update.
    package var stepSeconds: Double
    /// The same on the average over the stage's epochs: some asynchronous modules learn in fewer of them. What these run behind
    /// their own to feed the next, which hangs on what is drawn, is not counted.
    package var meanStepSeconds: Double
    /// Training and evaluation.
    package var epochSeconds: Double
    /// Making the features that it starts from.
    package var featureSeconds: Double
    /// Ranking channels, and measuring what is left.
    package var rankingSeconds: Double
    /// What measuring all modules so far, behind the last epoch, takes longer than the evaluation in whose place it is.
    package var depthSeconds: Double
    package var seconds: Double
  }

  package var stages: [Stage]
  /// With the evaluation at the end; checkpoints are not counted.
  package var seconds: Double
}

/// The graphs that a training runs, and how often: what its time depends on.
package struct TimedTraining: Sendable {
  /// The graphs of one stage.
  package struct Stage: Sendable {
    /// From 1.
    package var index: Int
    package var epochs: Int
    package var graphs: ByRole<Graph>
    /// The stage before keeps the same features.
    package var featuresStay = false

    package init(index: Int, _ graphs: StageGraphs) {
      self.index = index
      epochs = graphs.schedule.epochs
      self.graphs = graphs.graphs
    }

    fileprivate init(_ stage: StagePlan) {
      index = stage.index
      epochs = stage.epochs
      graphs = stage.programs.map(\.graph)
      featuresStay = stage.features?.stays ?? false
    }

    fileprivate var readsFeatures: Bool { graphs[.features] != nil }
  }

  package var training: TrainingSettings
  package var stages: [Stage]
  /// Of the test images, at the end of the run.
  package var evaluation: Graph
  package var facts: DataFacts
  package var source: DataSettings.Source

  package init(
    training: TrainingSettings, stages: [Stage], evaluation: Graph, facts: DataFacts,
    source: DataSettings.Source
  ) {
    self.training = training
    self.stages = stages
    self.evaluation = evaluation
    self.facts = facts
    self.source = source
  }

  package init(_ plan: Plan) {
    self.init(
      training: plan.training, stages: plan.stages.map { Stage($0) }, evaluation: plan.evaluation.graph,
      facts: plan.data.facts, source: plan.data.source)
  }
}

extension TrainingSettings {
  /// Of a stage's epochs, those in which a module's nodes run: all, but of asynchronous modules, each of which goes through its
  /// own. Modules that are frozen from the beginning run with the first that learns.
  fileprivate func share(ofModule module: Int, in epochs: Int) -> Double {
    Double(self.epochs(ofModule: module, inStageOf: epochs)) / Double(max(1, epochs))
  }

  /// The same as a number.
  func epochs(ofModule module: Int, inStageOf epochs: Int) -> Int {
    guard strategy == .asynchronous else { return epochs }
    return modules[max(module, frozenCount + 1) - 1].epochs
  }
}

extension TimeModel {
  /// Of a whole run of the plan, from its beginning.
  package func figures(of plan: Plan) -> TimeFigures { figures(of: TimedTraining(plan)) }

  /// Of a whole run, stage by stage.
  package func figures(of timed: TimedTraining) -> TimeFigures {
    let facts = timed.facts
    let stages = timed.stages.map { stage in
      let step = stepSeconds(stage, of: timed)
      let mean = stepSeconds(stage, of: timed) { timed.training.share(ofModule: $0, in: stage.epochs) }
      let evaluation = passSeconds(
        stage.graphs.evaluation, images: facts.testCount, readsFeatures: stage.readsFeatures, timed)
      let epoch =
        mean * Double(timed.training.imagesPerEpoch(of: facts.trainCount)) / Double(timed.training.batch)
        + evaluation
      let depth = stage.graphs[.depthEvaluation].map {
        passSeconds($0, images: facts.testCount, readsFeatures: false, timed) - evaluation
      }
      let features = (stage.graphs[.featuresOfPrevious] ?? stage.graphs[.features]).map { graph in
        stage.featuresStay
          ? 0
          : passSeconds(
            graph, images: facts.trainCount + facts.testCount,
            readsFeatures: stage.graphs[.featuresOfPrevious] != nil, timed)
      }
      let ranking = rankingSeconds(stage, of: timed)
      return TimeFigures.Stage(
        index: stage.index, stepSeconds: step, meanStepSeconds: mean, epochSeconds: epoch,
        featureSeconds: features ?? 0,
        rankingSeconds: ranking, depthSeconds: depth ?? 0,
        seconds: Double(stage.epochs) * epoch + (depth ?? 0) + (features ?? 0) + ranking)
    }
    let final = passSeconds(timed.evaluation, images: facts.testCount, readsFeatures: false, timed)
    return TimeFigures(stages: stages, seconds: stages.map(\.seconds).reduce(final, +))
  }

  /// All that one batch causes.
  package func stepSeconds(_ stage: StagePlan, of plan: Plan) -> Double {
    stepSeconds(TimedTraining.Stage(stage), of: TimedTraining(plan))
  }

  /// - Parameter share: of the steps in which a module learns.
  private func stepSeconds(
    _ stage: TimedTraining.Stage, of timed: TimedTraining, share: (Int) -> Double = { _ in 1 }
  ) -> Double {
    let graph = stage.graphs.training
    var (inEachPiece, inLast) = (0.0, 0.0)
    for node in graph.nodes {
      let seconds = share(node.module) * node.work(in: graph).map(profile.seconds).reduce(0, +)
      if node.op.runsWithLastPieceAlone { inLast += seconds } else { inEachPiece += seconds }
    }
    // Images are prepared for the first module that learns.
    inEachPiece += share(1) * preparation(of: graph, readsFeatures: stage.readsFeatures, timed)
    // A piece is laid out for the largest; smaller ones take their share of it.
    return Double(timed.training.batch) / Double(graph.batch) * inEachPiece + inLast
  }

  /// Ranking channels, and measuring what is left of their module.
  private func rankingSeconds(_ stage: TimedTraining.Stage, of timed: TimedTraining) -> Double {
    guard let ranking = stage.graphs[.ranking], let settings = timed.training.compression else { return 0 }
    let narrowed = timed.stages[stage.index]
    return
      (settings.criterion.readsImages
      ? passSeconds(ranking, images: settings.images, readsFeatures: stage.readsFeatures, timed)
      : seconds(of: ranking))
      + passSeconds(
        narrowed.graphs.evaluation, images: timed.facts.testCount, readsFeatures: narrowed.readsFeatures,
        timed)
  }

  /// A graph over so many images, a batch at a time.
  private func passSeconds(
    _ graph: Graph, images: Int, readsFeatures: Bool, _ timed: TimedTraining
  ) -> Double {
    let passes = Double(images) / Double(graph.batch)
    return passes * (seconds(of: graph) + preparation(of: graph, readsFeatures: readsFeatures, timed))
  }

  private func preparation(of graph: Graph, readsFeatures: Bool, _ timed: TimedTraining) -> Double {
    let byteCount = graph[graph.images].type.byteCount
    if readsFeatures { return profile.seconds(of: .sweep(.rearrangement, byteCount: 2 * byteCount)) }
    switch timed.source {
    case .synthetic:
      return profile.seconds(of: Work(.synthesis, amount: Double(byteCount), size: Double(byteCount)))
    case .digits, .cifar10, .cifar100, .idx, .npy, .imageFolder:
      return profile.seconds(of: Work(.preparation, amount: Double(byteCount), size: Double(byteCount)))
    }
  }
}

extension TimeModel {
  /// Of what is left of a run.
  ///
  /// - Parameters:
  ///   - stage: where the run stands, from 1.
  ///   - epoch: of the stage, from 1; one more than the stage has where all of them are over.
  ///   - step: steps of the epoch that are done; asynchronous training, which counts events, puts its share of all of them in
  ///     epochs and steps.
  package func secondsLeft(of plan: Plan, stage: Int, epoch: Int, step: Int) -> Double {
    let timed = TimedTraining(plan)
    let figures = figures(of: timed)
    let final = figures.seconds - figures.stages.map(\.seconds).reduce(0, +)
    var (stage, epoch, step) = (stage, epoch, step)
    // Where neither an epoch nor a ranking is left, the run goes on with the next stage.
    if epoch > plan.stages[stage - 1].epochs, plan.stages[stage - 1].narrowing == nil {
      (stage, epoch, step) = (stage + 1, 1, 0)
    }
    guard stage <= plan.stages.count else { return final }
    let (now, its) = (figures.stages[stage - 1], plan.stages[stage - 1])
    let epochs =
      Double(its.epochs - epoch + 1) * now.epochSeconds - Double(min(step, its.stepsPerEpoch))
      * now.meanStepSeconds + (epoch <= its.epochs ? now.depthSeconds : 0)
    // A run that goes on has nothing of the stage before: features are made from images.
    let features = timed.stages[stage - 1].graphs[.features].map {
      passSeconds(
        $0, images: timed.facts.trainCount + timed.facts.testCount, readsFeatures: false, timed
      )
    }
    let later = figures.stages.dropFirst(stage).map(\.seconds).reduce(0, +)
    return max(0, epochs) + (features ?? 0) + now.rankingSeconds + later + final
  }
}

extension StagePlan {
  /// Multiply-adds of one pass of the training program, forward and backward.
  package var multiplyAddsPerStep: Int {
    let graph = training.graph
    return graph.nodes.map { $0.productMultiplyAdds(in: graph) }.reduce(0, +)
  }
}
