import Datasets
import Dispatch
import Testing

@Suite struct ImagePreparerTests {
  private static let shape = ImageDimensions(channels: 3, height: 6, width: 5)
  private static let normalization = Normalization(mean: [0.2, 0.4, 0.6], standardDeviation: [0.5, 0.25, 2])

  /// Eight images of noise, bytes or floats, channels first or last.
  private func dataset(type: String, isPlanar: Bool) throws -> Dataset {
    let folder = TemporaryFolder()
    let shape = isPlanar ? [8, 3, 6, 5] : [8, 6, 5, 3]
    let bytes = noiseBytes(8 * 90, seed: 7)
    let data = type == "|u1" ? bytes : littleEndianBytes(bytes.map { Float($0) / 255 })
    for part in ["train", "test"] {
      folder.write("\(part)_images.npy", npy(type: type, shape: shape, data: data))
      folder.write("\(part)_labels.npy", npy(type: "|u1", shape: [8], data: [0, 1, 2, 3, 4, 5, 6, 7]))
    }
    return try Dataset(.npy(folder: folder.path))
  }

  /// The definition, step by step: pad with zeros, crop, flip, normalise.
  private func reference(
    _ image: [Float], padding: Int, down: Int, right: Int, isFlipped: Bool, shape: ImageDimensions,
    normalization: Normalization
  ) -> [Float] {
    let (channels, height, width) = (shape.channels, shape.height, shape.width)
    let paddedWidth = width + 2 * padding
    var padded = [Float](repeating: 0, count: (height + 2 * padding) * paddedWidth * channels)
    for y in 0..<height {
      for i in 0..<width * channels {
        padded[((y + padding) * paddedWidth + padding) * channels + i] = image[y * width * channels + i]
      }
    }
    var result: [Float] = []
    for y in 0..<height {
      for x in 0..<width {
        let column = isFlipped ? width - 1 - x : x
        for c in 0..<channels {
          let number = padded[((y + down) * paddedWidth + column + right) * channels + c]
          result.append((number - normalization.mean[c]) / normalization.standardDeviation[c])
        }
      }
    }
    return result
  }

  /// Every training image of 40 epochs is one of the crops the definition allows; all of them come up.
  private func checkAugmentation(of dataset: Dataset, padding: Int, flip: Bool, epochs: Int) {
    let plain = ImagePreparer(
      dataset: dataset,
      normalization: Normalization(mean: 0, standardDeviation: 1, channels: dataset.imageShape.channels),
      seed: 3)
    let augmented = ImagePreparer(
      dataset: dataset, augmentation: Augmentation(padCrop: padding, flipHorizontal: flip),
      normalization: Self.normalization, seed: 3)
    var seen: Set<[Int]> = []
    var cropCount = 0
    for index in 0..<min(8, dataset.trainCount) {
      let original = plain.image(.train, index).numbers
      var allowed: [[Float]: [Int]] = [:]
      for down in 0...2 * padding {
        for right in 0...2 * padding {
          for isFlipped in flip ? [false, true] : [false] {
            let crop = reference(
              original, padding: padding, down: down, right: right, isFlipped: isFlipped,
              shape: dataset.imageShape, normalization: Self.normalization)
            allowed[crop] = [down, right, isFlipped ? 1 : 0]
          }
        }
      }
      cropCount = allowed.count
      for epoch in 1...epochs {
        let crop = allowed[augmented.image(.train, index, epoch: epoch).numbers]
        #expect(crop != nil)
        if let crop { seen.insert(crop) }
      }
      // As it is, but for the normalisation: a training image without an epoch, and every test image.
      let untouched = reference(
        original, padding: 0, down: 0, right: 0, isFlipped: false, shape: dataset.imageShape,
        normalization: Self.normalization)
      #expect(augmented.image(.train, index).numbers == untouched)
    }
    // Paddings beyond the image give the same empty crop many times.
    #expect(seen.count == cropCount && cropCount > 1)
  }

  @Test(arguments: [("|u1", true), ("|u1", false), ("<f4", true), ("<f4", false)])
  func augmentsAsDefined(type: String, isPlanar: Bool) throws {
    let dataset = try dataset(type: type, isPlanar: isPlanar)
    checkAugmentation(of: dataset, padding: 2, flip: true, epochs: 60)
    checkAugmentation(of: dataset, padding: 0, flip: true, epochs: 10)
    checkAugmentation(of: dataset, padding: 1, flip: false, epochs: 20)
  }

