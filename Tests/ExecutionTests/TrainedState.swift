import CompilerSupport
import Datasets
import Execution
import Planning
import SpecLanguage
import Testing

/// What a training leaves: every parameter and statistic, and the figures of every epoch.
struct TrainedState: Equatable {
  var tensors: [String: [Float]] = [:]
  var losses: [Double] = []

  /// Trains to the end, on made-up images.
  ///
  /// - Parameter recorder: takes where the time goes.
  init(_ spec: DecodedSpec, _ plan: Plan, recorder: ProfileRecorder? = nil) throws {
    let input = plan.input
    let images = SyntheticImages(
      dimensions: ImageDimensions(channels: input.channels, height: input.height, width: input.width),
      classCount: plan.classes, seed: plan.training.seed)
    let dataset = try Dataset(
      .synthetic(images),
      limit: DatasetLimit(train: plan.data.facts.trainCount, test: plan.data.facts.testCount))
    let engine = try Engine(plan.memoryMap)
    engine.recorder = recorder
    let trainer = Trainer(
      plan: plan, engine: engine, images: ImagePreparer(dataset: dataset, seed: plan.training.seed),
      now: { 0 })
    var losses: [Double] = []
    _ = try trainer.run { event throws(ObserverFailure) in
      if case .epochEnded(let report) = event { losses += report.figures.map(\.loss) }
    }
    self.losses = losses
    for entry in plan.resident.entries {
      var floats = [Float](repeating: 0, count: entry.value.type.elementCount)
      var span = floats.mutableSpan
      engine.read(entry, from: 0, into: &span)
      tensors[entry.value.name] = floats
    }
  }

  /// The largest distance of a tensor from the same one of `other`, relative to its norm.
  func largestDistance(from other: TrainedState) -> Double {
    tensors.map { name, values in
      let others = other.tensors[name] ?? []
      let squares = zip(values, others).map { Double($0 - $1) * Double($0 - $1) }.reduce(0, +)
      let norm = others.map { Double($0) * Double($0) }.reduce(0, +)
      return (squares / max(norm, 1e-12)).squareRoot()
    }.max() ?? .infinity
  }
}
