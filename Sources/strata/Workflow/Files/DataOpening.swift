internal import Datasets
internal import GraphIR
internal import Planning
internal import SpecLanguage
internal import Terminal

/// The data set that a spec names, before and after it is read.
struct DataOpening {
  let source: DatasetSource
  let limit: DatasetLimit
  private let network: ExpectedImages

  /// - Parameter path: of `--data`, in place of the spec's.
  init(_ loaded: LoadedSpec, path: String?) throws(CommandFailure) {
    let spec = loaded.spec
    let data = spec.data
    let input = spec.network.input.value
    network = ExpectedImages(loaded)
    limit = DatasetLimit(train: data.trainLimit?.value, test: data.testLimit?.value)
    let resolved = path ?? data.path.map { Paths.join(loaded.folder, $0.value) }
    func needed() throws(CommandFailure) -> String {
      guard let resolved else {
        throw CommandFailure(
          .faultyInput, "the spec does not say where its data lies",
          help: "set `data.path`, or pass --data PATH")
      }
      return resolved
    }
    try Self.requireUse(of: path, by: data.source.value)
    switch data.source.value {
    case .digits: source = .digits
    case .synthetic:
      source = .synthetic(
        SyntheticImages(
          dimensions: ImageDimensions(channels: input.channels, height: input.height, width: input.width),
          classCount: spec.network.classes.value, seed: spec.training.seed.value))
    case .cifar10: source = .cifar10(folder: try needed())
    case .cifar100: source = .cifar100(folder: try needed())
    case .idx: source = .idx(folder: try needed())
    case .npy: source = .npy(folder: try needed())
    case .imageFolder:
      source = .imageFolder(try ImageFolder(data, of: input, in: needed(), seed: spec.training.seed.value))
    }
  }

  /// Nobody is to believe that other data was used.
  private static func requireUse(of path: String?, by source: DataSource) throws(CommandFailure) {
    guard path != nil, !source.readsFiles else { return }
    throw CommandFailure(
      .faultyInput, "'--data' has nothing to say here: `data.source: \(source.rawValue)` reads no files",
      help: "leave it out, or train on files: --set data.source=cifar10, say")
  }

  /// What planning needs, without reading images.
  static func facts(
    _ loaded: LoadedSpec, path: String?, withFingerprint: Bool
  ) throws(CommandFailure) -> DataFacts {
    // A plan for CIFAR can be made where the data is not: nothing but the path is unknown then.
    let data = loaded.spec.data
    let isPlaceKnown = path != nil || data.path != nil
    switch data.source.value {
    case .cifar10 where !isPlaceKnown, .cifar100 where !isPlaceKnown:
      return try DataOpening(loaded, path: ".").facts(fingerprint: nil)
    case .digits, .synthetic, .cifar10, .cifar100, .idx, .npy, .imageFolder:
      let opening = try DataOpening(loaded, path: path)
      let fingerprint = withFingerprint ? try opening.fingerprint(isRequired: path != nil) : nil
      return try opening.facts(fingerprint: fingerprint)
    }
  }

  func facts(fingerprint: String?) throws(CommandFailure) -> DataFacts {
    let facts: DatasetFacts
    do {
      facts = try Dataset.facts(of: source, limit: limit)
    } catch {
      throw CommandFailure(error)
    }
    try network.require(facts, of: source)
    do {
      // The order of an epoch: a number a training image.
      var orderBytes = 4 * facts.trainCount
      let folder = try Dataset.folderMemory(of: source, limit: limit)
      if folder != nil { orderBytes += ImageLibraries.residentByteCount }
      let streaming = try Dataset.streaming(of: source, limit: limit)
      var known = DataFacts(
        trainCount: facts.trainCount, testCount: facts.testCount,
        residentBytes: facts.residentByteCount + orderBytes,
        streamed: streaming.map {
          DataFacts.Share(
            byteCount: $0.byteCount + orderBytes, byteCountPerThread: $0.byteCountPerWorker)
        }, fingerprint: fingerprint,
        images: DataFacts.Images(
          pixelScale: facts.pixelScale, mean: facts.normalization.mean,
          standardDeviation: facts.normalization.standardDeviation, classNames: facts.classNames))
      if let folder {
        known.residentBytesPerThread =
          folder.isDecodedOnce ? folder.keptBytesPerWorker : folder.bytesPerWorker
        known.opening = DataFacts.Share(
          byteCount: folder.scanBytes, byteCountPerThread: folder.isDecodedOnce ? folder.bytesPerWorker : 0)
      }
      return known
    } catch {
      throw CommandFailure(error)
    }
  }

