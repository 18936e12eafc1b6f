import Datasets
import TestSupport
import Testing

/// Data sets whose files lie: each is read or refused, in time and without asking for memory, whatever it says.
@Suite("Spoiled data sets") struct DataFuzzTests {
  private struct File {
    var name: String
    var bytes: [UInt8]
    /// Bytes of the header.
    var head: Int
  }

  private func campaign(_ name: String, _ files: [File], _ source: (String) -> DatasetSource) {
    let folder = TemporaryFolder()
    for file in files { folder.write(file.name, file.bytes) }
    let report = FuzzCampaign(name).run { seed, random in
      let file = files[Int.random(in: 0..<files.count, using: &random)]
      var bytes = file.bytes
      Mutation.spoil(&bytes, head: file.head, &random)
      folder.write(file.name, bytes)
      defer { folder.write(file.name, file.bytes) }
      let error = datasetError { () throws(DatasetError) in
        let source = source(folder.path)
        let facts = try Dataset.facts(of: source)
        let dataset = try Dataset(source, limit: DatasetLimit(train: 5, test: 3))
        #expect(facts.imageShape == dataset.imageShape, "seed \(seed)")
        #expect(dataset.residentByteCount <= 1 << 20, "seed \(seed)")
        _ = try Dataset.fingerprint(of: source)
        let images = ImagePreparer(dataset: dataset, seed: 1)
        for index in 0..<dataset.trainCount {
          let (numbers, label) = images.image(.train, index, epoch: 1)
          #expect(numbers.allSatisfy(\.isFinite) && label >= 0 && label < dataset.classCount, "seed \(seed)")
        }
      }
      if let error { #expect(!error.message.isEmpty, "seed \(seed)") }
      return error == nil
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
    #expect(report.refusedCount > 0)
  }

  @Test("idx")
  func idx() {
    func images(_ count: Int) -> [UInt8] {
      [0, 0, 8, 3] + bigEndian(count) + bigEndian(5) + bigEndian(4) + noiseBytes(20 * count, seed: 1)
    }
    func labels(_ count: Int) -> [UInt8] {
      [0, 0, 8, 1] + bigEndian(count) + (0..<count).map { UInt8($0 % 10) }
    }
    campaign(
      "idx",
      [
        File(name: "train-images-idx3-ubyte", bytes: images(12), head: 16),
        File(name: "train-labels-idx1-ubyte", bytes: labels(12), head: 8),
        File(name: "t10k-images-idx3-ubyte", bytes: images(6), head: 16),
        File(name: "t10k-labels-idx1-ubyte", bytes: labels(6), head: 8),
      ]
    ) { .idx(folder: $0) }
  }

  /// CIFAR's files have no header: labels lie, and sizes.
  @Test("cifar10")
  func cifar10() {
    let fileByteCount = 10_000 * 3_073
    let folder = TemporaryFolder()
    for file in 1...5 { folder.write("data_batch_\(file).bin", [], byteCount: fileByteCount) }
    folder.write("test_batch.bin", [], byteCount: fileByteCount)
    let record = [3] + noiseBytes(3_072, seed: 5)
    let report = FuzzCampaign("cifar10").run { seed, random in
      var bytes = record + record
      Mutation.spoil(&bytes, head: 1, &random)
      let sizes = [0, 1, 3_072, fileByteCount - 1, fileByteCount + 1, bytes.count]
      let isWhole = Int.random(in: 0..<3, using: &random) > 0
      let name = Bool.random(using: &random) ? "data_batch_1.bin" : "test_batch.bin"
      let byteCount = isWhole ? fileByteCount : sizes[Int.random(in: 0..<sizes.count, using: &random)]
      folder.write(name, [(0, bytes)], byteCount: byteCount)
      defer { folder.write(name, [], byteCount: fileByteCount) }
      let error = datasetError { () throws(DatasetError) in
        let dataset = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 5, test: 3))
        #expect(byteCount == fileByteCount, "seed \(seed)")
        for index in 0..<dataset.trainCount {
          #expect((0..<10).contains(dataset.label(.train, index)), "seed \(seed)")
        }
      }
      if let error { #expect(!error.message.isEmpty, "seed \(seed)") }
      return error == nil
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
    #expect(report.refusedCount > report.acceptedCount / 10)
  }

  @Test("npy", arguments: ["|u1", "<f4"])
  func npyArrays(type: String) {
    func images(_ count: Int) -> [UInt8] {
      let data =
        type == "|u1"
        ? noiseBytes(60 * count, seed: 2) : littleEndianBytes((0..<60 * count).map { Float($0) / 7 })
      return npy(type: type, shape: [count, 3, 4, 5], data: data)
    }
    func labels(_ count: Int) -> [UInt8] {
      npy(type: "<i8", shape: [count], data: littleEndianBytes((0..<count).map { Int64($0 % 4) }))
    }
    campaign(
      type == "|u1" ? "npy-bytes" : "npy-floats",
      [
        File(name: "train_images.npy", bytes: images(12), head: 128),
        File(name: "train_labels.npy", bytes: labels(12), head: 128),
        File(name: "test_images.npy", bytes: images(6), head: 128),
        File(name: "test_labels.npy", bytes: labels(6), head: 128),
      ]
    ) { .npy(folder: $0) }
  }
}
