internal import Base

/// Random changes of training images.
package struct Augmentation: Hashable, Sendable {
  /// Pixels of zero padding on each side before a crop back to size; 0 for none.
  package let padCrop: Int
  /// Mirror every other image, left to right.
  package let flipHorizontal: Bool

  /// Side of a square that is left at the mean (DeVries and Taylor: Cutout, 2017); its middle may be any pixel, and what
  /// lies outside the image is cut off. 0 for none.
  package let cutout: Int

  package static let none = Augmentation(padCrop: 0, flipHorizontal: false)

  /// - Precondition: 0 <= `padCrop`, `cutout` < 2^31.
  package init(padCrop: Int, flipHorizontal: Bool, cutout: Int = 0) {
    precondition(padCrop >= 0 && padCrop < 1 << 31, "the spec's decoder takes paddings from 0")
    precondition(cutout >= 0 && cutout < 1 << 31, "the spec's decoder takes sides from 0")
    self.padCrop = padCrop
    self.flipHorizontal = flipHorizontal
    self.cutout = cutout
  }
}

/// Makes a network's input of an image: divided by the largest pixel value, padded with zeros and cropped, flipped, then
/// normalised (so that padding becomes `-mean / standardDeviation`), as `[height, width, channels]` floats.
///
/// Every draw is keyed by (seed, epoch, image), so any number of workers may prepare any images in any order.
package struct ImagePreparer: Sendable {
  package let dataset: Dataset
  package let augmentation: Augmentation
  package let normalization: Normalization
  package let seed: UInt64

  /// The normalised value of each byte, 256 a channel; empty where pixels are no bytes.
  private let table: [Float]
  /// The normalised zero, one a channel.
  private let padding: [Float]

  /// - Parameters:
  ///   - normalization: nil for the source's own; one mean and deviation a channel, or the initializer traps.
  ///   - seed: of the augmentation.
  package init(
    dataset: Dataset, augmentation: Augmentation = .none, normalization: Normalization? = nil, seed: UInt64
  ) {
    let normalization = normalization ?? dataset.facts.normalization
    precondition(
      normalization.mean.count == dataset.imageShape.channels,
      "lowering checks one mean and deviation a channel")
    self.dataset = dataset
    self.augmentation = augmentation
    self.normalization = normalization
    self.seed = seed
    self.padding = zip(normalization.mean, normalization.standardDeviation).map { (0 - $0) / $1 }
    var table: [Float] = []
    if case .uint8(let largest) = dataset.storage.format {
      for (mean, deviation) in zip(normalization.mean, normalization.standardDeviation) {
        for byte in 0..<256 { table.append((Float(byte) / Float(largest) - mean) / deviation) }
      }
    }
    self.table = table
  }

  /// Writes image `index` of a part to `target`, `[height, width, channels]`.
  ///
  /// - Parameter epoch: draws the augmentation of a training image; nil leaves it as it is. Test images are never
  ///   augmented.
  /// - Parameter worker: of those that prepare at the same time, from 0; no two calls of one may overlap.
  /// - Returns: the label.
  /// - Precondition: `index` is in the part, and `target` has exactly the image's `elementCount` numbers.
  /// - Complexity: about 1 ns a number from bytes, 7 ns from `synthetic`; allocates nothing.
  @discardableResult
  package func prepare(
    _ split: DatasetSplit, index: Int, epoch: Int?, worker: Int = 0,
    into target: UnsafeMutableBufferPointer<Float>
  ) -> Int32 {
    let shape = dataset.imageShape
    precondition(target.count == shape.elementCount, "an image's place has its size")
    let label = dataset.label(split, index)
    let random =
      split == .train ? epoch.map { CounterRandom(seed: seed, purpose: .augmentation, $0, index) } : nil
    let crop = random.map(draw) ?? .identity
    guard let base = target.baseAddress else { return label }
    let rowCount = shape.width * shape.channels
    let pixels: UnsafeRawBufferPointer
    switch dataset.storage {
    case .stored(let images): unsafe pixels = images.pixels(split, index)
    case .streamed(let images): unsafe pixels = images.pixels(split, index, worker: worker)
    case .folder(let images): unsafe pixels = images.pixels(split, index, random: random, worker: worker)
    case .synthetic: unsafe pixels = UnsafeRawBufferPointer(start: nil, count: 0)
    }
    for row in 0..<shape.height {
      let place = unsafe UnsafeMutableBufferPointer(start: base + row * rowCount, count: rowCount)
      let sourceRow = row + crop.down
      if sourceRow < 0 || sourceRow >= shape.height {
        unsafe pad(place, columns: 0..<shape.width)
        continue
      }
      switch dataset.storage {
      case .stored(let images):
        unsafe copyRow(
          pixels, format: images.format, order: images.order, row: sourceRow, crop: crop, into: place)
      case .streamed(let images):
        unsafe copyRow(
          pixels, format: images.format, order: images.order, row: sourceRow, crop: crop, into: place)
      case .folder:
        unsafe copyRow(
          pixels, format: .uint8(largest: 255), order: .interleaved, row: sourceRow, crop: crop, into: place)
      case .synthetic(let images):
        unsafe images.fillRow(split, index, row: sourceRow, into: place)
        unsafe rearrange(place, crop: crop)
      }
    }
    if let random, augmentation.cutout > 0 { unsafe cutOut(random, base) }
    return label
  }

  /// Leaves a square at the mean, which normalisation makes zero.
  private func cutOut(_ random: CounterRandom, _ image: UnsafeMutablePointer<Float>) {
    let shape = dataset.imageShape
    let side = augmentation.cutout
    let top = random.integer(at: 3, below: shape.height) - side / 2
    let left = random.integer(at: 4, below: shape.width) - side / 2
    let columns = max(0, left)..<min(shape.width, left + side)
    for row in max(0, top)..<min(shape.height, top + side) {
      for column in columns {
        let pixel = unsafe image + (row * shape.width + column) * shape.channels
        for channel in 0..<shape.channels { unsafe pixel[channel] = 0 }
      }
    }
  }

  /// Where a crop begins, and whether it is mirrored: pixel (y, x) comes from (y + down, x + right) of the image,
  /// or, mirrored, from (y + down, width - 1 - x + right).
  private struct Crop {
    var down, right: Int
    var isFlipped: Bool

    static let identity = Crop(down: 0, right: 0, isFlipped: false)

    /// The columns of a row of `width` that come from inside the image.
    func columns(width: Int) -> Range<Int> {
      let shift = isFlipped ? -right : right
      let begin = min(max(0, -shift), width)
      return begin..<max(begin, min(width, width - shift))
    }
  }

  private func draw(_ random: CounterRandom) -> Crop {
    guard augmentation != .none else { return .identity }
    let offsets = 2 * augmentation.padCrop + 1
    return Crop(
      down: random.integer(at: 0, below: offsets) - augmentation.padCrop,
      right: random.integer(at: 1, below: offsets) - augmentation.padCrop,
      isFlipped: augmentation.flipHorizontal && random.integer(at: 2, below: 2) == 1)
  }

  private func pad(_ row: UnsafeMutableBufferPointer<Float>, columns: Range<Int>) {
    let channels = padding.count
    for x in columns {
      for channel in 0..<channels { unsafe row[x &* channels &+ channel] = padding[channel] }
    }
  }

  // MARK: - Stored images

  private func copyRow(
    _ pixels: UnsafeRawBufferPointer, format: PixelFormat, order: PixelOrder, row: Int, crop: Crop,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    let shape = dataset.imageShape
    let columns = crop.columns(width: shape.width)
    unsafe pad(target, columns: 0..<columns.lowerBound)
    unsafe pad(target, columns: columns.upperBound..<shape.width)
    guard !columns.isEmpty, let source = pixels.baseAddress, let target = target.baseAddress else { return }
    let x = columns.lowerBound
    let firstColumn = (crop.isFlipped ? shape.width - 1 - x : x) + crop.right
    for channel in 0..<shape.channels {
      let first: Int
      let columnStride: Int
      switch order {
      case .planar:
        first = (channel * shape.height + row) * shape.width + firstColumn
        columnStride = 1
      case .interleaved:
        first = (row * shape.width + firstColumn) * shape.channels + channel
        columnStride = shape.channels
      }
      let run = unsafe Run(
        target: target + (x * shape.channels + channel), targetStride: shape.channels, count: columns.count,
        sourceStride: crop.isFlipped ? -columnStride : columnStride)
      switch format {
      case .uint8:
        unsafe table.withUnsafeBufferPointer { table in
          guard let table = table.baseAddress else { return }
          unsafe run.copy(
            from: source.assumingMemoryBound(to: UInt8.self) + first, through: table + 256 * channel)
        }
      case .float32:
        unsafe run.copy(
          from: source.assumingMemoryBound(to: Float.self) + first, mean: normalization.mean[channel],
          deviation: normalization.standardDeviation[channel])
      }
    }
  }

  /// One channel of the columns of a row that come from inside the image.
  @unsafe private struct Run {
    let target: UnsafeMutablePointer<Float>
    let targetStride, count: Int
    /// Negative in a mirrored row.
    let sourceStride: Int

    @inline(__always)
    func copy(from source: UnsafePointer<UInt8>, through table: UnsafePointer<Float>) {
      for i in unsafe 0..<count { unsafe target[i &* targetStride] = table[Int(source[i &* sourceStride])] }
    }

    @inline(__always)
    func copy(from source: UnsafePointer<Float>, mean: Float, deviation: Float) {
      for i in unsafe 0..<count {
        unsafe target[i &* targetStride] = (source[i &* sourceStride] - mean) / deviation
      }
    }
  }

  // MARK: - Synthetic images

  /// Crops, mirrors and normalises a whole row in place.
  private func rearrange(_ row: UnsafeMutableBufferPointer<Float>, crop: Crop) {
    let channels = padding.count
    let width = row.count / channels
    let isCropped = crop.right != 0
    if crop.isFlipped {
      for x in 0..<width / 2 {
        for channel in 0..<channels {
          unsafe row.swapAt(x &* channels &+ channel, (width &- 1 &- x) &* channels &+ channel)
        }
      }
    }
    let columns = crop.columns(width: width)
    if isCropped, !columns.isEmpty, let base = row.baseAddress {
      let from = columns.lowerBound + (crop.isFlipped ? -crop.right : crop.right)
      // The regions may overlap; `update` moves as if through a copy.
      unsafe (base + columns.lowerBound * channels).update(
        from: base + from * channels, count: columns.count * channels)
    }
    if normalization.mean.contains(where: { $0 != 0 })
      || normalization.standardDeviation.contains(where: { $0 != 1 })
    {
      for x in columns {
        for channel in 0..<channels {
          let number = unsafe row[x &* channels &+ channel]
          unsafe row[x &* channels &+ channel] =
            (number - normalization.mean[channel]) / normalization.standardDeviation[channel]
        }
      }
    }
    unsafe pad(row, columns: 0..<columns.lowerBound)
    unsafe pad(row, columns: columns.upperBound..<width)
  }
}

extension Dataset.Storage {
  /// Nil for images that are made up.
  fileprivate var format: PixelFormat? {
    switch self {
    case .stored(let images): images.format
    case .streamed(let images): images.format
    case .folder: .uint8(largest: 255)
    case .synthetic: nil
    }
  }
}
