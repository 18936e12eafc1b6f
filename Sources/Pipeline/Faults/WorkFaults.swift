internal import Diagnostics
internal import GraphIR
internal import Planning
internal import SpecLanguage

/// A training whose multiply-adds can't be counted: told at the number of epochs that is most to blame.
///
/// - Parameters:
///   - training: of the spec, as `network` is.
///   - images: that there are to train on.
func workFaults(
  of spec: Spec, _ training: TrainingSettings, _ network: Graph, images: Int
) -> [Diagnostic] {
  let work = WorkBound(network)
  // A batch counts as a whole, whether or not there are images to fill it.
  let count = max(images, training.batch)
  var total = 0
  for schedule in StageSchedule.all(of: training) {
    // Ranking channels takes no longer than an epoch.
    let passes = schedule.epochs + (training.narrowing(behind: schedule) == nil ? 0 : 1)
    guard let perImage = work.perImage(schedule),
      let stage = SizeLimits.product([perImage, count, passes]),
      stage <= SizeLimits.trainingMultiplyAdds - total
    else { return [.tooMuchTraining(at: spec.longestTraining)] }
    total += stage
  }
  return []
}

/// Features of all images that can't be counted, whether or not anybody keeps them: of a training, or of probes of its depths.
///
/// - Parameter images: that there are, to train on and to test with.
func featureFaults(of spec: Spec, _ network: Graph, images: Int) -> [Diagnostic] {
  let largest = ([network.images] + network.moduleOutputs).map { network.shape($0).elementsPerImage }
    .max()
  if let bytes = SizeLimits.product([4, largest ?? 0, images]), bytes <= SizeLimits.featureBytes {
    return []
  }
  let limits = [spec.data.trainLimit, spec.data.testLimit].compactMap(\.self)
  let place = limits.max { $0.value < $1.value }?.span ?? spec.data.source.span
  return [.tooManyFeatures(images: images, at: place)]
}

/// Epochs that draw their images by numbers beyond those that there are: told where modules are set apart.
func drawingFaults(of spec: Spec, _ training: TrainingSettings) -> [Diagnostic] {
  training.lastDrawing <= Int(UInt32.max) ? [] : [.tooManyDrawings(at: spec.training.startEvery.span)]
}

/// What an image takes in a step, at most, before any channels go.
private struct WorkBound {
  /// By module, from 1 at index 0.
  private let layers, auxiliaries: [Int]

  init(_ network: Graph) {
    layers = network.sizes(of: .layers).map(\.multiplyAdds)
    auxiliaries = network.sizes(of: .auxiliary).map(\.multiplyAdds)
  }

  /// Forward through all modules up to the last that learns, and twice as much backward through those that do; nil where that
  /// is more than can be counted.
  func perImage(_ schedule: StageSchedule) -> Int? {
    let learning = schedule.indices.map { layers[$0 - 1] + auxiliaries[$0 - 1] }.reduce(0, +)
    let frozen = layers[..<schedule.lastModule].reduce(0, +)
    return SizeLimits.product([3, learning]).flatMap { $0 <= .max - frozen ? $0 + frozen : nil }
  }
}

extension Spec {
  /// Where the largest number of epochs is written that any module is trained for.
  fileprivate var longestTraining: SourceSpan {
    var all = training.overrides.compactMap(\.epochs)
    if let compression { all.append(compression.epochs) }
    return all.reduce(training.epochs) { $1.value > $0.value ? $1 : $0 }.span
  }
}
