/// Reads labels that lie in files of their own, a piece at a time.
enum LabelReader {
  /// More classes than any set of images has; keeps a wrong file from asking for a huge classifier.
  static let largestClassCount = 65_536

  private static let chunkByteCount = 1 << 16

  /// The largest of `count` labels from `offset` on.
  static func largest(
    in file: borrowing DataFile, at offset: Int, count: Int, type: LabelType
  ) throws(DatasetError) -> Int {
    var largest = 0
    var negative: (index: Int, label: Int)?
    try forEach(
      in: file, at: offset, count: count, type: type, labels: Int.min..<largestClassCount
    ) { index, label in
      largest = max(largest, label)
      if label < 0, negative == nil { negative = (index, label) }
    }
    // Which labels there may be, the others say.
    if let negative {
      throw .labelOutOfRange(
        path: file.path, offset: offset + negative.index * type.byteCount, found: negative.label,
        classCount: largest + 1)
    }
    return largest
  }

  /// Calls `body` with the index and the value of each label, in order, after checking that it is in 0..<`classCount`.
  static func forEach(
    in file: borrowing DataFile, at offset: Int, count: Int, type: LabelType, classCount: Int,
    _ body: (Int, Int) -> Void
  ) throws(DatasetError) {
    try forEach(in: file, at: offset, count: count, type: type, labels: 0..<classCount, body)
  }

  private static func forEach(
    in file: borrowing DataFile, at offset: Int, count: Int, type: LabelType, labels: Range<Int>,
    _ body: (Int, Int) -> Void
  ) throws(DatasetError) {
    let perChunk = chunkByteCount / type.byteCount
    var start = 0
    while start < count {
      let stop = min(start + perChunk, count)
      let begin = offset + start * type.byteCount
      let bytes = try file.bytes(begin..<begin + (stop - start) * type.byteCount)
      for i in 0..<stop - start {
        let label = value(bytes, i, type)
        guard labels.contains(label) else {
          throw .labelOutOfRange(
            path: file.path, offset: begin + i * type.byteCount, found: label, classCount: labels.upperBound)
        }
        body(start + i, label)
      }
      start = stop
    }
  }

  private static func value(_ bytes: [UInt8], _ index: Int, _ type: LabelType) -> Int {
    switch type {
    case .uint8: return Int(bytes[index])
    case .int32:
      let word = unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
      return Int(Int32(littleEndian: word))
    case .int64:
      let word = unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: 8 * index, as: Int64.self)
      return Int(Int64(littleEndian: word))
    }
  }
}

extension Dataset {
  /// Holds every label of the files, used or not, against a number of classes.
  ///
  /// - Throws: `labelOutOfRange`, with the place of the first one, of the training part first, that is too large.
  package static func requireLabels(below classCount: Int, of source: DatasetSource) throws(DatasetError) {
    switch source {
    // Their labels go by their names.
    case .digits, .synthetic, .cifar10, .cifar100, .imageFolder: return
    case .idx, .npy:
      let layout = try layout(of: source, limit: DatasetLimit())
      for split in DatasetSplit.allCases {
        switch layout[split].labels {
        case .inRecord: continue
        case .separate(let labels, let type):
          try LabelReader.forEach(
            in: try DataFile(path: labels.path), at: labels.offset, count: labels.recordCount, type: type,
            classCount: classCount
          ) { _, _ in }
        }
      }
    }
  }
}
