/// Images that NumPy saved: `train_images.npy`, `train_labels.npy`, `test_images.npy`, `test_labels.npy`.
///
/// Images are `|u1` (divided by 255) or `<f4` (taken as they are), of shape (n, height, width), (n, channels, height,
/// width) or (n, height, width, channels). Which of the last two it is, the shape says: two equal sizes side by side are
/// height and width; if no two are equal, the smaller of the outer sizes is the channels. A shape that does not say is a
/// fault. Labels are `|u1`, `<i4` or `<i8`, of shape (n) or (n, 1); there are as many classes as the largest says.
enum NPY {
  static func layout(folder: String, limit: DatasetLimit) throws(DatasetError) -> RecordLayout {
    let (train, test) = try DatasetError.both(
      { () throws(DatasetError) in try split(folder: folder, name: "train", limit: limit.train) },
      { () throws(DatasetError) in try split(folder: folder, name: "test", limit: limit.test) })
    guard train.image == test.image, train.format == test.format, train.order == test.order else {
      throw .mismatch(
        path: test.records.files[0].path,
        expected: "images like those of \(train.records.files[0].path), which are \(train.words)",
        found: test.words)
    }
    let channels = train.image.channels
    let (normalization, pixelScale) =
      switch train.format {
      case .uint8(let largest):
        (Normalization(mean: 0.5, standardDeviation: 0.25, channels: channels), largest)
      case .float32: (Normalization(mean: 0, standardDeviation: 1, channels: channels), 1)
      }
    return RecordLayout(
      facts: DatasetFacts(
        imageShape: train.image, classCount: max(train.largestLabel, test.largestLabel) + 1,
        trainCount: train.records.count, testCount: test.records.count, availableTrainCount: train.available,
        availableTestCount: test.available,
        residentByteCount: train.records.residentByteCount + test.records.residentByteCount, classNames: nil,
        normalization: normalization, pixelScale: pixelScale),
      pixelFormat: train.format, pixelOrder: train.order, train: train.records, test: test.records)
  }

  private struct Split {
    /// As the header states them.
    var shape: [Int]
    var type: String
    var image: ImageDimensions
    var format: PixelFormat
    var order: PixelOrder
    var records: SplitRecords
    var available: Int
    var largestLabel: Int

    /// `3x8x8 (array (400, 3, 8, 8) of <f4: channels, height, width)`.
    var words: String {
      let axes =
        shape.count == 3
        ? "height, width" : order == .planar ? "channels, height, width" : "height, width, channels"
      return
        "\(image.channels)x\(image.height)x\(image.width) (array \(NPY.text(shape)) of \(type): images of \(axes))"
    }
  }

  struct Images {
    var shape: [Int]
    var type: String
    var image: ImageDimensions
    var format: PixelFormat
    var order: PixelOrder
    /// With all of its images.
    var file: RecordFile
  }

  struct Labels {
    var type: LabelType
    /// With all of its labels.
    var file: RecordFile
    var largest: Int
  }

  private static func split(folder: String, name: String, limit: Int?) throws(DatasetError) -> Split {
    var (images, labels) = try DatasetError.both(
      { () throws(DatasetError) in try self.images(path: "\(folder)/\(name)_images.npy") },
      { () throws(DatasetError) in try self.labels(path: "\(folder)/\(name)_labels.npy") })
    let count = images.file.recordCount
    guard labels.file.recordCount == count else {
      throw .mismatch(
        path: labels.file.path, expected: "\(count) labels, one an image of \(images.file.path)",
        found: "\(labels.file.recordCount)")
    }
    let kept = min(limit ?? .max, count)
    images.file.recordCount = kept
    labels.file.recordCount = kept
    return Split(
      shape: images.shape, type: images.type, image: images.image, format: images.format,
      order: images.order,
      records: SplitRecords(
        files: [images.file], recordByteCount: images.image.elementCount * images.format.byteCount,
        pixelOffset: 0, labels: .separate(labels.file, labels.type)),
      available: count, largestLabel: labels.largest)
  }

  static func images(path: String) throws(DatasetError) -> Images {
    let images = try DataFile(path: path)
    let header = try NPYHeader(file: images)
    let format: PixelFormat
    switch header.type {
    case "|u1": format = .uint8(largest: 255)
    case "<f4": format = .float32
    default:
      throw .mismatch(
        path: path, expected: "numbers of type |u1 or <f4",
        found: "\(header.type); save array.astype(numpy.float32)")
    }
    let (image, order) = try imageLayout(header.shape, path: path)
    let count = header.shape[0]
    // None is zero, so where the product of all fits, that of fewer does.
    guard
      let byteCount = checkedProduct(
        count, image.channels, image.height, image.width, format.byteCount),
      byteCount <= Int.max - header.dataOffset
    else {
      throw .mismatch(path: path, expected: "a shape that fits 63 bits", found: text(header.shape))
    }
    try images.requireByteCount(header.dataOffset + byteCount)
    return Images(
      shape: header.shape, type: header.type, image: image, format: format, order: order,
      file: RecordFile(
        path: path, fileByteCount: images.byteCount, offset: header.dataOffset, recordCount: count))
  }

  static func labels(path: String) throws(DatasetError) -> Labels {
    let labels = try DataFile(path: path)
    let header = try NPYHeader(file: labels)
    let type: LabelType
    switch header.type {
    case "|u1": type = .uint8
    case "<i4": type = .int32
    case "<i8": type = .int64
    default:
      throw .mismatch(
        path: path, expected: "numbers of type |u1, <i4 or <i8",
        found: "\(header.type); save array.astype(numpy.int64)")
    }
    guard let count = header.shape.first, header.shape == [count] || header.shape == [count, 1] else {
      throw .mismatch(
        path: path, expected: "a shape (n) or (n, 1), one label an image", found: text(header.shape))
    }
    guard let byteCount = checkedProduct(count, type.byteCount), byteCount <= Int.max - header.dataOffset
    else {
      throw .mismatch(path: path, expected: "a shape that fits 63 bits", found: text(header.shape))
    }
    try labels.requireByteCount(header.dataOffset + byteCount)
    return Labels(
      type: type,
      file: RecordFile(
        path: path, fileByteCount: labels.byteCount, offset: header.dataOffset, recordCount: count),
      largest: try LabelReader.largest(in: labels, at: header.dataOffset, count: count, type: type))
  }

  private static func imageLayout(
    _ shape: [Int], path: String
  ) throws(DatasetError) -> (ImageDimensions, PixelOrder) {
    guard shape.count == 3 || shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
      throw .mismatch(
        path: path, expected: "a shape of 3 or 4 sizes, none of them 0", found: text(shape))
    }
    if shape.count == 3 {
      return (ImageDimensions(channels: 1, height: shape[1], width: shape[2]), .planar)
    }
    let (a, b, c) = (shape[1], shape[2], shape[3])
    let planar = (ImageDimensions(channels: a, height: b, width: c), PixelOrder.planar)
    let interleaved = (ImageDimensions(channels: c, height: a, width: b), PixelOrder.interleaved)
    if b == c, a != b { return planar }
    if a == b, b != c { return interleaved }
    if a < c { return planar }
    if c < a { return interleaved }
    throw .mismatch(
      path: path, expected: "a shape that tells channels from height and width", found: text(shape))
  }

  private static func text(_ shape: [Int]) -> String {
    "(" + shape.map { "\($0)" }.joined(separator: ", ") + ")"
  }
}
