internal import Base
internal import Glibc

/// Images that are decoded when they are needed, in memory that each worker has from the start. The index alone is kept.
@safe final class FolderImages: Sendable {
  let source: ImageFolder
  private let index: ImageIndex
  private let decoders: [ImageDecoder]
  /// For decoded images.
  private let buffers: WorkerBuffers
  private let root: Root

  private final class Root: Sendable {
    let folder: OpenFolder

    init(_ path: String) throws(DatasetError) { folder = try OpenFolder(FileName(path), path: path) }
  }

  /// - Parameter workers: that prepare images at the same time.
  init(_ scan: FolderScan, workers: Int) throws(DatasetError) {
    source = scan.source
    index = ImageIndex(train: scan.train, test: scan.test)
    root = try Root(scan.source.root)
    let capacity = scan.capacity
    var decoders: [ImageDecoder] = []
    for _ in 0..<workers { decoders.append(try ImageDecoder(capacity)) }
    self.decoders = decoders
    buffers = try WorkerBuffers(
      imageByteCount: source.transform.target.elementCount, workers: workers)
  }

  func count(_ split: DatasetSplit) -> Int { index[split].count }
  func label(_ split: DatasetSplit, _ image: Int) -> Int32 { index[split][image].label }

  /// Decodes an image for the network, bytes of rows, columns and channels. They are valid until the worker asks for its next.
  ///
  /// A file that can't be read any more gives zeros; `takeFailure` then says why.
  ///
  /// - Parameter random: draws the box of a random resized crop; nil: the middle.
  @unsafe func pixels(
    _ split: DatasetSplit, _ image: Int, random: CounterRandom?, worker: Int
  ) -> UnsafeRawBufferPointer {
    unsafe pixels(
      split, image, random: random, worker: worker,
      failed: { buffers.note($0) })
  }

  /// - Parameter failed: told of a file that can't be read.
  @unsafe func pixels(
    _ split: DatasetSplit, _ image: Int, random: CounterRandom?, worker: Int, failed: (DatasetError) -> Void
  ) -> UnsafeRawBufferPointer {
    let target = unsafe buffers[worker]
    do throws(ImageFault) {
      try unsafe decode(split, image, random: random, worker: worker, into: target)
    } catch {
      let path = source.path(index.name(index[split][image]))
      failed(.image(path: path, fault: error))
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
    }
    return UnsafeRawBufferPointer(target)
  }

  @unsafe private func decode(
    _ split: DatasetSplit, _ image: Int, random: CounterRandom?, worker: Int,
    into target: UnsafeMutableRawBufferPointer
  ) throws(ImageFault) {
    let entry = index[split][image]
    guard let base = target.baseAddress else { return }
    let file = try open(entry)
    try unsafe decoders[worker].decode(
      file, entry.header, fileByteCount: entry.fileByteCount, source.transform,
      crop: random == nil ? nil : source.crop,
      uniform: { drawn in
        // Words behind those of crops and flips.
        Double((random?.uint64(at: Self.firstDraw + drawn) ?? 0) >> 11) * 0x1p-53
      }, into: base.assumingMemoryBound(to: UInt8.self))
  }

  private static let firstDraw = 16

  private func open(_ entry: ImageIndex.Entry) throws(ImageFault) -> DataFile {
    var opened: Int32 = -1
    unsafe index.names.withUnsafeBytes { names in
      guard let base = names.baseAddress else { return }
      unsafe opened = DataFile.descriptor(
        (base + entry.nameOffset).assumingMemoryBound(to: CChar.self), in: root.folder.descriptor)
    }
    do throws(DatasetError) { return try DataFile(descriptor: opened) } catch { throw ImageFault(error) }
  }

  /// The first failure since the last call.
  func takeFailure() -> DatasetError? { buffers.takeFailure() }
}

extension FolderScan {
  /// What a worker needs for any image in use.
  var capacity: DecodingCapacity {
    var capacity = DecodingCapacity()
    for split in DatasetSplit.allCases {
      for file in self[split] {
        capacity.include(
          file.header, fileByteCount: file.fileByteCount, source.transform,
          crop: split == .train ? source.crop : nil)
      }
    }
    return capacity
  }

  /// - Parameter all: before the limit.
  func facts(available all: FolderScan) -> DatasetFacts {
    DatasetFacts(
      imageShape: source.transform.target, classCount: classNames.count, trainCount: train.count,
      testCount: test.count, availableTrainCount: all.train.count, availableTestCount: all.test.count,
      residentByteCount: isDecodedOnce ? decodedByteCount : indexByteCount,
      classNames: classNames, normalization: source.normalization)
  }

  /// Whether every epoch sees the same pixels before they are shifted and flipped, and all of them fit a bound that nobody
  /// notices: then they are decoded once, when the set is opened.
  var isDecodedOnce: Bool { source.crop == nil && decodedByteCount <= Self.largestDecodedByteCount }

  static let largestDecodedByteCount = 1 << 30

  /// Pixels and labels of four bytes.
  var decodedByteCount: Int { (train.count + test.count) * (source.transform.target.elementCount + 4) }

  var indexByteCount: Int { ImageIndex(train: train, test: test).byteCount }

  /// What each worker keeps while images are decoded.
  var workerByteCount: Int {
    capacity.byteCount + WorkerBuffers.byteCount(source.transform.target.elementCount)
  }
}
