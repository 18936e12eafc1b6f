/// Reads records from files into one block: all training records, all test records, then labels kept apart.
enum RecordReader {
  /// What was read, and what was found in it.
  struct Records {
    var images: StoredImages
    var fingerprint: String
    var large: LargeImages?
  }

  static func read(_ layout: RecordLayout, of source: DatasetSource) throws(DatasetError) -> Records {
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
    let images = StoredImages(
      block: block, format: layout.pixelFormat, order: layout.pixelOrder,
      imageByteCount: layout.facts.imageShape.elementCount * layout.pixelFormat.byteCount, train: train,
      test: test)
    let large = try requireFiniteNumbers(images, layout)
    return Records(
      images: images,
      fingerprint: Fingerprint.hex(
        source: source, layout: layout, train: content(of: images, .train),
        test: content(of: images, .test)),
      large: large)
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
  /// - Returns: images with numbers larger than expected.
  private static func requireFiniteNumbers(_ images: StoredImages, _ layout: RecordLayout)
    throws(DatasetError) -> LargeImages?
  {
    guard images.format == .float32 else { return nil }
    let (train, test) = try DatasetError.both(
      { () throws(DatasetError) in try largeImages(of: images, layout, .train) },
      { () throws(DatasetError) in try largeImages(of: images, layout, .test) })
    return LargeImages.joined(train, test)
  }

  private static func largeImages(
    of images: StoredImages, _ layout: RecordLayout, _ split: DatasetSplit
  ) throws(DatasetError) -> LargeImages? {
    let records = layout[split]
    let file = records.files[0]
    var check = FloatCheck(path: file.path, split: split)
    for index in 0..<images[split].count {
      try check.check(
        unsafe images.pixels(split, index).bytes, index: index,
        offset: file.offset + index * records.recordByteCount + records.pixelOffset)
    }
    return check.large
  }

  private static func content(of images: StoredImages, _ split: DatasetSplit) -> String {
    var content = Fingerprint.Content()
    for index in 0..<images[split].count {
      _ = content.add(
        label: images.label(split, index), pixels: unsafe images.pixels(split, index).bytes)
    }
    return content.finalize()
  }
}
