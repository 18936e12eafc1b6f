internal import Datasets
internal import Planning
internal import SpecLanguage
internal import Terminal

/// The data set that a spec names, before and after it is read.
struct DataOpening {
  let source: DatasetSource
  let limit: DatasetLimit

  /// - Parameters:
  ///   - folder: where the spec's paths start.
  ///   - path: of `--data`, in place of the spec's.
  init(_ spec: Spec, folder: String, path: String?) throws(CommandFailure) {
    let data = spec.data
    let input = spec.network.input.value
    limit = DatasetLimit(train: data.trainLimit?.value, test: data.testLimit?.value)
    let resolved = path ?? data.path.map { Paths.join(folder, $0.value) }
    func needed() throws(CommandFailure) -> String {
      guard let resolved else {
        throw CommandFailure(
          .faultyInput, "the spec does not say where its data lies",
          help: "set `data.path`, or pass --data PATH")
      }
      return resolved
    }
    switch data.source.value {
    case .digits: source = .digits
    case .synthetic:
      source = .synthetic(
        SyntheticPictures(
          dimensions: PictureDimensions(channels: input.channels, height: input.height, width: input.width),
          classCount: spec.network.classes.value, seed: spec.training.seed.value))
    case .cifar10: source = .cifar10(folder: try needed())
    case .cifar100: source = .cifar100(folder: try needed())
    case .idx: source = .idx(folder: try needed())
    case .npy: source = .npy(folder: try needed())
    case .imageFolder: throw CommandFailure(.faultyInput, "'source: image-folder' is not supported yet")
    }
  }

  /// What planning needs, without reading pictures.
  static func facts(
    _ spec: Spec, folder: String, path: String?, withFingerprint: Bool
  ) throws(CommandFailure) -> DataFacts {
    // A plan for CIFAR can be made where the data is not: nothing but the path is unknown then.
    let isPlaceKnown = path != nil || spec.data.path != nil
    switch spec.data.source.value {
    case .cifar10 where !isPlaceKnown, .cifar100 where !isPlaceKnown:
      return try DataOpening(spec, folder: folder, path: ".").facts(fingerprint: nil)
    case .digits, .synthetic, .cifar10, .cifar100, .idx, .npy, .imageFolder:
      let opening = try DataOpening(spec, folder: folder, path: path)
      let fingerprint = withFingerprint ? try opening.fingerprint() : nil
      return try opening.facts(fingerprint: fingerprint)
    }
  }

  func facts(fingerprint: String?) throws(CommandFailure) -> DataFacts {
    do {
      let facts = try Dataset.facts(of: source, limit: limit)
      // The order of an epoch: a number a training picture.
      let orderBytes = 4 * facts.trainCount
      let streaming = try Dataset.streaming(of: source, limit: limit)
      return DataFacts(
        trainCount: facts.trainCount, testCount: facts.testCount,
        residentBytes: facts.residentByteCount + orderBytes,
        streamed: streaming.map {
          DataFacts.Streamed(
            byteCount: $0.byteCount + orderBytes, byteCountPerThread: $0.byteCountPerWorker)
        }, fingerprint: fingerprint)
    } catch {
      throw CommandFailure(error)
    }
  }

  private func fingerprint() throws(CommandFailure) -> String {
    do {
      return try Dataset.fingerprint(of: source, limit: limit)
    } catch {
      throw CommandFailure(error)
    }
  }

  /// As the plan holds it.
  func open(for plan: Plan) throws(CommandFailure) -> Dataset {
    do {
      switch plan.choices.data {
      case .resident: return try Dataset(source, limit: limit)
      case .streamed: return try Dataset(streaming: source, limit: limit, workers: plan.threads)
      }
    } catch {
      throw CommandFailure(error)
    }
  }
}

extension PicturePreparer {
  /// As the plan's data section says.
  init(_ dataset: Dataset, plan: Plan) {
    let data = plan.data
    var normalization: Normalization?
    if let mean = data.mean, let deviation = data.standardDeviation {
      normalization = Normalization(
        mean: mean.map { Float($0) }, standardDeviation: deviation.map { Float($0) })
    }
    self.init(
      dataset: dataset,
      augmentation: Augmentation(padCrop: data.padCrop, flipHorizontal: data.flipHorizontal),
      normalization: normalization, seed: plan.training.seed)
  }
}

extension CommandFailure {
  /// Every fault of the data by itself.
  init(_ error: DatasetError) {
    self.init(.faultyData, error.all.map { Fault($0.message) })
  }
}
