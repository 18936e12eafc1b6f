/// The digits that are built in: 1,797 images of 8x8 pixels from 0 to 16, the test part of the UCI set "Optical
/// Recognition of Handwritten Digits" (Alpaydin, Kaynak, 1998, doi:10.24432/C50P49), licensed under CC BY 4.0, in
/// the order in which scikit-learn ships them.
///
/// Every fifth image, beginning with the first, is a test image: 360; the other 1,437 are for training.
enum Digits {
  private static let imageCount = 1_797
  private static let pixelCount = 64
  /// 64 pixels of 5 bits.
  private static let packedByteCount = 40
  static let largestPixel = 16

  static func facts(limit: DatasetLimit) -> DatasetFacts {
    let test = (imageCount + 4) / 5
    let trainCount = min(limit.train ?? .max, imageCount - test)
    let testCount = min(limit.test ?? .max, test)
    return DatasetFacts(
      imageShape: ImageDimensions(channels: 1, height: 8, width: 8), classCount: 10,
      trainCount: trainCount,
      testCount: testCount, availableTrainCount: imageCount - test, availableTestCount: test,
      residentByteCount: (trainCount + testCount) * (pixelCount + 1), classNames: (0..<10).map { "\($0)" },
      // Of the 1,437 training images.
      normalization: Normalization(mean: 0.305215, standardDeviation: 0.376322, channels: 1), pixelScale: 16)
  }

  /// Where an image of a part stands among the 1,797.
  private static func place(_ split: DatasetSplit, _ index: Int) -> Int {
    switch split {
    case .train: index + index / 4 + 1
    case .test: 5 * index
    }
  }

  /// Writes image `index`: 64 bytes, row by row.
  static func unpackPixels(_ split: DatasetSplit, _ index: Int, into target: UnsafeMutableRawBufferPointer) {
    let packed = PackageResources.digits_bin
    let start = place(split, index) * packedByteCount
    // Eight pixels are five bytes.
    for row in 0..<8 {
      var bits: UInt64 = 0
      for byte in 0..<5 { bits |= UInt64(packed[start + 5 * row + byte]) << UInt64(8 * byte) }
      for column in 0..<8 { unsafe target[8 * row + column] = UInt8(bits >> UInt64(5 * column) & 31) }
    }
  }

  static func label(_ split: DatasetSplit, _ index: Int) -> UInt8 {
    let place = place(split, index)
    let pair = PackageResources.digits_bin[imageCount * packedByteCount + place / 2]
    return place % 2 == 0 ? pair & 15 : pair >> 4
  }
}
