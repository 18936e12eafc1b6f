internal import Base

/// A data set: the images in use, as the file has them, in one block of exactly `facts.residentByteCount` bytes, or left
/// in their files. Immutable, so that any thread may read it.
@safe package final class Dataset: Sendable {
  package let source: DatasetSource
  package let facts: DatasetFacts
  /// Lowercase hexadecimal SHA-256 of what it consists of (`Fingerprint`), of files every label and pixel in use: the same
  /// images give the same fingerprint, whatever the folder is called, and others another one.
  package let fingerprint: String
  /// Images of floats with numbers beyond `largestExpectedMagnitude`; nil where there are none.
  package let largeImages: LargeImages?

  /// Image files that were left out since they can't be read.
  package let skippedImages: [DatasetError]

  let storage: Storage

  /// Reads the images that `limit` asks for.
  ///
  /// The process's peak grows by `facts.residentByteCount` and little else: files are read straight into place.
  ///
  /// - Parameter workers: that decode image files side by side.
  package convenience init(
    _ source: DatasetSource, limit: DatasetLimit = DatasetLimit(), workers: Int = 1
  ) throws(DatasetError) {
    switch source {
    case .digits:
      let facts = Digits.facts(limit: limit)
      self.init(source: source, facts: facts, storage: .stored(try StoredImages(digits: facts)))
    case .synthetic(let images):
      self.init(source: source, facts: images.facts(limit: limit), storage: .synthetic(images))
    case .cifar10, .cifar100, .idx, .npy:
      let layout = try Self.layout(of: source, limit: limit)
      let records = try RecordReader.read(layout, of: source)
      self.init(
        source: source, facts: layout.facts, storage: .stored(records.images),
        fingerprint: records.fingerprint, largeImages: records.large)
    case .imageFolder(let folder):
      try self.init(folder, limit: limit) { scan throws(DatasetError) in
        scan.isDecodedOnce
          ? .stored(try StoredImages(decoding: scan, workers: workers))
          : .folder(try FolderImages(scan, workers: workers))
      }
    }
  }

  /// Opens the files of a data set and leaves the images there.
  ///
  /// The process's peak grows by what `streaming(of:limit:)` says. Sources without files are loaded as ever.
  ///
  /// - Parameter workers: that prepare images at the same time.
  package convenience init(
    streaming source: DatasetSource, limit: DatasetLimit = DatasetLimit(), workers: Int
  ) throws(DatasetError) {
    switch source {
    case .digits, .synthetic: try self.init(source, limit: limit)
    case .cifar10, .cifar100, .idx, .npy:
      let layout = try Self.layout(of: source, limit: limit)
      let images = try StreamedImages(layout, of: source, workers: workers)
      self.init(
        source: source, facts: layout.facts, storage: .streamed(images), fingerprint: images.fingerprint,
        largeImages: images.large)
    case .imageFolder(let folder):
      try self.init(folder, limit: limit) { scan throws(DatasetError) in
        .folder(try FolderImages(scan, workers: workers))
      }
    }
  }

  /// - Parameter storage: of the images in use.
  private convenience init(
    _ folder: ImageFolder, limit: DatasetLimit,
    storage: (FolderScan) throws(DatasetError) -> Storage
  ) throws(DatasetError) {
    let (all, scan) = try FolderScans.scans(folder, limit)
    FolderScans.forget()
    self.init(
      source: .imageFolder(folder), facts: scan.facts(available: all), storage: try storage(scan),
      fingerprint: scan.fingerprint(available: all), skippedImages: all.skipped)
  }

  init(
    source: DatasetSource, facts: DatasetFacts, storage: Storage, fingerprint: String,
    largeImages: LargeImages? = nil, skippedImages: [DatasetError] = []
  ) {
    self.source = source
    self.facts = facts
    self.storage = storage
    self.fingerprint = fingerprint
    self.largeImages = largeImages
    self.skippedImages = skippedImages
  }

  private convenience init(source: DatasetSource, facts: DatasetFacts, storage: Storage) {
    let fingerprint = Fingerprint.hex(source: source, facts: facts) { split, index, hash in
      storage.hashRecord(split, index, into: &hash)
    }
    self.init(source: source, facts: facts, storage: storage, fingerprint: fingerprint)
  }

  package var imageShape: ImageDimensions { facts.imageShape }
  package var classCount: Int { facts.classCount }
  package var trainCount: Int { facts.trainCount }
  package var testCount: Int { facts.testCount }
  package var residentByteCount: Int { facts.residentByteCount }
  package var classNames: [String]? { facts.classNames }

  package func count(_ split: DatasetSplit) -> Int { facts.count(split) }

  /// - Precondition: `index` is in 0..<`count(split)`.
  package func label(_ split: DatasetSplit, _ index: Int) -> Int32 {
    precondition(index >= 0 && index < facts.count(split), "no such image")
    return storage.label(split, index)
  }

  /// Lets the system begin to read images that will be asked for soon, where they lie in files; returns at once.
  ///
  /// - Precondition: every index is in 0..<`count(split)`.
  /// - Complexity: a system call an image, about a microsecond; nothing where images are in memory.
  package func readAhead(_ split: DatasetSplit, _ indices: borrowing Span<Int32>) {
    guard case .streamed(let images) = storage else { return }
    for position in indices.indices { images.readAhead(split, Int(indices[position])) }
  }

  /// What loading would give, without loading. `digits`, `synthetic`, `cifar10` and `cifar100` touch no file (their
  /// folder may be anything); `idx` and `npy` read headers and labels.
  package static func facts(
    of source: DatasetSource, limit: DatasetLimit = DatasetLimit()
  ) throws(DatasetError) -> DatasetFacts {
    switch source {
    case .digits: Digits.facts(limit: limit)
    case .synthetic(let images): images.facts(limit: limit)
    case .cifar10, .cifar100, .idx, .npy: try layout(of: source, limit: limit).facts
    case .imageFolder(let folder): try FolderScans.facts(of: folder, limit: limit)
    }
  }

  /// What a data set that is left in its files keeps in memory: so many bytes, and so many more for each worker; nil for
  /// sources without files.
  package static func streaming(
    of source: DatasetSource, limit: DatasetLimit = DatasetLimit()
  ) throws(DatasetError) -> (byteCount: Int, byteCountPerWorker: Int)? {
    switch source {
    case .digits, .synthetic: return nil
    case .cifar10, .cifar100, .idx, .npy:
      let layout = try layout(of: source, limit: limit)
      return (layout.streamedByteCount, layout.streamBufferByteCount)
    case .imageFolder(let folder):
      let scan = try FolderScans.scans(folder, limit).limited
      // What is decoded for every batch is read from its files in any case.
      guard scan.isDecodedOnce else { return nil }
      return (scan.indexByteCount, scan.workerByteCount)
    }
  }

  /// Why images could not be read from their files since the last call; they count as black until it is asked for.
  package func takeReadFailure() -> DatasetError? {
    switch storage {
    case .stored, .synthetic: nil
    case .streamed(let images): images.takeFailure()
    case .folder(let images): images.takeFailure()
    }
  }

  /// The loaded data set's `fingerprint`, from reading all records once and keeping none.
  ///
  /// - Complexity: O(bytes): CIFAR-10 takes about a tenth of a second where the system has its files in memory.
  package static func fingerprint(
    of source: DatasetSource, limit: DatasetLimit = DatasetLimit()
  ) throws(DatasetError) -> String {
    switch source {
    case .digits, .synthetic: return try Dataset(source, limit: limit).fingerprint
    case .cifar10, .cifar100, .idx, .npy:
      return try StreamedImages(layout(of: source, limit: limit), of: source, workers: 0).fingerprint
    case .imageFolder(let folder):
      let (all, scan) = try FolderScans.scans(folder, limit)
      return scan.fingerprint(available: all)
    }
  }

  static func layout(of source: DatasetSource, limit: DatasetLimit) throws(DatasetError)
    -> RecordLayout
  {
    switch source {
    case .cifar10(let folder): CIFAR.cifar10(folder: folder, limit: limit)
    case .cifar100(let folder): CIFAR.cifar100(folder: folder, limit: limit)
    case .idx(let folder): try IDX.layout(folder: folder, limit: limit)
    case .npy(let folder): try NPY.layout(folder: folder, limit: limit)
    case .digits, .synthetic, .imageFolder:
      preconditionFailure("not records of files; the callers switch first")
    }
  }
}

extension Dataset {
  /// Images in memory or in files, or the rule that makes them.
  enum Storage: Sendable {
    case stored(StoredImages)
    case streamed(StreamedImages)
    case folder(FolderImages)
    case synthetic(SyntheticImages)

    func label(_ split: DatasetSplit, _ index: Int) -> Int32 {
      switch self {
      case .stored(let images): images.label(split, index)
      case .streamed(let images): images.label(split, index)
      case .folder(let images): images.label(split, index)
      case .synthetic(let images): images.label(index)
      }
    }

    func hashRecord(_ split: DatasetSplit, _ index: Int, into hash: inout SHA256) {
      switch self {
      case .stored(let images):
        unsafe Fingerprint.update(
          &hash, label: images.label(split, index), pixels: images.pixels(split, index))
      case .streamed, .folder: preconditionFailure("files are hashed while they are read")
      case .synthetic: break  // the header of a fingerprint says all
      }
    }
  }
}
