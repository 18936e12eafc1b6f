import Datasets
import TestSupport
import Testing

/// Images that stay in their files are the images that are kept in memory.
@Suite("Images read from their files")
struct StreamedImagesTests {
  private func expectSame(_ source: DatasetSource, limit: DatasetLimit) throws {
    let kept = try Dataset(source, limit: limit)
    let streamed = try Dataset(streaming: source, limit: limit, workers: 3)
    #expect(streamed.facts == kept.facts)
    #expect(streamed.fingerprint == kept.fingerprint)
    let augmentation = Augmentation(padCrop: 2, flipHorizontal: true)
    let preparers = [kept, streamed].map {
      ImagePreparer(dataset: $0, augmentation: augmentation, seed: 5)
    }
    for split in DatasetSplit.allCases {
      for index in 0..<kept.count(split) {
        #expect(kept.label(split, index) == streamed.label(split, index))
        let images = preparers.map { preparer in
          var floats = [Float](repeating: .nan, count: kept.imageShape.elementCount)
          _ = floats.withUnsafeMutableBufferPointer {
            preparer.prepare(split, index: index, epoch: 2, worker: index % 3, into: $0)
          }
          return floats
        }
        #expect(images[0] == images[1])
      }
    }
    #expect(streamed.takeReadFailure() == nil)
  }

  @Test("CIFAR-10, over the end of a file")
  func cifar() throws {
    let folder = TemporaryFolder()
    let size = 3073
    // The last record of the first file and the first ones of the second have something in them.
    func record(_ index: Int) -> [UInt8] { [UInt8(index % 10)] + noiseBytes(3072, seed: UInt64(index)) }
    folder.write(
      "data_batch_1.bin", [(0, record(1)), (9_999 * size, record(7))], byteCount: 10_000 * size)
    folder.write("data_batch_2.bin", [(0, record(3))], byteCount: 10_000 * size)
    folder.write("test_batch.bin", [(0, record(2))], byteCount: 10_000 * size)
    let limit = DatasetLimit(train: 10_002, test: 2)
    let source = DatasetSource.cifar10(folder: folder.path)
    let kept = try Dataset(source, limit: limit)
    let streamed = try Dataset(streaming: source, limit: limit, workers: 1)
    let preparers = [kept, streamed].map { ImagePreparer(dataset: $0, seed: 1) }
    for index in [0, 9_998, 9_999, 10_000, 10_001] {
      let images = preparers.map { preparer in
        var floats = [Float](repeating: .nan, count: 3072)
        _ = floats.withUnsafeMutableBufferPointer {
          preparer.prepare(.train, index: index, epoch: nil, into: $0)
        }
        return floats
      }
      #expect(images[0] == images[1])
      #expect(kept.label(.train, index) == streamed.label(.train, index))
    }
    let needs = try #require(try Dataset.streaming(of: source, limit: limit))
    // Of each image the label and a checksum.
    #expect(needs.byteCount == 10_004 * (1 + 4) && needs.byteCountPerWorker == 3072)
  }

  @Test("NumPy files, bytes and floats", arguments: ["|u1", "<f4"])
  func npyFiles(type: String) throws {
    let folder = TemporaryFolder()
    let (count, numbers) = (9, 3 * 4 * 5)
    for (name, seed) in [("train", UInt64(1)), ("test", 2)] {
      let bytes = noiseBytes(count * numbers, seed: seed)
      let data =
        type == "|u1"
        ? bytes
        : bytes.flatMap { byte in
          withUnsafeBytes(of: Float(byte) / 7) { Array($0) }
        }
      folder.write("\(name)_images.npy", npy(type: type, shape: [count, 3, 4, 5], data: data))
      let labels = (0..<count).flatMap { label in withUnsafeBytes(of: Int64(label % 4)) { Array($0) } }
      folder.write("\(name)_labels.npy", npy(type: "<i8", shape: [count], data: labels))
    }
    try expectSame(.npy(folder: folder.path), limit: DatasetLimit(train: 8))
  }

  @Test("a file that shrinks under a run is told, and nothing traps")
  func shrinks() throws {
    let folder = TemporaryFolder()
    let shape = [6, 1, 2, 2]
    for name in ["train", "test"] {
      folder.write("\(name)_images.npy", npy(type: "|u1", shape: shape, data: noiseBytes(24, seed: 1)))
      folder.write("\(name)_labels.npy", npy(type: "|u1", shape: [6], data: [0, 1, 2, 0, 1, 2]))
    }
    let streamed = try Dataset(streaming: .npy(folder: folder.path), workers: 1)
    folder.write("train_images.npy", [])
    var floats = [Float](repeating: .nan, count: 4)
    _ = floats.withUnsafeMutableBufferPointer {
      ImagePreparer(dataset: streamed, seed: 1).prepare(.train, index: 5, epoch: nil, into: $0)
    }
    #expect(streamed.takeReadFailure() != nil)
    #expect(streamed.takeReadFailure() == nil)
  }

  @Test("an image that is overwritten under a run is named, whatever the change")
  func overwritten() throws {
    let folder = TemporaryFolder()
    let pixels = noiseBytes(24, seed: 1)
    for name in ["train", "test"] {
      folder.write("\(name)_images.npy", npy(type: "|u1", shape: [6, 1, 2, 2], data: pixels))
      folder.write("\(name)_labels.npy", npy(type: "|u1", shape: [6], data: [0, 1, 2, 0, 1, 2]))
    }
    let streamed = try Dataset(streaming: .npy(folder: folder.path), workers: 1)
    let preparer = ImagePreparer(dataset: streamed, seed: 1)
    func prepare(_ index: Int) -> DatasetError? {
      var floats = [Float](repeating: .nan, count: 4)
      _ = floats.withUnsafeMutableBufferPointer {
        preparer.prepare(.train, index: index, epoch: nil, into: $0)
      }
      return streamed.takeReadFailure()
    }
    let path = "\(folder.path)/train_images.npy"
    for bit in 0..<32 {
      var changed = pixels
      changed[16 + bit / 8] ^= 1 << UInt8(bit % 8)
      folder.write("train_images.npy", npy(type: "|u1", shape: [6, 1, 2, 2], data: changed))
      #expect(prepare(4) == .changed(path: path, split: .train, index: 4))
      #expect(prepare(3) == nil)
    }
    folder.write("train_images.npy", npy(type: "|u1", shape: [6, 1, 2, 2], data: pixels))
    #expect(prepare(4) == nil)
  }

  @Test("faults are found when the files are opened")
  func faults() throws {
    let folder = TemporaryFolder()
    folder.write("train.bin", [(3074 + 1, [200])], byteCount: 50_000 * 3074)
    folder.write("test.bin", [], byteCount: 10_000 * 3074)
    #expect(throws: DatasetError.self) {
      try Dataset(streaming: .cifar100(folder: folder.path), limit: DatasetLimit(train: 2), workers: 1)
    }
    #expect(throws: DatasetError.self) {
      try Dataset(streaming: .cifar100(folder: "/nowhere"), workers: 1)
    }
  }
}
