internal import Base
internal import Synchronization

/// The last scan of an image folder, so that planning and opening look at a million files once between them.
enum FolderScans {
  private struct Known {
    var all: FolderScan
    var limited: (limit: DatasetLimit, scan: FolderScan)?
  }

  private static let last = Mutex<Known?>(nil)

  /// Of all files, before a limit.
  static func scan(_ source: ImageFolder) throws(DatasetError) -> FolderScan {
    if let known = last.withLock({ $0?.all }), known.source == source { return known }
    let scan = try FolderScan(source)
    last.withLock { $0 = Known(all: scan) }
    return scan
  }

  /// All files, and those that a limit leaves.
  static func scans(
    _ source: ImageFolder, _ limit: DatasetLimit
  ) throws(DatasetError) -> (all: FolderScan, limited: FolderScan) {
    let all = try scan(source)
    if let limited = last.withLock({ $0?.limited }), limited.limit == limit { return (all, limited.scan) }
    let limited = all.limited(limit)
    last.withLock { $0?.limited = (limit, limited) }
    return (all, limited)
  }

  static func facts(of source: ImageFolder, limit: DatasetLimit) throws(DatasetError) -> DatasetFacts {
    let (all, limited) = try scans(source, limit)
    return limited.facts(available: all)
  }

  /// Nobody needs it any more: its memory is to be free before an arena is mapped.
  static func forget() { last.withLock { $0 = nil } }
}

extension FolderScan {
  /// Lowercase hexadecimal SHA-256 of classes, names, labels, sizes and a sample of each file's bytes, of the images in use.
  /// What it can't see: a change between the samples of a file larger than 12 KiB that keeps its size.
  func fingerprint(available all: FolderScan) -> String {
    var hash = SHA256()
    let target = source.transform.target
    hash.update(
      "strata.data/3 image-folder \(target.channels)x\(target.height)x\(target.width) "
        + "resize \(source.transform.resize)\(source.transform.decodesScaled ? " scaled" : "") "
        + "classes \(classNames.count) train \(train.count)/\(all.train.count) "
        + "test \(test.count)/\(all.test.count)\n")
    for name in classNames { hash.update("\(name)\n") }
    for split in DatasetSplit.allCases {
      for file in self[split] {
        unsafe hash.update(file.name.bytes.span.bytes)
        hash.update("\n\(file.label) \(file.fileByteCount) \(file.digest)\n")
      }
    }
    return hash.finalize()
  }

  /// From above, what the scan itself takes: entries with their names, which lie in memory of their own.
  var scanByteCount: Int {
    [train, test].joined().reduce(0) { $0 + MemoryLayout<Found>.stride + 48 + $1.name.bytes.count }
  }
}

/// What an image folder takes, once it was looked through.
package struct FolderMemory: Hashable, Sendable {
  /// Whether all images are decoded when the set is opened, and kept.
  package var isDecodedOnce: Bool
  /// While images are decoded.
  package var bytesPerWorker: Int
  /// What the C library keeps of it for each thread.
  package let keptBytesPerWorker = 256 << 10
  /// While the folder is looked through.
  package var scanBytes: Int
}

extension Dataset {
  /// Nil for other sources.
  package static func folderMemory(
    of source: DatasetSource, limit: DatasetLimit
  ) throws(DatasetError) -> FolderMemory? {
    guard case .imageFolder(let folder) = source else { return nil }
    let (all, scan) = try FolderScans.scans(folder, limit)
    // Those that a limit leaves are entries of their own, with the same names.
    let isLimited = scan.train.count < all.train.count || scan.test.count < all.test.count
    let copied =
      isLimited ? (scan.train.count + scan.test.count) * MemoryLayout<FolderScan.Found>.stride / 2 : 0
    return FolderMemory(
      isDecodedOnce: scan.isDecodedOnce, bytesPerWorker: scan.workerByteCount,
      scanBytes: all.scanByteCount + copied)
  }

  /// The same before the set is opened.
  package static func skippedImages(of source: DatasetSource) throws(DatasetError) -> [DatasetError] {
    guard case .imageFolder(let folder) = source else { return [] }
    return try FolderScans.scan(folder).skipped
  }
}
