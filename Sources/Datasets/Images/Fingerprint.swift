internal import Base

/// What a data set's fingerprint is made of: lowercase hexadecimal SHA-256.
///
/// Of files it covers all that a run reads: the source's name, the images' shape, how their numbers are stored, classes, counts,
/// and every label and every pixel of the images in use. Images are hashed one by one (`LaneHash`, 64 bits), and labels and hashes
/// in order by SHA-256: against damage and mistakes, not against somebody who wants two data sets to look the same.
enum Fingerprint {
  /// Of images in files.
  static func hex(source: DatasetSource, layout: RecordLayout, train: String, test: String) -> String {
    var hash = SHA256()
    hash.update(
      header(version: 2, source: source, facts: layout.facts)
        + " \(layout.pixelFormat.text) \(layout.pixelOrder.rawValue)"
        + " train \(train) test \(test)\n")
    return hash.finalize()
  }

  /// The labels and images of a split, in order.
  struct Content {
    private var hash = SHA256()

    /// - Parameter pixels: as the file has them.
    /// - Returns: the image's own checksum.
    mutating func add(label: Int32, pixels: borrowing RawSpan) -> UInt32 {
      let digest = LaneHash.hash(pixels)
      let record: InlineArray<3, UInt32> = [
        UInt32(bitPattern: label).littleEndian, UInt32(truncatingIfNeeded: digest).littleEndian,
        UInt32(truncatingIfNeeded: digest >> 32).littleEndian,
      ]
      unsafe hash.update(record.span.bytes)
      return Content.checksum(digest)
    }

    consuming func finalize() -> String { hash.finalize() }

    /// What `add` returns for the same image.
    static func checksum(of pixels: borrowing RawSpan) -> UInt32 { checksum(LaneHash.hash(pixels)) }

    private static func checksum(_ digest: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: digest) }
  }

  // MARK: - Without files

  /// Of what is built in or made up, which nobody changes by mistake: up to 256 records of each split, evenly spread.
  static func hex(
    source: DatasetSource, facts: DatasetFacts, record: (DatasetSplit, Int, inout SHA256) -> Void
  ) -> String {
    var hash = SHA256()
    hash.update(header(version: 1, source: source, facts: facts) + "\n")
    if case .synthetic(let images) = source { hash.update("seed \(images.seed)\n") }
    for split in DatasetSplit.allCases {
      let count = facts.count(split)
      let samples = min(256, count)
      for sample in 0..<samples { record(split, sample * count / samples, &hash) }
    }
    return hash.finalize()
  }

  /// A record: the label as four little-endian bytes, then the pixels.
  static func update(_ hash: inout SHA256, label: Int32, pixels: UnsafeRawBufferPointer) {
    let label: InlineArray<1, Int32> = [label.littleEndian]
    unsafe hash.update(label.span.bytes)
    let bytes = unsafe pixels.bytes
    hash.update(bytes)
  }

  private static func header(version: Int, source: DatasetSource, facts: DatasetFacts) -> String {
    let shape = facts.imageShape
    return
      "strata.data/\(version) \(source.name) \(shape.channels)x\(shape.height)x\(shape.width) classes \(facts.classCount)"
      + " train \(facts.trainCount)/\(facts.availableTrainCount)"
      + " test \(facts.testCount)/\(facts.availableTestCount)"
  }
}
