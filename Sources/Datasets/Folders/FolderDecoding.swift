internal import Glibc
internal import Synchronization

extension StoredImages {
  /// Decodes every image of a folder once: all training images, all test images, then labels of four bytes.
  ///
  /// - Parameter workers: that decode side by side; the result does not depend on their number.
  init(decoding scan: FolderScan, workers: Int) throws(DatasetError) {
    let image = scan.source.transform.target.elementCount
    let (train, test) = (scan.train.count, scan.test.count)
    let block = try ByteBlock(byteCount: scan.decodedByteCount)
    let labels = (train + test) * image
    let images = try FolderImages(scan, workers: workers)
    let failures = Mutex<[(image: Int, error: DatasetError)]>([])
    forEachInParallel(train + test, workers: workers) { worker, index in
      let (split, place) = index < train ? (DatasetSplit.train, index) : (.test, index - train)
      let pixels = unsafe images.pixels(
        split, place, random: nil, worker: worker,
        failed: { error in
          failures.withLock { $0.append((index, error)) }
        })
      unsafe UnsafeMutableRawBufferPointer(rebasing: block.bytes[index * image..<(index + 1) * image])
        .copyMemory(from: pixels)
      unsafe block.bytes.storeBytes(
        of: images.label(split, place), toByteOffset: labels + 4 * index, as: Int32.self)
    }
    // In the order of the images, whichever worker met them.
    try DatasetError.throwIfAny(
      failures.withLock { $0.sorted { $0.image < $1.image }.map(\.error) })
    func part(_ first: Int, _ count: Int) -> StoredSplit {
      StoredSplit(
        count: count, pixelStart: first * image, recordStride: image, labelStart: labels + 4 * first,
        labelStride: 4, labelByteCount: 4)
    }
    self.init(
      block: block, format: .uint8(largest: 255), order: .interleaved, imageByteCount: image,
      train: part(0, train), test: part(train, test))
  }
}

/// Calls `body` for 0..<`count`, on so many threads, each index once.
func forEachInParallel(
  _ count: Int, workers: Int, _ body: @Sendable (_ worker: Int, _ index: Int) -> Void
) {
  let next = Atomic<Int>(0)
  withoutActuallyEscaping(body) { body in
    let work = SharedWork { worker in
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(worker, index)
      }
    }
    var threads: [pthread_t] = []
    for worker in 1..<max(2, workers) where worker < workers {
      var thread = pthread_t()
      let start = unsafe Unmanaged.passRetained(SharedWork.Start(work, worker: worker))
      let isRefused = unsafe pthread_create(
        &thread, nil,
        { pointer in
          guard let pointer = unsafe pointer else { return nil }
          let start = unsafe Unmanaged<SharedWork.Start>.fromOpaque(pointer).takeRetainedValue()
          start.work.run(start.worker)
          return nil
        }, start.toOpaque())
      // The others do its share.
      if isRefused != 0 { unsafe start.release() } else { threads.append(thread) }
    }
    work.run(0)
    for thread in threads { pthread_join(thread, nil) }
  }
}

/// A closure that threads share.
private final class SharedWork: Sendable {
  let run: @Sendable (_ worker: Int) -> Void

  init(_ run: @escaping @Sendable (_ worker: Int) -> Void) { self.run = run }

  final class Start: Sendable {
    let work: SharedWork
    let worker: Int

    init(_ work: SharedWork, worker: Int) {
      self.work = work
      self.worker = worker
    }
  }
}
