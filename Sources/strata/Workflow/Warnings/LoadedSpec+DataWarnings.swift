internal import Datasets
internal import Diagnostics
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal

/// What is warned of once images or their labels are read.
extension LoadedSpec {
  func warn(of dataset: Dataset, _ session: Session) {
    if let large = dataset.largeImages {
      warn(.largeImages(large.words, at: (spec.data.path?.span ?? spec.data.source.span)), session)
    }
    warn(ofSkipped: dataset.skippedImages, session)
    for split in DatasetSplit.allCases {
      warn(ofLabels: dataset.labelCounts(split, classCount: spec.network.classes.value), split, session)
    }
  }

  /// The same as far as labels tell it, where they can be had without the images.
  func warnOfLabels(of data: DataOpening, _ session: Session) {
    warn(ofSkipped: (try? Dataset.skippedImages(of: data.source)) ?? [], session)
    for split in DatasetSplit.allCases {
      let counts = try? Dataset.labelCounts(
        of: data.source, split, limit: data.limit, classCount: spec.network.classes.value)
      if let counts { warn(ofLabels: counts, split, session) }
    }
  }

  private func warn(ofSkipped files: [DatasetError], _ session: Session) {
    guard !files.isEmpty else { return }
    warn(
      .skippedImages(files.map(\.message), at: spec.data.image?.onBadImage.span ?? spec.data.source.span),
      session)
  }

  /// - Parameter counts: images by class.
  private func warn(ofLabels counts: [Int], _ split: DatasetSplit, _ session: Session) {
    // What is made up is there to try a spec: its test images measure nothing.
    guard split == .train || spec.data.source.value.readsFiles else { return }
    let missing = counts.indices.filter { counts[$0] == 0 }
    guard !missing.isEmpty else { return }
    let limit = split == .train ? spec.data.trainLimit : spec.data.testLimit
    let origin = origins["network.classes"]?.writtenSpan
    warn(
      .classWithoutImage(
        classes: missing, of: counts.count, split: split.rawValue == 0 ? "train" : "test",
        images: counts.reduce(0, +), isLimited: limit != nil,
        isBalanced: spec.data.source.value == .imageFolder,
        at: limit?.span ?? origin ?? spec.data.source.span),
      session)
  }
}
