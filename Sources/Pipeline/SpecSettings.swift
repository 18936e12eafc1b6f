internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

// Parts of a spec that pass into the plan unchanged.

func trainingPlan(_ spec: Spec) -> TrainingPlan {
  let training = spec.training
  let strategy: TrainingStrategy
  switch training.strategy.value {
  case .sequential: strategy = .sequential
  case .parallel: strategy = .parallel
  case .endToEnd: strategy = .endToEnd
  case .asynchronous: preconditionFailure("lowering refuses what is not supported")
  }
  return TrainingPlan(
    strategy: strategy, epochs: training.epochs.value, batch: training.batch.value,
    dropLast: training.dropLast.value, optimizer: sgd(training.optimizer),
    learningRate: training.optimizer.learningRate.value,
    schedule: schedule(training.schedule, epochs: training.epochs.value),
    dropsMomentumAtDecay: training.momentumAtDecay.value == .drop, seed: training.seed.value)
}

func sgd(_ optimizer: OptimizerSpec) -> SGD {
  SGD(
    momentum: optimizer.momentum.value, weightDecay: optimizer.weightDecay.value,
    nesterov: optimizer.nesterov.value)
}

private func schedule(_ spec: ScheduleSpec, epochs: Int) -> LearningRateSchedule {
  switch spec {
  case .constant: .constant
  case .step(let every, let factor): .step(every: every.value, factor: factor.value)
  case .milestones(let milestones, let factor): .milestones(milestones.map(\.value), factor: factor.value)
  case .cosine(let warmUp, let floor): .cosine(warmUp: warmUp.value, floor: floor.value, epochs: epochs)
  }
}

func dataPlan(_ spec: Spec, facts: DataFacts) -> DataPlan {
  let data = spec.data
  let source: DataPlan.Source
  switch data.source.value {
  case .digits: source = .digits
  case .synthetic: source = .synthetic
  case .cifar10: source = .cifar10
  case .cifar100: source = .cifar100
  case .idx: source = .idx
  case .npy: source = .npy
  case .imageFolder: preconditionFailure("lowering refuses what is not supported")
  }
  return DataPlan(
    source: source, path: data.path?.value, trainLimit: data.trainLimit?.value,
    testLimit: data.testLimit?.value,
    padCrop: data.padCrop.value, flipHorizontal: data.flipHorizontal.value,
    mean: data.normalization?.mean.value, standardDeviation: data.normalization?.standardDeviation.value,
    facts: facts)
}

extension NetworkSpec {
  var isVGG: Bool {
    switch body {
    case .vgg: true
    case .resnet: false
    }
  }
}

/// `layer 3`, `layers 3-4`, `stem`, `stem and blocks 1-2`: what each module is made of.
func moduleNames(of network: Graph, isVGG: Bool) -> [String] {
  (1...network.moduleCount).map { module in
    let items = network.nodes.filter { $0.module == module && $0.part == .layers }.map(\.item)
    guard let first = items.min(), let last = items.max() else { return "module \(module)" }
    let noun = isVGG ? "layer" : "block"
    if first == 0 {
      if last == 0 { return "stem" }
      return last == 1 ? "stem and block 1" : "stem and blocks 1-\(last)"
    }
    return first == last ? "\(noun) \(first)" : "\(noun)s \(first)-\(last)"
  }
}
