/// Pictures that NumPy saved: `train_images.npy`, `train_labels.npy`, `test_images.npy`, `test_labels.npy`.
///
/// Pictures are `|u1` (divided by 255) or `<f4` (taken as they are), of shape (n, height, width), (n, channels, height,
/// width) or (n, height, width, channels). Which of the last two it is, the shape says: two equal sizes side by side are
/// height and width; if no two are equal, the smaller of the outer sizes is the channels. A shape that does not say is a
/// fault. Labels are `|u1`, `<i4` or `<i8`, of shape (n) or (n, 1); there are as many classes as the largest says.
enum NPY {
  static func layout(folder: String, limit: DatasetLimit) throws(DatasetError) -> RecordLayout {
    let train = try split(folder: folder, name: "train", limit: limit.train)
    let test = try split(folder: folder, name: "test", limit: limit.test)
    guard train.picture == test.picture, train.format == test.format, train.order == test.order else {
      throw .mismatch(
        path: test.records.files[0].path, expected: "pictures of the training pictures' shape and type",
        found: "others")
    }
    let channels = train.picture.channels
    let normalization =
      switch train.format {
      case .uint8: Normalization(mean: 0.5, standardDeviation: 0.25, channels: channels)
      case .float32: Normalization(mean: 0, standardDeviation: 1, channels: channels)
      }
    return RecordLayout(
      facts: DatasetFacts(
        pictureShape: train.picture, classCount: max(train.largestLabel, test.largestLabel) + 1,
        trainCount: train.records.count, testCount: test.records.count, availableTrainCount: train.available,
        availableTestCount: test.available,
        residentByteCount: train.records.residentByteCount + test.records.residentByteCount, classNames: nil,
        normalization: normalization),
      pixelFormat: train.format, pixelOrder: train.order, train: train.records, test: test.records)
  }

  private struct Split {
    var picture: PictureDimensions
    var format: PixelFormat
    var order: PixelOrder
    var records: SplitRecords
    var available: Int
    var largestLabel: Int
  }

  private static func split(folder: String, name: String, limit: Int?) throws(DatasetError) -> Split {
    let images = try DataFile(path: "\(folder)/\(name)_images.npy")
    let header = try NPYHeader(file: images)
    let format: PixelFormat
    switch header.type {
    case "|u1": format = .uint8(largest: 255)
    case "<f4": format = .float32
    default:
      throw .mismatch(path: images.path, expected: "numbers of type |u1 or <f4", found: header.type)
    }
    let (picture, order) = try pictureLayout(header.shape, path: images.path)
    let count = header.shape[0]
    // None is zero, so where the product of all fits, that of fewer does.
    guard
      let byteCount = checkedProduct(
        count, picture.channels, picture.height, picture.width, format.byteCount),
      byteCount <= Int.max - header.dataOffset
    else {
      throw .mismatch(path: images.path, expected: "a shape that fits 63 bits", found: text(header.shape))
    }
    try images.requireByteCount(header.dataOffset + byteCount)

    let labels = try DataFile(path: "\(folder)/\(name)_labels.npy")
    let labelHeader = try NPYHeader(file: labels)
    let labelType: LabelType
    switch labelHeader.type {
    case "|u1": labelType = .uint8
    case "<i4": labelType = .int32
    case "<i8": labelType = .int64
    default:
      throw .mismatch(path: labels.path, expected: "numbers of type |u1, <i4 or <i8", found: labelHeader.type)
    }
    guard labelHeader.shape == [count] || labelHeader.shape == [count, 1] else {
      throw .mismatch(
        path: labels.path, expected: "shape (\(count)), one label a picture of \(images.path)",
        found: text(labelHeader.shape))
    }
    // A file holds `count` pictures of a byte at least, and none is longer than 2^60 bytes.
    try labels.requireByteCount(labelHeader.dataOffset + count * labelType.byteCount)

    let kept = min(limit ?? .max, count)
    return Split(
      picture: picture, format: format, order: order,
      records: SplitRecords(
        files: [
          RecordFile(
            path: images.path, fileByteCount: images.byteCount, offset: header.dataOffset, recordCount: kept)
        ],
        recordByteCount: picture.elementCount * format.byteCount, pixelOffset: 0,
        labels: .separate(
          RecordFile(
            path: labels.path, fileByteCount: labels.byteCount, offset: labelHeader.dataOffset,
            recordCount: kept),
          labelType)),
      available: count,
      largestLabel: try LabelReader.largest(
        in: labels, at: labelHeader.dataOffset, count: count, type: labelType))
  }

  private static func pictureLayout(
    _ shape: [Int], path: String
  ) throws(DatasetError) -> (PictureDimensions, PixelOrder) {
    guard shape.count == 3 || shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
      throw .mismatch(
        path: path, expected: "a shape of 3 or 4 sizes, none of them 0", found: text(shape))
    }
    if shape.count == 3 {
      return (PictureDimensions(channels: 1, height: shape[1], width: shape[2]), .planar)
    }
    let (a, b, c) = (shape[1], shape[2], shape[3])
    let planar = (PictureDimensions(channels: a, height: b, width: c), PixelOrder.planar)
    let interleaved = (PictureDimensions(channels: c, height: a, width: b), PixelOrder.interleaved)
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