  /// Reads all records once.
  ///
  /// - Parameter isRequired: otherwise nil where files are not there: a plan can be made without them.
  private func fingerprint(isRequired: Bool) throws(CommandFailure) -> String? {
    do {
      return try Dataset.fingerprint(of: source, limit: limit)
    } catch {
      if !isRequired, error.all.allSatisfy(\.isMissingFile) { return nil }
      throw CommandFailure(error)
    }
  }

  /// As the plan holds it.
  func open(for plan: Plan) throws(CommandFailure) -> Dataset {
    let dataset: Dataset
    do {
      switch plan.choices.data {
      case .resident: dataset = try Dataset(source, limit: limit, workers: plan.threads)
      case .streamed: dataset = try Dataset(streaming: source, limit: limit, workers: plan.threads)
      }
    } catch {
      throw CommandFailure(error)
    }
    // The files may be others than those that were planned with.
    try network.require(dataset.facts, of: source)
    return dataset
  }
}

extension ImageFolder {
  /// As a spec has it.
  ///
  /// - Parameter input: of the network; the spec's decoder holds sizes against it.
  init(_ data: DataSpec, of input: ImageShape, in folder: String, seed: UInt64) {
    guard let image = data.image else { preconditionFailure("a folder's spec says how files become images") }
    self.init(
      folder: folder,
      transform: ImageTransform(
        target: ImageDimensions(channels: input.channels, height: input.height, width: input.width),
        resize: image.resize.value, decodesScaled: image.decode.value == .scaled),
      crop: data.randomResizedCrop.map {
        RandomResizedCrop(
          scale: $0.scale.value[0]...$0.scale.value[1], ratio: $0.ratio.value[0]...$0.ratio.value[1])
      }, largestPixelCount: image.maxPixels.value, skipsBadImages: image.onBadImage.value == .skip, seed: seed
    )
  }
}

extension DataSource {
  /// Whether a path means anything to it.
  var readsFiles: Bool {
    switch self {
    case .digits, .synthetic: false
    case .cifar10, .cifar100, .idx, .npy, .imageFolder: true
    }
  }
}

extension ImagePreparer {
  /// As the plan's data section says.
  init(_ dataset: Dataset, plan: Plan) {
    let data = plan.data
    let shape = dataset.imageShape
    precondition(
      (shape.channels, shape.height, shape.width) == (
        plan.input.channels, plan.input.height, plan.input.width
      )
        && dataset.classCount <= plan.classes, "opening a data set holds it against the network")
    var normalization: Normalization?
    if let mean = data.mean, let deviation = data.standardDeviation {
      normalization = Normalization(
        mean: mean.map { Float($0) }, standardDeviation: deviation.map { Float($0) })
    }
    self.init(
      dataset: dataset,
      augmentation: Augmentation(
        padCrop: data.padCrop, flipHorizontal: data.flipHorizontal, cutout: data.cutout),
      normalization: normalization, seed: plan.training.seed)
  }
}

extension CommandFailure {
  /// Every fault of the data by itself.
  init(_ error: DatasetError) {
    self.init(.faultyData, error.all.map { Fault($0.message) })
  }
}
