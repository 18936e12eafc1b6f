internal import Synchronization

/// Pictures that stay in their files: each is read into its worker's buffer when it is needed, and only labels are kept.
/// The system's page cache keeps what it has room for.
@safe final class StreamedPictures: Sendable {
  let format: PixelFormat
  let order: PixelOrder
  private let pictureByteCount: Int
  private let train, test: Part
  /// A picture's place for each worker.
  private let buffers: ByteBlock
  private let failure = Mutex<DatasetError?>(nil)

  /// One of the two parts.
  private struct Part: Sendable {
    let records: SplitRecords
    let files: [OpenFile]
    let labels: ByteBlock
    let labelByteCount: Int

    func label(_ index: Int) -> Int32 {
      if labelByteCount == 1 { return Int32(unsafe labels.bytes[index]) }
      return unsafe labels.bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
    }

    /// Where a picture's numbers begin.
    func place(of index: Int) -> (file: OpenFile, offset: Int) {
      var place = index
      for (record, open) in zip(records.files, files) {
        if place < record.recordCount {
          return (open, record.offset + place * records.recordByteCount + records.pixelOffset)
        }
        place -= record.recordCount
      }
      preconditionFailure("no such picture")
    }
  }

  private final class OpenFile: Sendable {
    let file: DataFile

    init(_ record: RecordFile) throws(DatasetError) {
      file = try DataFile(path: record.path, hint: record.hint)
      try file.requireByteCount(record.fileByteCount)
    }
  }

  /// Opens every file, reads it once to check labels and numbers, and keeps the labels.
  ///
  /// - Parameter workers: that read at the same time.
  init(_ layout: RecordLayout, workers: Int) throws(DatasetError) {
    format = layout.pixelFormat
    order = layout.pixelOrder
    pictureByteCount = layout.pictureByteCount
    try layout.requireFiles()
    (train, test) = try DatasetError.both(
      { () throws(DatasetError) in try Self.open(layout, .train) },
      { () throws(DatasetError) in try Self.open(layout, .test) })
    buffers = try ByteBlock(byteCount: workers * layout.streamBufferByteCount)
  }

  /// The label, after the picture's pixels lie in the worker's buffer.
  func label(_ split: DatasetSplit, _ index: Int) -> Int32 { self[split].label(index) }

  /// Reads a picture's numbers as the file has them. They are valid until the worker reads its next.
  ///
  /// A file that can't be read any more gives zeros; `takeFailure` then says why.
  @unsafe func pixels(_ split: DatasetSplit, _ index: Int, worker: Int) -> UnsafeRawBufferPointer {
    let part = self[split]
    let stride = StreamedPictures.bufferByteCount(pictureByteCount)
    let start = worker * stride
    unsafe precondition(
      start + stride <= buffers.bytes.count, "the data set was opened for that many workers")
    let target = unsafe UnsafeMutableRawBufferPointer(
      rebasing: buffers.bytes[start..<start + pictureByteCount])
    let (open, offset) = part.place(of: index)
    do throws(DatasetError) {
      try unsafe open.file.read(into: target, at: offset)
    } catch {
      failure.withLock { $0 = $0 ?? error }
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
    }
    return UnsafeRawBufferPointer(target)
  }

  /// Lets the system read a picture while others are trained on.
  func readAhead(_ split: DatasetSplit, _ index: Int) {
    let (open, offset) = self[split].place(of: index)
    open.file.readAhead(pictureByteCount, at: offset)
  }

  /// The first failure to read since the last call.
  func takeFailure() -> DatasetError? {
    failure.withLock { failure in
      defer { failure = nil }
      return failure
    }
  }

  private subscript(split: DatasetSplit) -> Part {
    switch split {
    case .train: train
    case .test: test
    }
  }

  static func bufferByteCount(_ pictureByteCount: Int) -> Int {
    // Workers write to cache lines of their own.
    (pictureByteCount + 63) & ~63
  }

  // MARK: - Opening

  private static let chunkByteCount = 1 << 18

  private static func open(_ layout: RecordLayout, _ split: DatasetSplit) throws(DatasetError) -> Part {
    let records = layout[split]
    var files: [OpenFile] = []
    for record in records.files { files.append(try OpenFile(record)) }
    let labelByteCount = records.residentLabelByteCount
    let labels = try ByteBlock(byteCount: records.count * labelByteCount)
    var labelOffset: Int?
    switch records.labels {
    case .inRecord(let offset): labelOffset = offset
    case .separate(let labelFile, let type):
      let file = try DataFile(path: labelFile.path, hint: labelFile.hint)
      try LabelReader.forEach(
        in: file, at: labelFile.offset, count: records.count, type: type, classCount: layout.facts.classCount
      ) { index, label in
        if labelByteCount == 1 {
          unsafe labels.bytes[index] = UInt8(label)
        } else {
          unsafe labels.bytes.storeBytes(of: Int32(label), toByteOffset: 4 * index, as: Int32.self)
        }
      }
    }
    if labelOffset != nil || layout.pixelFormat == .float32 {
      var first = 0
      var errors: [DatasetError] = []
      for (record, open) in zip(records.files, files) {
        do throws(DatasetError) {
          try check(
            record, open.file, of: layout, records, labelOffset: labelOffset, keepingLabelsIn: labels,
            from: first)
        } catch {
          errors.append(error)
        }
        first += record.recordCount
      }
      try DatasetError.throwIfAny(errors)
    }
    return Part(records: records, files: files, labels: labels, labelByteCount: labelByteCount)
  }

  /// Keeps the labels that lie in records, and looks at every number.
  private static func check(
    _ record: RecordFile, _ file: borrowing DataFile, of layout: RecordLayout, _ records: SplitRecords,
    labelOffset: Int?, keepingLabelsIn labels: ByteBlock, from first: Int
  ) throws(DatasetError) {
    let size = records.recordByteCount
    let perChunk = max(1, chunkByteCount / max(1, size))
    var start = 0
    while start < record.recordCount {
      let count = min(perChunk, record.recordCount - start)
      let begin = record.offset + start * size
      let bytes = try file.bytes(begin..<begin + count * size)
      for index in 0..<count {
        if let labelOffset {
          let place = index * size + labelOffset
          let label = Int(bytes[place])
          guard label < layout.facts.classCount else {
            throw .labelOutOfRange(
              path: record.path, offset: begin + place, found: label, classCount: layout.facts.classCount)
          }
          unsafe labels.bytes[first + start + index] = bytes[place]
        }
        guard layout.pixelFormat == .float32 else { continue }
        let pixels = index * size + records.pixelOffset
        for number in 0..<layout.facts.pictureShape.elementCount {
          let place = pixels + 4 * number
          let value = unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: place, as: Float.self)
          guard value.isFinite else {
            throw .wrongContent(
              path: record.path, offset: begin + place, expected: "a finite number", found: "\(value)")
          }
        }
      }
      start += count
    }
  }
}

extension SplitRecords {
  /// Bytes a label takes in memory.
  var residentLabelByteCount: Int {
    switch labels {
    case .inRecord: 1
    case .separate(_, let type): type.residentByteCount
    }
  }
}

extension RecordLayout {
  var pictureByteCount: Int { facts.pictureShape.elementCount * pixelFormat.byteCount }

  /// What each worker needs to read a picture.
  var streamBufferByteCount: Int { StreamedPictures.bufferByteCount(pictureByteCount) }

  /// What streaming keeps whatever the number of workers: the labels.
  var streamedByteCount: Int {
    DatasetSplit.allCases.map { self[$0].count * self[$0].residentLabelByteCount }.reduce(0, +)
  }
}
