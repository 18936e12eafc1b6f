import Datasets
import TestSupport
import Testing

@Suite struct CIFARTests {
  private static let fileByteCount = 10_000 * 3_073
  private let plain = Normalization(mean: 0, standardDeviation: 1, channels: 3)

  /// Five training files and a test file, all zeros but for the records given: (file, record, label, pixels).
  private func cifar10(_ records: [(file: Int, record: Int, label: UInt8, pixels: [UInt8])])
    -> TemporaryFolder
  {
    let folder = TemporaryFolder()
    for file in 1...6 {
      let parts = records.filter { $0.file == file }.map {
        (offset: $0.record * 3_073, bytes: [$0.label] + $0.pixels)
      }
      folder.write(
        file == 6 ? "test_batch.bin" : "data_batch_\(file).bin", parts, byteCount: Self.fileByteCount)
    }
    return folder
  }

  @Test func recordsComeInOrderAcrossFiles() throws {
    let first = noiseBytes(3_072, seed: 1)
    let crossing = noiseBytes(3_072, seed: 2)
    let test = noiseBytes(3_072, seed: 3)
    let folder = cifar10([(1, 0, 3, first), (2, 5, 9, crossing), (6, 2, 7, test)])
    let data = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 10_006, test: 3))
    #expect(data.trainCount == 10_006 && data.testCount == 3 && data.classNames?[9] == "truck")
    #expect(data.residentByteCount == 10_009 * 3_073)
    let preparer = ImagePreparer(dataset: data, normalization: plain, seed: 1)
    for (split, index, label, bytes) in [
      (DatasetSplit.train, 0, 3, first), (.train, 10_005, 9, crossing), (.test, 2, 7, test),
      (.train, 9_999, 0, [UInt8](repeating: 0, count: 3_072)),
    ] {
      let image = preparer.image(split, index)
      #expect(image.label == Int32(label))
      // Channel by channel in the file, pixel by pixel in the network.
      #expect(image.numbers == (0..<3_072).map { Float(bytes[$0 % 3 * 1_024 + $0 / 3]) / 255 })
    }
  }

  @Test func normalisesAsUsual() throws {
    let folder = cifar10([(1, 0, 0, [UInt8](repeating: 200, count: 3_072))])
    let data = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 1, test: 1))
    let numbers = ImagePreparer(dataset: data, seed: 1).image(.train, 0).numbers
    let expected = [(0.4914, 0.2023), (0.4822, 0.1994), (0.4465, 0.2010)].map { (200.0 / 255 - $0.0) / $0.1 }
    for (i, number) in numbers.enumerated() { #expect(abs(Double(number) - expected[i % 3]) < 1e-5) }
  }

  @Test func fineLabelsOfCIFAR100() throws {
    let folder = TemporaryFolder()
    let pixels = noiseBytes(3_072, seed: 4)
    folder.write("train.bin", [(3_074, [19, 99] + pixels)], byteCount: 50_000 * 3_074)
    folder.write("test.bin", [(0, [1, 42] + pixels)], byteCount: 10_000 * 3_074)
    let data = try Dataset(.cifar100(folder: folder.path), limit: DatasetLimit(train: 2, test: 1))
    #expect(data.classCount == 100 && data.classNames?.count == 100 && data.residentByteCount == 3 * 3_074)
    #expect(data.label(.train, 1) == 99 && data.label(.test, 0) == 42)
    #expect(data.classNames?.sorted() == data.classNames && Set(data.classNames ?? []).count == 100)
    let image = ImagePreparer(dataset: data, normalization: plain, seed: 1).image(.test, 0)
    #expect(image.numbers[4] == Float(pixels[1_024 + 1]) / 255)
  }

  @Test func factsNeedNoFile() throws {
    let limit = DatasetLimit(train: 5_000, test: 1_000)
    let ten = try Dataset.facts(of: .cifar10(folder: "/nowhere"), limit: limit)
    #expect(
      ten.residentByteCount == 6_000 * 3_073 && ten.trainCount == 5_000 && ten.availableTrainCount == 50_000)
    #expect(try Dataset.facts(of: .cifar10(folder: "")).residentByteCount == 60_000 * 3_073)
    #expect(try Dataset.facts(of: .cifar100(folder: "")).residentByteCount == 60_000 * 3_074)
    let folder = cifar10([])
    #expect(try Dataset(.cifar10(folder: folder.path), limit: limit).facts == ten)
  }

  /// No mapped files, no second buffer: in a process of its own, the peak grows by what is kept, up to what systems round (large
  /// pages) and count late.
  @Test(.enabled(if: !Sanitizer.isOn)) func thePeakIsWhatIsKept() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      for name in ["data_batch_1", "data_batch_2", "test_batch"] {
        folder.write("\(name).bin", [], byteCount: 30_730_000)
      }
      let before = try peakByteCount()
      let data = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 15_000))
      let growth = try peakByteCount() - before
      precondition(data.residentByteCount == 25_000 * 3_073)
      precondition(growth > data.residentByteCount - (8 << 20) && growth < data.residentByteCount + (8 << 20))
    }
  }

  @Test func missingFiles() {
    let error = datasetError { () throws(DatasetError) in _ = try Dataset(.cifar10(folder: "/nowhere")) }
    let names = (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]
    // What would help is said once.
    let expected: [DatasetError] = names.dropLast().map { .missingFile(path: "/nowhere/\($0)", hint: nil) }
    #expect(Array(error?.all.dropLast() ?? []) == expected)
    guard case .missingFile("/nowhere/test_batch.bin", let hint?)? = error?.all.last else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(hint.contains("data_batch_5.bin"))
  }

  /// However the images are opened, everything that is wrong with the files is told at once.
  @Test func allFaultsOfAllFiles() throws {
    let folder = cifar10([(2, 3, 11, []), (4, 9, 200, []), (6, 5, 10, [])])
    let source = DatasetSource.cifar10(folder: folder.path)
    func faults(_ open: () throws(DatasetError) -> Void) -> [DatasetError]? { datasetError(open)?.all }
    func label(_ file: String, _ record: Int, _ found: Int) -> DatasetError {
      .labelOutOfRange(
        path: "\(folder.path)/\(file).bin", offset: record * 3_073, found: found, classCount: 10)
    }
    let labels = [label("data_batch_2", 3, 11), label("data_batch_4", 9, 200), label("test_batch", 5, 10)]
    #expect(faults { () throws(DatasetError) in _ = try Dataset(source) } == labels)
    #expect(faults { () throws(DatasetError) in _ = try Dataset(streaming: source, workers: 1) } == labels)
    try #require(removeFile("\(folder.path)/test_batch.bin"))
    folder.write("data_batch_4.bin", [], byteCount: 5)
    let files = ["wrongSize", "missingFile"]
    #expect(faults { () throws(DatasetError) in _ = try Dataset(source) }?.map(kind) == files)
    #expect(
      faults { () throws(DatasetError) in _ = try Dataset(streaming: source, workers: 1) }?.map(kind) == files
    )
    #expect(faults { () throws(DatasetError) in _ = try Dataset.fingerprint(of: source) }?.map(kind) == files)
  }

  /// The last byte of the last file needed is missing; files that the limit does not need are not asked for.
  @Test func truncatedFiles() throws {
    let folder = cifar10([])
    folder.write("data_batch_2.bin", [], byteCount: Self.fileByteCount - 1)
    let error = datasetError { () throws(DatasetError) in _ = try Dataset(.cifar10(folder: folder.path)) }
    #expect(
      error
        == .wrongSize(
          path: "\(folder.path)/data_batch_2.bin", expected: Self.fileByteCount, found: Self.fileByteCount - 1
        ))
    #expect(error?.message == "\(folder.path)/data_batch_2.bin: expected 30730000 bytes, found 30729999")
    _ = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 10_000, test: 1))
  }

  @Test func labelsOutOfRange() {
    let folder = cifar10([(3, 17, 10, [])])
    let error = datasetError { () throws(DatasetError) in
      _ = try Dataset(.cifar10(folder: folder.path), limit: DatasetLimit(train: 20_018))
    }
    #expect(
      error
        == .labelOutOfRange(
          path: "\(folder.path)/data_batch_3.bin", offset: 17 * 3_073, found: 10, classCount: 10))
  }

  @Test func aFolderInPlaceOfAFile() {
    let error = datasetError { () throws(DatasetError) in
      _ = try Dataset(.cifar10(folder: "/dev/null/x"))
    }
    #expect(error?.all.map(kind) == [String](repeating: "missingFile", count: 6))
  }
}
