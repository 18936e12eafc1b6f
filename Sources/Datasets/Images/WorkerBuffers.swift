internal import Synchronization

/// A place for one image a worker, and what went wrong while workers filled them.
@safe final class WorkerBuffers: Sendable {
  private let block: ByteBlock
  private let imageByteCount: Int
  private let workers: Int
  private let failure = Mutex<DatasetError?>(nil)

  /// - Parameter workers: that fill their places at the same time; 0 where none does.
  init(imageByteCount: Int, workers: Int) throws(DatasetError) {
    self.imageByteCount = imageByteCount
    self.workers = workers
    block = try ByteBlock(byteCount: workers * Self.byteCount(imageByteCount))
  }

  /// Bytes of a worker's place: cache lines of its own.
  static func byteCount(_ imageByteCount: Int) -> Int { (imageByteCount + 63) & ~63 }

  /// The worker's place, `imageByteCount` bytes, which nobody else writes to.
  @unsafe subscript(worker: Int) -> UnsafeMutableRawBufferPointer {
    precondition(worker < workers, "the data set was opened for that many workers")
    let start = worker * Self.byteCount(imageByteCount)
    return unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[start..<start + imageByteCount])
  }

  /// Keeps the first error until it is asked for.
  func note(_ error: DatasetError) { failure.withLock { $0 = $0 ?? error } }

  /// The first failure since the last call.
  func takeFailure() -> DatasetError? {
    failure.withLock { failure in
      defer { failure = nil }
      return failure
    }
  }
}
