internal import Diagnostics
internal import GraphIR
internal import Operators
internal import Planning
internal import SpecLanguage

// Parts of a spec that pass into the plan unchanged.

/// - Parameter images: that there are to train on.
func trainingSettings(_ spec: Spec, moduleCount: Int, images: Int) -> TrainingSettings {
  let training = spec.training
  let strategy: TrainingStrategy
  switch training.strategy.value {
  case .sequential: strategy = .sequential
  case .parallel: strategy = .parallel
  case .endToEnd: strategy = .endToEnd
  case .asynchronous: strategy = .asynchronous
  }
  var modules = [TrainingSettings.Module](
    repeating: TrainingSettings.Module(
      epochs: training.epochs.value, learningRate: training.optimizer.learningRate.value), count: moduleCount)
  for module in modules.indices where module < spec.network.frozen?.value ?? 0 { modules[module].epochs = 0 }
  // End-to-end training has one module, whatever the other strategies make of the partition.
  for override in training.overrides where override.module.value <= moduleCount && strategy != .endToEnd {
    if let epochs = override.epochs { modules[override.module.value - 1].epochs = epochs.value }
    if let rate = override.learningRate { modules[override.module.value - 1].learningRate = rate.value }
  }
  let compression = spec.trainsNarrowNetwork ? nil : spec.compression
  if let compression { narrow(&modules, compression, spec.network) }
  return TrainingSettings(
    strategy: strategy, modules: modules, startEvery: strategy == .parallel ? training.startEvery.value : 0,
    batch: training.batch.value, dropLast: training.dropLast.value, optimizer: optimizer(training.optimizer),
    schedule: schedule(training.schedule), dropsMomentumAtDecay: training.momentumAtDecay.value == .drop,
    seed: training.seed.value,
    replay: strategy == .asynchronous ? training.asynchronous.map(replaySettings) : nil,
    compression: compression.map { compressionSettings($0, images: images) })
}

/// Modules that lose channels; one that keeps them all is trained and left alone.
private func narrow(
  _ modules: inout [TrainingSettings.Module], _ compression: CompressionSpec, _ network: NetworkSpec
) {
  guard case .vgg(let vgg) = network.body else { preconditionFailure("decoding refuses other families") }
  precondition(vgg.layers.count == modules.count, "decoding refuses modules of several layers")
  for (index, layer) in vgg.layers.enumerated() {
    let width = compression.width[layer: index + 1].value
    guard width < layer.width.value else { continue }
    modules[index].narrowing = TrainingSettings.Module.Narrowing(
      channels: layer.width.value, width: width, epochs: compression.epochs.value,
      learningRate: compression.learningRate?.value)
  }
}

private func compressionSettings(_ spec: CompressionSpec, images: Int) -> CompressionSettings {
  let criterion: ChannelCriterion
  switch spec.criterion.value {
  case .taylor: criterion = .taylor
  case .activation: criterion = .activation
  case .weightNorm: criterion = .weightNorm
  }
  return CompressionSettings(
    criterion: criterion, images: spec.images?.value ?? images,
    tunesLayers: spec.fineTune.value == .module)
}

private func replaySettings(_ spec: AsynchronousSpec) -> ReplaySettings {
  let order: ReplaySettings.Order
  switch spec.order.value {
  case .random: order = .random
  case .sequential: order = .sequential
  }
  let ties: ReplaySettings.Ties
  switch spec.ties.value {
  case .freshest: ties = .freshest
  case .writePointer: ties = .writePointer
  }
  return ReplaySettings(
    slots: spec.buffer.value, reuse: spec.reuse.value,
    slow: spec.slow.map { ReplaySettings.SlowModule(module: $0.module.value, factor: $0.factor.value) },
    order: order, ties: ties, clearsAtDecay: spec.atDecay.value == .clear)
}

func optimizer(_ optimizer: OptimizerSpec) -> Optimizer {
  switch optimizer.kind.value {
  case .sgd:
    .sgd(
      momentum: optimizer.momentum.value, weightDecay: optimizer.weightDecay.value,
      nesterov: optimizer.nesterov.value)
  case .adam, .adamw:
    .adam(
      beta1: optimizer.beta1.value, beta2: optimizer.beta2.value, epsilon: optimizer.epsilon.value,
      weightDecay: optimizer.weightDecay.value, isDecoupled: optimizer.kind.value == .adamw)
  }
}

private func schedule(_ spec: ScheduleSpec) -> LearningRateSchedule {
  switch spec {
  case .constant: .constant
  case .step(let every, let factor): .step(every: every.value, factor: factor.value)
  case .milestones(let milestones, let factor): .milestones(milestones.map(\.value), factor: factor.value)
  case .cosine(let warmUp, let floor): .cosine(warmUp: warmUp.value, floor: floor.value)
  }
}

func dataSettings(_ spec: Spec, facts: DataFacts) -> DataSettings {
  let data = spec.data
  let source: DataSettings.Source
  switch data.source.value {
  case .digits: source = .digits
  case .synthetic: source = .synthetic
  case .cifar10: source = .cifar10
  case .cifar100: source = .cifar100
  case .idx: source = .idx
  case .npy: source = .npy
  case .imageFolder: source = .imageFolder
  }
  return DataSettings(
    source: source, path: data.path?.value, trainLimit: data.trainLimit?.value,
    testLimit: data.testLimit?.value,
    padCrop: data.padCrop.value, flipHorizontal: data.flipHorizontal.value, cutout: data.cutout.value,
    files: data.image.map {
      DataSettings.Files(resize: $0.resize.value, decodesScaled: $0.decode.value == .scaled)
    },
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

extension PlanPlaces {
  init(_ spec: Spec) {
    self.init(batch: spec.training.batch.span, data: spec.data.source.span)
  }
}
