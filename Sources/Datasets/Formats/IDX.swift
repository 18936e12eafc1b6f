/// The format of MNIST (LeCun, Cortes, Burges) and of the sets that copy it: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte` (also with a dot before `idx`), unpacked.
/// Numbers in headers are big-endian; pixels are grey bytes, row by row.
enum IDX {
  /// Reads the headers and all labels: there are as many classes as the largest label says.
  static func layout(folder: String, limit: DatasetLimit) throws(DatasetError) -> RecordLayout {
    let (train, test) = try DatasetError.both(
      { () throws(DatasetError) in try split(folder: folder, prefix: "train", limit: limit.train) },
      { () throws(DatasetError) in try split(folder: folder, prefix: "t10k", limit: limit.test) })
    guard train.image == test.image else {
      throw .mismatch(
        path: test.records.files[0].path,
        expected:
          "images of \(train.image.height)x\(train.image.width) like those of \(train.records.files[0].path)",
        found: "\(test.image.height)x\(test.image.width)")
    }
    return RecordLayout(
      facts: DatasetFacts(
        imageShape: train.image, classCount: max(train.largestLabel, test.largestLabel) + 1,
        trainCount: train.records.count, testCount: test.records.count, availableTrainCount: train.available,
        availableTestCount: test.available,
        residentByteCount: train.records.residentByteCount + test.records.residentByteCount, classNames: nil,
        normalization: Normalization(mean: 0.1307, standardDeviation: 0.3081, channels: 1)),  // MNIST's own
      pixelFormat: .uint8(largest: 255), pixelOrder: .planar, train: train.records, test: test.records)
  }

  private struct Split {
    var image: ImageDimensions
    var records: SplitRecords
    var available: Int
    var largestLabel: Int
  }

  private static func split(folder: String, prefix: String, limit: Int?) throws(DatasetError) -> Split {
    var ((image, images), (labels, largestLabel)) = try DatasetError.both(
      { () throws(DatasetError) in try self.images(folder: folder, prefix: prefix) },
      { () throws(DatasetError) in try self.labels(folder: folder, prefix: prefix) })
    let count = images.recordCount
    guard labels.recordCount == count else {
      throw .mismatch(
        path: labels.path, expected: "\(count) labels, one an image of \(images.path)",
        found: "\(labels.recordCount)")
    }
    let kept = min(limit ?? .max, count)
    images.recordCount = kept
    labels.recordCount = kept
    return Split(
      image: image,
      records: SplitRecords(
        files: [images], recordByteCount: image.elementCount, pixelOffset: 0,
        labels: .separate(labels, .uint8)),
      available: count, largestLabel: largestLabel)
  }

  /// The file with all of its images.
  private static func images(
    folder: String, prefix: String
  ) throws(DatasetError) -> (ImageDimensions, RecordFile) {
    let images = try open(folder: folder, stem: "\(prefix)-images", suffix: "idx3-ubyte")
    let sizes = try header(of: images, dimensions: 3)
    let (count, height, width) = (sizes[0], sizes[1], sizes[2])
    // Each size is below 2^32, so height * width fits; the whole may not.
    guard let byteCount = checkedProduct(count, height, width), byteCount <= Int.max - 16 else {
      throw .wrongContent(
        path: images.path, offset: 4, expected: "sizes whose product fits 63 bits",
        found: "\(count) x \(height) x \(width)")
    }
    guard count > 0, height > 0, width > 0 else {
      throw .wrongContent(
        path: images.path, offset: 4, expected: "at least one image of at least one pixel",
        found: "\(count) x \(height) x \(width)")
    }
    try images.requireByteCount(16 + byteCount)
    return (
      ImageDimensions(channels: 1, height: height, width: width),
      RecordFile(path: images.path, fileByteCount: images.byteCount, offset: 16, recordCount: count)
    )
  }

  /// The file with all of its labels, and the largest of them.
  private static func labels(folder: String, prefix: String) throws(DatasetError) -> (RecordFile, Int) {
    let labels = try open(folder: folder, stem: "\(prefix)-labels", suffix: "idx1-ubyte")
    let count = try header(of: labels, dimensions: 1)[0]
    try labels.requireByteCount(8 + count)
    return (
      RecordFile(path: labels.path, fileByteCount: labels.byteCount, offset: 8, recordCount: count),
      try LabelReader.largest(in: labels, at: 8, count: count, type: .uint8)
    )
  }

  private static func open(folder: String, stem: String, suffix: String) throws(DatasetError) -> DataFile {
    let usual = "\(folder)/\(stem)-\(suffix)"
    let dotted = "\(folder)/\(stem).\(suffix)"
    if !DataFile.exists(usual), DataFile.exists(dotted) { return try DataFile(path: dotted) }
    return try DataFile(path: usual, hint: DataFile.exists(usual + ".gz") ? "unpack \(usual).gz first" : nil)
  }

  /// The sizes behind a magic number that says "unsigned bytes, so many dimensions".
  private static func header(of file: borrowing DataFile, dimensions: Int) throws(DatasetError) -> [Int] {
    let headerByteCount = 4 + 4 * dimensions
    let kind = dimensions == 1 ? "an idx file of labels" : "an idx file of images"
    guard file.byteCount >= headerByteCount else {
      throw .wrongSize(path: file.path, expected: headerByteCount, found: file.byteCount)
    }
    let bytes = try file.bytes(0..<headerByteCount)
    func bigEndian(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
    let magic = 0x800 + dimensions
    guard bigEndian(0) == magic else {
      try FileSignature.requireNone(
        in: file, expected: "\(kind) (bytes, \(dimensions) dimension\(dimensions == 1 ? "" : "s"))")
      throw .wrongContent(
        path: file.path, offset: 0, expected: "the magic number \(magic)", found: "\(bigEndian(0))")
    }
    return (1...dimensions).map { bigEndian(4 * $0) }
  }
}
