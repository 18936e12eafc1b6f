import Datasets
import Testing

@Suite struct NPYTests {
  private let plain = Normalization(mean: 0, standardDeviation: 1, channels: 3)

  /// Two training images and one test image of the same shape, and labels 2, 0 and 1.
  private func folder(
    type: String = "|u1", shape: [Int], train: [UInt8], test: [UInt8], labelType: String = "|u1"
  ) -> TemporaryFolder {
    let folder = TemporaryFolder()
    folder.write("train_images.npy", npy(type: type, shape: [2] + shape, data: train))
    folder.write("test_images.npy", npy(type: type, shape: [1] + shape, data: test))
    let (labels, column): ([[UInt8]], Bool) =
      switch labelType {
      case "<i4": ([littleEndianBytes([2, 0] as [Int32]), littleEndianBytes([1] as [Int32])], false)
      case "<i8": ([littleEndianBytes([2, 0] as [Int64]), littleEndianBytes([1] as [Int64])], true)
      default: ([[2, 0], [1]], false)
      }
    folder.write("train_labels.npy", npy(type: labelType, shape: column ? [2, 1] : [2], data: labels[0]))
    folder.write("test_labels.npy", npy(type: labelType, shape: column ? [1, 1] : [1], data: labels[1]))
    return folder
  }

  @Test func channelsLast() throws {
    let bytes = noiseBytes(2 * 48, seed: 1)
    let folder = folder(shape: [4, 4, 3], train: bytes, test: Array(bytes[..<48]), labelType: "<i8")
    let data = try Dataset(.npy(folder: folder.path))
    #expect(data.imageShape == ImageDimensions(channels: 3, height: 4, width: 4) && data.classCount == 3)
    #expect(data.residentByteCount == 3 * (48 + 4))
    let image = ImagePreparer(dataset: data, normalization: plain, seed: 1).image(.train, 1)
    #expect(image.label == 0 && data.label(.train, 0) == 2 && data.label(.test, 0) == 1)
    #expect(image.numbers == bytes[48..<96].map { Float($0) / 255 })
  }

  @Test func channelsFirst() throws {
    let bytes = noiseBytes(2 * 48, seed: 1)
    let folder = folder(shape: [3, 4, 4], train: bytes, test: Array(bytes[..<48]), labelType: "<i4")
    let data = try Dataset(.npy(folder: folder.path))
    #expect(data.imageShape == ImageDimensions(channels: 3, height: 4, width: 4))
    let image = ImagePreparer(dataset: data, normalization: plain, seed: 1).image(.train, 1)
    #expect(image.numbers == (0..<48).map { Float(bytes[48 + $0 % 3 * 16 + $0 / 3]) / 255 })
  }

  @Test func floatsAreTakenAsTheyAre() throws {
    let numbers = (0..<24).map { Float($0) * 0.37 - 3 }
    let folder = folder(
      type: "<f4", shape: [3, 4], train: littleEndianBytes(numbers),
      test: littleEndianBytes(Array(numbers[..<12])))
    let data = try Dataset(.npy(folder: folder.path))
    #expect(data.imageShape == ImageDimensions(channels: 1, height: 3, width: 4))
    #expect(data.residentByteCount == 3 * (48 + 1))
    #expect(ImagePreparer(dataset: data, seed: 1).image(.train, 1).numbers == Array(numbers[12...]))
    let scaled = ImagePreparer(
      dataset: data, normalization: Normalization(mean: 1, standardDeviation: 2, channels: 1), seed: 1)
    #expect(scaled.image(.train, 1).numbers == numbers[12...].map { ($0 - 1) / 2 })
  }

