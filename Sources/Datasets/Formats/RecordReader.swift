/// Reads records from files into one block: all training records, all test records, then labels kept apart.
enum RecordReader {
  static func read(_ layout: RecordLayout) throws(DatasetError) -> StoredPictures {
    // Before any memory is asked for.
    try layout.requireFiles()
    let block = try ByteBlock(byteCount: layout.facts.residentByteCount)
    let testRecords = layout.train.recordsByteCount
    let trainLabels = testRecords + layout.test.recordsByteCount
    let testLabels = trainLabels + layout.train.labelsByteCount
    let classCount = layout.facts.classCount
    let (train, test) = try DatasetError.both(
      { () throws(DatasetError) in
        try read(layout.train, into: block, recordStart: 0, labelStart: trainLabels, classCount: classCount)
      },
      { () throws(DatasetError) in
        try read(
          layout.test, into: block, recordStart: testRecords, labelStart: testLabels, classCount: classCount)
      })
    let pictures = StoredPictures(
      block: block, format: layout.pixelFormat, order: layout.pixelOrder,
      pictureByteCount: layout.facts.pictureShape.elementCount * layout.pixelFormat.byteCount, train: train,
      test: test)
    try requireFiniteNumbers(pictures, layout)
    return pictures
  }

  private static func read(
    _ records: SplitRecords, into block: ByteBlock, recordStart: Int, labelStart: Int, classCount: Int
  ) throws(DatasetError) -> StoredSplit {
    var position = recordStart
    // The first wrong label of each file.
    var errors: [DatasetError] = []
    for record in records.files {
      let file = try DataFile(path: record.path, hint: record.hint)
      let byteCount = record.recordCount * records.recordByteCount
      try unsafe file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[position..<position + byteCount]),
        at: record.offset)
      if case .inRecord(let labelOffset) = records.labels {
        for index in 0..<record.recordCount {
          let offset = index * records.recordByteCount + labelOffset
          let label = unsafe Int(block.bytes[position + offset])
          guard label >= classCount else { continue }
          errors.append(
            .labelOutOfRange(
              path: record.path, offset: record.offset + offset, found: label, classCount: classCount))
          break
        }
      }
      position += byteCount
    }
    try DatasetError.throwIfAny(errors)
    switch records.labels {
    case .inRecord(let offset):
      return StoredSplit(
        count: records.count, pixelStart: recordStart + records.pixelOffset,
        recordStride: records.recordByteCount,
        labelStart: recordStart + offset, labelStride: records.recordByteCount, labelByteCount: 1)
    case .separate(let labels, let type):
      let file = try DataFile(path: labels.path)
      let width = type.residentByteCount
      try LabelReader.forEach(
        in: file, at: labels.offset, count: records.count, type: type, classCount: classCount
      ) { index, label in
        let offset = labelStart + index * width
        if width == 1 {
          unsafe block.bytes[offset] = UInt8(label)
        } else {
          unsafe block.bytes.storeBytes(of: Int32(label), toByteOffset: offset, as: Int32.self)
        }
      }
      return StoredSplit(
        count: records.count, pixelStart: recordStart + records.pixelOffset,
        recordStride: records.recordByteCount,
        labelStart: labelStart, labelStride: width, labelByteCount: width)
    }
  }

  /// One infinite pixel would make every weight NaN.
  private static func requireFiniteNumbers(_ pictures: StoredPictures, _ layout: RecordLayout)
    throws(DatasetError)
  {
    guard pictures.format == .float32 else { return }
    // The first of each file.
    var errors: [DatasetError] = []
    for split in DatasetSplit.allCases {
      for index in 0..<pictures[split].count {
        let numbers = unsafe pictures.pixels(split, index).assumingMemoryBound(to: Float.self)
        guard let place = unsafe numbers.firstIndex(where: { !$0.isFinite }) else { continue }
        let file = layout[split].files[0]
        errors.append(
          .wrongContent(
            path: file.path, offset: file.offset + index * pictures.pictureByteCount + 4 * place,
            expected: "a finite number", found: unsafe "\(numbers[place])"))
        break
      }
    }
    try DatasetError.throwIfAny(errors)
  }

  /// Hashes one record as `Dataset.Storage` does, from the file.
  static func hashRecord(
    _ layout: RecordLayout, _ split: DatasetSplit, _ index: Int, into hash: inout SHA256
  ) throws(DatasetError) {
    let records = layout[split]
    var place = index
    for record in records.files {
      guard place >= record.recordCount else {
        let file = try DataFile(path: record.path, hint: record.hint)
        try file.requireByteCount(record.fileByteCount)
        let start = record.offset + place * records.recordByteCount
        let bytes = try file.bytes(start..<start + records.recordByteCount)
        let label: Int
        switch records.labels {
        case .inRecord(let offset): label = Int(bytes[offset])
        case .separate(let labels, let type):
          label = try LabelReader.largest(
            in: try DataFile(path: labels.path), at: labels.offset + index * type.byteCount, count: 1,
            type: type)
        }
        unsafe bytes[records.pixelOffset...].withUnsafeBytes { pixels in
          unsafe Fingerprint.update(&hash, label: Int32(label), pixels: pixels)
        }
        return
      }
      place -= record.recordCount
    }
  }
}

/// What a fingerprint is made of.
enum Fingerprint {
  private static let samplesPerSplit = 256

  static func hex<Failure: Error>(
    source: DatasetSource, facts: DatasetFacts,
    record: (DatasetSplit, Int, inout SHA256) throws(Failure) -> Void
  ) throws(Failure) -> String {
    let shape = facts.pictureShape
    var hash = SHA256()
    hash.update(
      "strata.data/1 \(source.name) \(shape.channels)x\(shape.height)x\(shape.width) classes \(facts.classCount)"
        + " train \(facts.trainCount)/\(facts.availableTrainCount)"
        + " test \(facts.testCount)/\(facts.availableTestCount)\n")
    if case .synthetic(let pictures) = source { hash.update("seed \(pictures.seed)\n") }
    for split in DatasetSplit.allCases {
      let count = facts.count(split)
      let samples = min(samplesPerSplit, count)
      for sample in 0..<samples { try record(split, sample * count / samples, &hash) }
    }
    return hash.finalize()
  }

  /// A record: the label as four little-endian bytes, then the pixels as the file has them.
  static func update(_ hash: inout SHA256, label: Int32, pixels: UnsafeRawBufferPointer) {
    let label: InlineArray<1, Int32> = [label.littleEndian]
    unsafe hash.update(label.span.bytes)
    let bytes = unsafe pixels.bytes
    hash.update(bytes)
  }
}
