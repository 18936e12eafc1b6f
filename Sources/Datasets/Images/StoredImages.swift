/// Where a part's images and labels lie in a data set's block.
struct StoredSplit: Hashable, Sendable {
  var count: Int
  /// Of the first image's pixels, in bytes from the block's begin; images are `recordStride` apart.
  var pixelStart, recordStride: Int
  var labelStart, labelStride: Int
  /// 1 or 4.
  var labelByteCount: Int
}

/// Images and labels in one block, and how to find them.
@safe struct StoredImages: Sendable {
  let block: ByteBlock
  let format: PixelFormat
  let order: PixelOrder
  let imageByteCount: Int
  let train, test: StoredSplit

  /// The digits, unpacked: all training images, all test images, then the labels in the same order.
  init(digits facts: DatasetFacts) throws(DatasetError) {
    let image = facts.imageShape.elementCount
    let (train, test) = (facts.trainCount, facts.testCount)
    let labels = (train + test) * image
    self.block = try ByteBlock(byteCount: facts.residentByteCount)
    self.format = .uint8(largest: Digits.largestPixel)
    self.order = .planar
    self.imageByteCount = image
    self.train = StoredSplit(
      count: train, pixelStart: 0, recordStride: image, labelStart: labels, labelStride: 1,
      labelByteCount: 1)
    self.test = StoredSplit(
      count: test, pixelStart: train * image, recordStride: image, labelStart: labels + train,
      labelStride: 1,
      labelByteCount: 1)
    for split in DatasetSplit.allCases {
      let place = self[split]
      for index in 0..<place.count {
        let start = place.pixelStart + index * image
        unsafe Digits.unpackPixels(
          split, index, into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[start..<start + image]))
        unsafe block.bytes[place.labelStart + index] = Digits.label(split, index)
      }
    }
  }

  init(
    block: ByteBlock, format: PixelFormat, order: PixelOrder, imageByteCount: Int, train: StoredSplit,
    test: StoredSplit
  ) {
    self.block = block
    self.format = format
    self.order = order
    self.imageByteCount = imageByteCount
    self.train = train
    self.test = test
  }

  subscript(split: DatasetSplit) -> StoredSplit {
    switch split {
    case .train: train
    case .test: test
    }
  }

  /// The numbers of an image as the file has them. Valid while `block` lives.
  @unsafe func pixels(_ split: DatasetSplit, _ index: Int) -> UnsafeRawBufferPointer {
    let place = self[split]
    precondition(index >= 0 && index < place.count, "no such image")
    let start = place.pixelStart + index * place.recordStride
    return unsafe UnsafeRawBufferPointer(rebasing: block.bytes[start..<start + imageByteCount])
  }

  func label(_ split: DatasetSplit, _ index: Int) -> Int32 {
    let place = self[split]
    precondition(index >= 0 && index < place.count, "no such image")
    let offset = place.labelStart + index * place.labelStride
    if place.labelByteCount == 1 { return Int32(unsafe block.bytes[offset]) }
    return unsafe block.bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
  }
}
