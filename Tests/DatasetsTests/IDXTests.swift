import Datasets
import Testing

@Suite struct IDXTests {
  /// Training images of 2x3 pixels and as many test images as labels.
  private func folder(trainLabels: [UInt8] = [4, 0, 2], testLabels: [UInt8] = [1, 3]) -> TemporaryFolder {
    let folder = TemporaryFolder()
    for (prefix, labels, seed) in [("train", trainLabels, 1), ("t10k", testLabels, 2)] {
      folder.write("\(prefix)-images-idx3-ubyte", images(labels.count, 2, 3, seed: UInt64(seed)))
      folder.write("\(prefix)-labels-idx1-ubyte", bigEndian(0x801) + bigEndian(labels.count) + labels)
    }
    return folder
  }

  private func images(_ count: Int, _ height: Int, _ width: Int, seed: UInt64 = 1) -> [UInt8] {
    Self.header(count, height, width) + noiseBytes(count * height * width, seed: seed)
  }

  @Test func readsImagesAndLabels() throws {
    let folder = folder()
    let data = try Dataset(.idx(folder: folder.path))
    #expect(data.imageShape == ImageDimensions(channels: 1, height: 2, width: 3))
    #expect(data.trainCount == 3 && data.testCount == 2 && data.classCount == 5 && data.classNames == nil)
    #expect(data.residentByteCount == 5 * 7)
    #expect(
      (0..<3).map { data.label(.train, $0) } == [4, 0, 2] && (0..<2).map { data.label(.test, $0) } == [1, 3])
    let preparer = ImagePreparer(
      dataset: data, normalization: Normalization(mean: 0, standardDeviation: 1, channels: 1), seed: 1)
    let pixels = noiseBytes(18, seed: 1)
    #expect(preparer.image(.train, 1).numbers == pixels[6..<12].map { Float($0) / 255 })
    let testPixels = noiseBytes(12, seed: 2)
    #expect(preparer.image(.test, 1).numbers == testPixels[6..<12].map { Float($0) / 255 })
  }

  @Test func limitsKeepTheClasses() throws {
    let folder = folder()
    let limit = DatasetLimit(train: 2, test: 1)
    let data = try Dataset(.idx(folder: folder.path), limit: limit)
    #expect(
      data.trainCount == 2 && data.testCount == 1 && data.classCount == 5 && data.residentByteCount == 3 * 7)
    #expect(try Dataset.facts(of: .idx(folder: folder.path), limit: limit) == data.facts)
  }

  @Test func namesWithADot() throws {
    let folder = folder()
    for name in ["train-images", "t10k-images"] {
      folder.write("\(name)-idx3-ubyte", [])
      try #require(removeFile("\(folder.path)/\(name)-idx3-ubyte"))
      folder.write("\(name).idx3-ubyte", images(name == "train-images" ? 3 : 2, 2, 3))
    }
    #expect(try Dataset(.idx(folder: folder.path)).trainCount == 3)
  }

  @Test func packedFilesAreNamed() throws {
    let folder = folder()
    try #require(removeFile("\(folder.path)/t10k-labels-idx1-ubyte"))
    folder.write("t10k-labels-idx1-ubyte.gz", [1])
    let path = "\(folder.path)/t10k-labels-idx1-ubyte"
    #expect(fault(folder) == .missingFile(path: path, hint: "unpack \(path).gz first"))
  }

  @Test func severalFaultyFiles() throws {
    let folder = folder()
    for name in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"] {
      try #require(removeFile("\(folder.path)/\(name)"))
    }
    folder.write("t10k-labels-idx1-ubyte", [1])
    #expect(
      fault(folder)?.all.map(kind) == ["missingFile", "missingFile", "missingFile", "wrongSize"])
  }

  private static let imageFaults: [FaultyFile] = [
    // Shorter than a header; labels' magic number; a byte short; a byte long.
    FaultyFile("wrongSize", [0, 0, 8]),
    FaultyFile(
      "otherFormat: an idx file of labels", bigEndian(0x801) + bigEndian(3) + bigEndian(2) + bigEndian(3)),
    FaultyFile("wrongSize", header(3, 2, 3) + noiseBytes(17, seed: 1)),
    FaultyFile("wrongSize", header(3, 2, 3) + noiseBytes(19, seed: 1)),
    // Nothing; then almost 2^96 and 2^64 bytes.
    FaultyFile("wrongContent@4", header(0, 2, 3)),
    FaultyFile("wrongContent@4", header(3, 0, 3)),
    FaultyFile("wrongContent@4", header(-1, -1, -1)),
    FaultyFile("wrongContent@4", header(-1, -1, 1)),
    // More images than labels; another shape than the test images'.
    FaultyFile("mismatch", header(4, 2, 3) + noiseBytes(24, seed: 1)),
    FaultyFile("mismatch", header(3, 3, 2) + noiseBytes(18, seed: 1)),
  ]

  private static func header(_ count: Int, _ height: Int, _ width: Int) -> [UInt8] {
    bigEndian(0x803) + bigEndian(count) + bigEndian(height) + bigEndian(width)
  }

  /// What is written over the training images, and the fault.
  @Test(arguments: imageFaults)
  func faultyImages(file: FaultyFile) {
    let folder = folder()
    folder.write("train-images-idx3-ubyte", file.bytes)
    #expect(fault(folder).map(kind) == file.expected)
  }

  /// What a file is by its first bytes, under the name of training images.
  @Test(
    arguments: [
      ([0x1F, 0x8B, 8, 0], "gzip"), (Array("PK\u{3}\u{4}".utf8), "a zip archive, as an .npz file is"),
      ([0x93] + Array("NUMPY".utf8), "a NumPy array (.npy)"), ([0x89] + Array("PNG".utf8), "a PNG image"),
      (Array("\n <!DOCTYPE html>".utf8), "an HTML page"), (Array("<html><body>".utf8), "an HTML page"),
      ([0, 0, 0x0D, 3], "an idx file of 32-bit floats"), ([0x80, 4], "a Python pickle"),
    ] as [([UInt8], String)])
  func otherFormats(start: [UInt8], name: String) {
    let folder = folder()
    folder.write("train-images-idx3-ubyte", start + [UInt8](repeating: 7, count: 60))
    #expect(fault(folder).map(kind) == "otherFormat: \(name)")
  }

  @Test func truncatedLabels() {
    let folder = folder()
    folder.write("train-labels-idx1-ubyte", bigEndian(0x801) + bigEndian(3) + [1, 2])
    #expect(
      fault(folder) == .wrongSize(path: "\(folder.path)/train-labels-idx1-ubyte", expected: 11, found: 10))
  }

  private func fault(_ folder: TemporaryFolder) -> DatasetError? {
    datasetError { () throws(DatasetError) in _ = try Dataset(.idx(folder: folder.path)) }
  }
}