  /// Sizes behind the count, and channels x height x width, or nil where the shape does not say.
  @Test(
    arguments: [
      ([3, 8, 8], [3, 8, 8]), ([8, 8, 3], [3, 8, 8]), ([8, 4, 4], [8, 4, 4]), ([4, 4, 8], [8, 4, 4]),
      ([3, 5, 7], [3, 5, 7]), ([7, 5, 3], [3, 7, 5]), ([5, 7], [1, 5, 7]), ([1, 6, 6], [1, 6, 6]),
      ([4, 4, 4], nil), ([3, 5, 3], nil), ([5], nil), ([0, 4, 4], nil), ([2, 3, 4, 5], nil),
    ] as [([Int], [Int]?)])
  func theShapeTellsTheLayout(shape: [Int], expected: [Int]?) throws {
    let size = shape.reduce(1, *)
    let folder = folder(
      shape: shape, train: noiseBytes(2 * size, seed: 1), test: noiseBytes(size, seed: 2))
    guard let expected else {
      // Of the training images and of the test images.
      #expect(fault(folder).map(kind) == "mismatch mismatch")
      return
    }
    #expect(
      try Dataset.facts(of: .npy(folder: folder.path)).imageShape
        == ImageDimensions(channels: expected[0], height: expected[1], width: expected[2]))
  }

  private static let imageFaults: [FaultyFile] = [
    FaultyFile("wrongSize", npy(type: "|u1", shape: [2, 2, 2], data: noiseBytes(7, seed: 1))),
    FaultyFile("wrongSize", npy(type: "|u1", shape: [2, 2, 2], data: noiseBytes(9, seed: 1))),
    FaultyFile("mismatch", npy(type: "<f8", shape: [2, 2, 2], data: noiseBytes(64, seed: 1))),
    // three images, two labels
    FaultyFile("mismatch", npy(type: "|u1", shape: [3, 2, 2], data: noiseBytes(12, seed: 1))),
    FaultyFile(
      "wrongContent@10", npy(type: "|u1", shape: [2, 2, 2], data: noiseBytes(8, seed: 1), order: "True")),
    // 2^64 bytes
    FaultyFile("mismatch", npy(type: "|u1", shape: [1 << 32, 1 << 31, 2], data: [])),
    FaultyFile("mismatch", npy(type: "|u1", shape: [2, Int.max / 2, 1], data: [])),
    FaultyFile(
      "wrongContent@61",
      npy(header: "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", data: [])),
    FaultyFile("wrongContent@10", npy(header: "{'descr': '|u1', 'fortran_order': False, }", data: [])),
    FaultyFile("wrongContent@47", npy(header: "{'descr': '|u1', 'shape': (2, 2, 2), 'size': 8, }", data: [])),
    FaultyFile("wrongContent@20", npy(header: "{'descr': [('r', '|u1')], }", data: [])),
    FaultyFile("wrongContent@10", npy(header: "'descr'", data: [])),
    FaultyFile(
      "wrongContent@71",
      npy(header: "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2)} x", data: [])),
    FaultyFile("wrongContent@0", Array("\u{1}NUMPY.......".utf8)),
    FaultyFile("wrongContent@6", [0x93] + Array("NUMPY".utf8) + [9, 0, 0, 0, 0, 0]),
    FaultyFile("wrongSize", [0x93] + Array("NUMPY".utf8) + [1, 0, 255, 255, 0, 0]),
    FaultyFile("wrongContent@8", [0x93] + Array("NUMPY".utf8) + [2, 0, 0, 0, 0, 255]),
    FaultyFile("wrongSize", [0x93, 0x4E]),
  ]

  @Test(arguments: imageFaults)
  func faultyImages(file: FaultyFile) {
    let folder = folder(shape: [2, 2], train: noiseBytes(8, seed: 1), test: noiseBytes(4, seed: 2))
    folder.write("train_images.npy", file.bytes)
    #expect(fault(folder).map(kind) == file.expected)
  }

  @Test("everything that is wrong with the four files is told at once, with what to save instead")
  func severalFiles() throws {
    let folder = folder(shape: [2, 2], train: noiseBytes(8, seed: 1), test: noiseBytes(4, seed: 2))
    folder.write("train_images.npy", npy(type: "<f8", shape: [2, 2, 2], data: noiseBytes(64, seed: 1)))
    folder.write("train_labels.npy", npy(type: "|b1", shape: [2], data: [0, 1]))
    try #require(removeFile("\(folder.path)/test_images.npy"))
    try #require(removeFile("\(folder.path)/test_labels.npy"))
    let all = try #require(fault(folder)?.all)
    #expect(all.map(kind) == ["mismatch", "mismatch", "missingFile", "missingFile"])
    #expect(
      all[0].message.hasSuffix(
        "train_images.npy: expected numbers of type |u1 or <f4, found <f8; save array.astype(numpy.float32)"))
    #expect(all[1].message.hasSuffix("found |b1; save array.astype(numpy.int64)"))
  }

  private static let labelFaults: [FaultyFile] = [
    FaultyFile(
      "labelOutOfRange@132", npy(type: "<i4", shape: [2], data: littleEndianBytes([1, -1] as [Int32]))),
    FaultyFile(
      "labelOutOfRange@128", npy(type: "<i8", shape: [2], data: littleEndianBytes([1 << 40, 1] as [Int64]))),
    FaultyFile("mismatch", npy(type: "<f4", shape: [2], data: littleEndianBytes([1, 1] as [Float]))),
    FaultyFile("mismatch", npy(type: "|u1", shape: [1, 2], data: [1, 1])),
    FaultyFile("wrongSize", npy(type: "|u1", shape: [2], data: [1])),
  ]

  @Test(arguments: labelFaults)
  func faultyLabels(file: FaultyFile) {
    let folder = folder(shape: [2, 2], train: noiseBytes(8, seed: 1), test: noiseBytes(4, seed: 2))
    folder.write("train_labels.npy", file.bytes)
    #expect(fault(folder).map(kind) == file.expected)
  }

  @Test func infinitePixels() {
    var numbers = [Float](repeating: 1, count: 24)
    numbers[20] = .infinity
    let folder = folder(
      type: "<f4", shape: [3, 4], train: littleEndianBytes(numbers),
      test: littleEndianBytes(Array(numbers[..<12])))
    #expect(fault(folder).map(kind) == "notFinite@208 train 1")
  }

  private func fault(_ folder: TemporaryFolder) -> DatasetError? {
    datasetError { () throws(DatasetError) in _ = try Dataset(.npy(folder: folder.path)) }
  }
}