  @Test func paddingMayExceedTheImage() throws {
    checkAugmentation(of: try dataset(type: "|u1", isPlanar: true), padding: 7, flip: false, epochs: 400)
  }

  @Test func augmentsSyntheticImagesAsDefined() throws {
    let source = SyntheticImages(dimensions: Self.shape, classCount: 4, seed: 5)
    let dataset = try Dataset(.synthetic(source))
    checkAugmentation(of: dataset, padding: 2, flip: true, epochs: 60)
    checkAugmentation(of: dataset, padding: 7, flip: false, epochs: 400)
  }

  @Test func testImagesAreNeverAugmented() throws {
    let dataset = try dataset(type: "|u1", isPlanar: true)
    let preparer = ImagePreparer(
      dataset: dataset, augmentation: Augmentation(padCrop: 2, flipHorizontal: true), seed: 3)
    for epoch in 1...20 {
      #expect(preparer.image(.test, 1, epoch: epoch).numbers == preparer.image(.test, 1).numbers)
    }
  }

  @Test func offsetsAndFlipsAreUniformAndKeyed() throws {
    let dataset = try dataset(type: "|u1", isPlanar: true)
    func orders(seed: UInt64, epoch: Int) -> [[Float]] {
      let preparer = ImagePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 2, flipHorizontal: true), seed: seed)
      return (0..<8).map { preparer.image(.train, $0, epoch: epoch).numbers }
    }
    #expect(orders(seed: 1, epoch: 1) == orders(seed: 1, epoch: 1))
    #expect(orders(seed: 1, epoch: 1) != orders(seed: 1, epoch: 2))
    #expect(orders(seed: 1, epoch: 1) != orders(seed: 2, epoch: 1))

    let flips = ImagePreparer(
      dataset: dataset, augmentation: Augmentation(padCrop: 0, flipHorizontal: true), seed: 9)
    let upright = flips.image(.train, 0).numbers
    let count = (1...4_000).count { flips.image(.train, 0, epoch: $0).numbers != upright }
    #expect(abs(count - 2_000) < 5 * 32)
  }

  @Test func workersAtOnceGiveTheSameBits() throws {
    let source = SyntheticImages(dimensions: Self.shape, classCount: 4, seed: 5)
    for dataset in [try Dataset(.synthetic(source)), try dataset(type: "|u1", isPlanar: false)] {
      let preparer = ImagePreparer(
        dataset: dataset, augmentation: Augmentation(padCrop: 2, flipHorizontal: true), seed: 3)
      let size = Self.shape.elementCount
      let expected = (0..<64).flatMap { preparer.image(.train, $0 % 8, epoch: $0).numbers }
      var batch = [Float](repeating: .nan, count: 64 * size)
      batch.withUnsafeMutableBufferPointer { batch in
        nonisolated(unsafe) let batch = batch
        DispatchQueue.concurrentPerform(iterations: 64) { i in
          preparer.prepare(
            .train, index: i % 8, epoch: i,
            into: UnsafeMutableBufferPointer(rebasing: batch[i * size..<(i + 1) * size]))
        }
      }
      #expect(batch.map(\.bitPattern) == expected.map(\.bitPattern))
    }
  }

  @Test func wrongSizesAndIndicesTrap() async {
    await #expect(processExitsWith: .failure) {
      let preparer = ImagePreparer(dataset: try Dataset(.digits), seed: 1)
      var short = [Float](repeating: 0, count: 63)
      short.withUnsafeMutableBufferPointer { _ = preparer.prepare(.train, index: 0, epoch: nil, into: $0) }
    }
    await #expect(processExitsWith: .failure) {
      _ = ImagePreparer(dataset: try Dataset(.digits), seed: 1).image(.test, 360)
    }
    await #expect(processExitsWith: .failure) {
      let normalization = Normalization(mean: 0, standardDeviation: 1, channels: 3)
      _ = ImagePreparer(dataset: try Dataset(.digits), normalization: normalization, seed: 1)
    }
  }
}
