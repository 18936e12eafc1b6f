package import CostModel
package import GraphIR

/// How long programs take on a machine whose profile is known.
package struct TimeModel: Sendable {
  private let profile: MachineProfile

  package init(_ profile: MachineProfile) {
    self.profile = profile
  }

  /// Of all nodes, on a whole batch.
  package func seconds(of program: Program) -> Double { seconds(of: program.graph) }

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

/// What a plan takes, as it is foreseen.
package struct TimeFigures: Hashable, Sendable {
  package struct Stage: Hashable, Sendable {
    package var index: Int
    /// A full batch: preparation, forward, backward, update.
    package var stepSeconds: Double
    /// Training and evaluation.
    package var epochSeconds: Double
    /// Making the features that it starts from.
    package var featureSeconds: Double
    /// Ranking channels.
    package var rankingSeconds: Double
    package var seconds: Double
  }

  package var stages: [Stage]
  /// With the evaluation at the end; checkpoints are not counted.
  package var seconds: Double
}

extension TimeModel {
  /// Of a whole run, stage by stage.
  package func figures(of plan: Plan) -> TimeFigures {
    let facts = plan.data.facts
    let stages = plan.stages.map { stage in
      let trained = plan.training.dropLast ? stage.stepsPerEpoch * plan.training.batch : facts.trainCount
      let step = stepSeconds(stage, of: plan)
      let epoch =
        step * Double(trained) / Double(plan.training.batch)
        + passSeconds(stage.evaluation, pictures: facts.testCount, from: stage.features, plan)
      let features = stage.features.map { features in
        features.stays
          ? 0
          : passSeconds(
            features.fromPrevious ?? features.fromPictures, pictures: facts.trainCount + facts.testCount,
            from: features.fromPrevious == nil ? nil : features, plan)
      }
      let ranking = stage.narrowing.map { rankingSeconds($0, of: stage, plan) } ?? 0
      // What a module has lost by losing channels is measured before it is fine-tuned.
      let cut =
        stage.schedule.purpose == .training
        ? 0 : passSeconds(stage.evaluation, pictures: facts.testCount, from: stage.features, plan)
      return TimeFigures.Stage(
        index: stage.index, stepSeconds: step, epochSeconds: epoch, featureSeconds: features ?? 0,
        rankingSeconds: ranking,
        seconds: Double(stage.epochs) * epoch + (features ?? 0) + ranking + cut)
    }
    let final = passSeconds(plan.evaluation, pictures: facts.testCount, from: nil, plan)
    return TimeFigures(stages: stages, seconds: stages.map(\.seconds).reduce(final, +))
  }

  /// All that one batch causes.
  package func stepSeconds(_ stage: StagePlan, of plan: Plan) -> Double {
    let batch = plan.training.batch
    // A piece is laid out for the largest; smaller ones take their share of it.
    let passes = Double(batch) / Double(stage.training.graph.batch)
    return passes
      * (seconds(of: stage.training) + preparation(of: stage.training, from: stage.features, plan))
  }

  private func rankingSeconds(_ narrowing: NarrowingPlan, of stage: StagePlan, _ plan: Plan) -> Double {
    guard narrowing.criterion.readsPictures else { return seconds(of: narrowing.ranking) }
    return passSeconds(narrowing.ranking, pictures: narrowing.pictures, from: stage.features, plan)
  }

  /// A program over so many pictures, a batch at a time.
  private func passSeconds(_ program: Program, pictures: Int, from features: FeaturePlan?, _ plan: Plan)
    -> Double
  {
    let passes = Double(pictures) / Double(program.graph.batch)
    return passes * (seconds(of: program) + preparation(of: program, from: features, plan))
  }

  private func preparation(of program: Program, from features: FeaturePlan?, _ plan: Plan) -> Double {
    let byteCount = program.graph[program.graph.pictures].type.byteCount
    if features != nil { return profile.seconds(of: .sweep(.rearrangement, byteCount: 2 * byteCount)) }
    switch plan.data.source {
    case .synthetic:
      return profile.seconds(of: Work(.synthesis, amount: Double(byteCount), size: Double(byteCount)))
    case .digits, .cifar10, .cifar100, .idx, .npy:
      return profile.seconds(of: Work(.preparation, amount: Double(byteCount), size: Double(byteCount)))
    }
  }
}

extension Node {
  /// What the node's kernel does.
  fileprivate func work(in graph: Graph) -> [Work] {
    func shape(_ id: ValueID) -> Shape { graph.shape(id) }
    func bytes(_ ids: [ValueID]) -> Int { ids.map { graph[$0].type.byteCount }.reduce(0, +) }
    let moved = bytes(operands) + bytes(results)
    switch op {
    case .convolution(let c):
      return [.convolution(.forward, c.geometry(input: shape(operands[0])), c.algorithm)]
    case .convolutionInputGradient(let c):
      return [.convolution(.inputGradient, c.geometry(input: shape(results[0])), c.algorithm)]
    case .convolutionWeightGradient(let c):
      return [.convolution(.weightGradient, c.geometry(input: shape(operands[0])), c.algorithm)]
    case .linear(let outFeatures, _):
      let x = shape(operands[0])
      return [.linear(.forward, rows: x.batch, ins: x.elementsPerPicture, outs: outFeatures)]
    case .linearInputGradient:
      let (dy, dx) = (shape(operands[0]), shape(results[0]))
      return [.linear(.inputGradient, rows: dx.batch, ins: dx.elementsPerPicture, outs: dy.channels)]
    case .linearWeightGradient:
      let (x, dy) = (shape(operands[0]), shape(operands[1]))
      return [.linear(.weightGradient, rows: x.batch, ins: x.elementsPerPicture, outs: dy.channels)]
    case .batchNorm(let norm):
      return [.sweep(norm.mode.takesStatistics ? .batchNormTraining : .batchNormInference, byteCount: moved)]
    case .batchNormBackward: return [.sweep(.batchNormBackward, byteCount: moved)]
    case .biasGradient: return [.sweep(.columnSums, byteCount: moved)]
    case .maxPool: return [.sweep(.maxPool, byteCount: moved)]
    case .maxPoolBackward: return [.sweep(.maxPoolBackward, byteCount: moved)]
    case .averagePool: return [.sweep(.averagePool, byteCount: moved)]
    case .averagePoolBackward: return [.sweep(.averagePoolBackward, byteCount: moved)]
    case .update(let optimizer):
      switch optimizer {
      case .sgd: return [.sweep(.sgd, byteCount: moved)]
      case .adam: return [.sweep(.adam, byteCount: moved)]
      }
    case .spaceToDepth, .depthToSpace, .subsample, .subsampleBackward, .recall, .remember:
      return [.sweep(.rearrangement, byteCount: moved)]
    case .spatialDeviation, .spatialDeviationBackward: return [.sweep(.columnSums, byteCount: 2 * moved)]
    case .similarityLoss:
      let z = shape(operands[0])
      let square = Work.linear(.forward, rows: z.batch, ins: z.elementsPerPicture, outs: z.batch)
      return [square, square, .sweep(.elementwise, byteCount: moved)]
    case .relu, .reluBackward, .add, .foldBatchNorm, .softmaxCrossEntropy, .ensemble, .zeroGradient,
      .accumulate, .channelScores:
      return [.sweep(.elementwise, byteCount: moved)]
    }
  }
}

extension StagePlan {
  /// Multiply-adds of one pass of the training program, forward and backward.
  package var multiplyAddsPerStep: Int {
    let graph = training.graph
    return graph.nodes.map { $0.productMultiplyAdds(in: graph) }.reduce(0, +)
  }
}
