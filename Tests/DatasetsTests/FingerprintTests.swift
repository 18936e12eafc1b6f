import Datasets
import Testing

@Suite struct FingerprintTests {
  private func folder(changing byte: Int? = nil, firstLabel: Int64 = 0) -> TemporaryFolder {
    let folder = TemporaryFolder()
    for (part, count, seed) in [("train", 300, 1), ("test", 20, 2)] {
      var pixels = noiseBytes(count * 4, seed: UInt64(seed))
      if part == "train", let byte { pixels[byte] ^= 1 }
      folder.write("\(part)_images.npy", npy(type: "|u1", shape: [count, 2, 2], data: pixels))
      let labels = [firstLabel] + (1..<count).map { Int64($0 % 7) }
      folder.write("\(part)_labels.npy", npy(type: "<i8", shape: [count], data: littleEndianBytes(labels)))
    }
    return folder
  }

  @Test func isTheSameFromFilesAndFromMemoryAndWhateverTheFolderIsCalled() throws {
    let a = folder()
    let b = folder()
    let loaded = try Dataset(.npy(folder: a.path)).fingerprint
    #expect(loaded == (try Dataset.fingerprint(of: .npy(folder: a.path))))
    #expect(loaded == (try Dataset.fingerprint(of: .npy(folder: b.path))))
    #expect(loaded.count == 64)
  }

  @Test func everyPixelAndTheOrderMatter() throws {
    let unchanged = folder()
    let usual = try Dataset.fingerprint(of: .npy(folder: unchanged.path))
    // Of 300 images of four bytes; the others are those that a sample of 256 would leave out.
    for byte in [0, 3, 6 * 4 + 1, 7 * 4, 13 * 4 + 2, 150 * 4, 299 * 4 + 3] {
      let changed = folder(changing: byte)
      #expect(try Dataset.fingerprint(of: .npy(folder: changed.path)) != usual, "byte \(byte)")
    }
    let swapped = folder()
    var pixels = noiseBytes(1200, seed: 1)
    for byte in 0..<4 { pixels.swapAt(20 * 4 + byte, 27 * 4 + byte) }
    swapped.write("train_images.npy", npy(type: "|u1", shape: [300, 2, 2], data: pixels))
    #expect(try Dataset.fingerprint(of: .npy(folder: swapped.path)) != usual)
  }

  @Test func pixelsLabelsCountsAndSeedsMatter() throws {
    let folder = folder()
    let changed = self.folder(changing: 0)
    let source = DatasetSource.npy(folder: folder.path)
    let usual = try Dataset.fingerprint(of: source)
    #expect(usual != (try Dataset.fingerprint(of: .npy(folder: changed.path))))
    #expect(usual != (try Dataset.fingerprint(of: source, limit: DatasetLimit(train: 299))))
    #expect(usual != (try Dataset.fingerprint(of: source, limit: DatasetLimit(test: 19))))
    let changedLate = self.folder(changing: 298 * 4)
    #expect(usual != (try Dataset.fingerprint(of: .npy(folder: changedLate.path))))
    let relabelled = self.folder(firstLabel: 1)
    #expect(usual != (try Dataset.fingerprint(of: .npy(folder: relabelled.path))))
    let shape = ImageDimensions(channels: 3, height: 8, width: 8)
    let one = DatasetSource.synthetic(SyntheticImages(dimensions: shape, classCount: 10, seed: 1))
    let two = DatasetSource.synthetic(SyntheticImages(dimensions: shape, classCount: 10, seed: 2))
    #expect(try Dataset.fingerprint(of: one) != Dataset.fingerprint(of: two))
    #expect(try Dataset.fingerprint(of: .digits) == Dataset(.digits).fingerprint)
  }

  @Test func recordsWithTheirLabelsInside() throws {
    let folder = TemporaryFolder()
    for file in 1...5 {
      folder.write(
        "data_batch_\(file).bin", [(3_073 * 7, [UInt8(file)] + noiseBytes(3_072, seed: 9))],
        byteCount: 30_730_000)
    }
    folder.write("test_batch.bin", [], byteCount: 30_730_000)
    let limit = DatasetLimit(train: 10_200, test: 10)
    let source = DatasetSource.cifar10(folder: folder.path)
    #expect(try Dataset(source, limit: limit).fingerprint == Dataset.fingerprint(of: source, limit: limit))
  }
}
