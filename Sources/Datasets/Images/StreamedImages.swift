/// Images that stay in their files: each is read into its worker's buffer when it is needed, and only labels and checksums are
/// kept. The system's page cache keeps what it has room for. An image that has changed since the files were opened is a failure.
@safe final class StreamedImages: Sendable {
  let format: PixelFormat
  let order: PixelOrder
  private let imageByteCount: Int
  private let train, test: Part
  private let buffers: WorkerBuffers
  /// Of what the files held when they were opened.
  let fingerprint: String
  let large: LargeImages?

  /// One of the two parts.
  private struct Part: Sendable {
    let records: SplitRecords
    let files: [OpenFile]
    let labels: ByteBlock
    let labelByteCount: Int
    /// Four bytes an image.
    let checksums: ByteBlock
    let content: String
    let large: LargeImages?

    func checksum(_ index: Int) -> UInt32 {
      unsafe checksums.bytes.loadUnaligned(
        fromByteOffset: StreamedImages.checksumByteCount * index, as: UInt32.self)
    }

    func label(_ index: Int) -> Int32 {
      StreamedImages.label(index, in: labels, byteCount: labelByteCount)
    }

    /// Where an image's numbers begin.
    func place(of index: Int) -> (file: OpenFile, offset: Int) {
      var place = index
      for (record, open) in zip(records.files, files) {
        if place < record.recordCount {
          return (open, record.offset + place * records.recordByteCount + records.pixelOffset)
        }
        place -= record.recordCount
      }
      preconditionFailure("no such image")
    }
  }

  private final class OpenFile: Sendable {
    let file: DataFile

    init(_ record: RecordFile) throws(DatasetError) {
      file = try DataFile(path: record.path, hint: record.hint)
      try file.requireByteCount(record.fileByteCount)
    }
  }

  /// Bytes of an image's checksum: one that changes is missed once in four milliards of times.
  static let checksumByteCount = 4

  /// Opens every file, reads it once to check labels and numbers and to hash it all, and keeps labels and checksums.
  ///
  /// - Parameter workers: that read at the same time; 0 where only the fingerprint is wanted.
  init(_ layout: RecordLayout, of source: DatasetSource, workers: Int) throws(DatasetError) {
    format = layout.pixelFormat
    order = layout.pixelOrder
    imageByteCount = layout.imageByteCount
    try layout.requireFiles()
    (train, test) = try DatasetError.both(
      { () throws(DatasetError) in try Self.open(layout, .train) },
      { () throws(DatasetError) in try Self.open(layout, .test) })
    buffers = try WorkerBuffers(imageByteCount: imageByteCount, workers: workers)
    fingerprint = Fingerprint.hex(source: source, layout: layout, train: train.content, test: test.content)
    large = LargeImages.joined(train.large, test.large)
  }

  /// The label, after the image's pixels lie in the worker's buffer.
  func label(_ split: DatasetSplit, _ index: Int) -> Int32 { self[split].label(index) }

  /// Reads an image's numbers as the file has them. They are valid until the worker reads its next.
  ///
  /// A file that can't be read any more, or that has changed, gives zeros; `takeFailure` then says why.
  @unsafe func pixels(_ split: DatasetSplit, _ index: Int, worker: Int) -> UnsafeRawBufferPointer {
    let part = self[split]
    let target = unsafe buffers[worker]
    let (open, offset) = part.place(of: index)
    do throws(DatasetError) {
      try unsafe open.file.read(into: target, at: offset)
      let bytes = unsafe UnsafeRawBufferPointer(target).bytes
      guard Fingerprint.Content.checksum(of: bytes) == part.checksum(index) else {
        throw .changed(path: open.file.path, split: split, index: index)
      }
    } catch {
      buffers.note(error)
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
    }
    return UnsafeRawBufferPointer(target)
  }

  /// Lets the system read an image while others are trained on.
  func readAhead(_ split: DatasetSplit, _ index: Int) {
    let (open, offset) = self[split].place(of: index)
    open.file.readAhead(imageByteCount, at: offset)
  }

  /// The first failure to read since the last call.
  func takeFailure() -> DatasetError? { buffers.takeFailure() }

  private subscript(split: DatasetSplit) -> Part {
    switch split {
    case .train: train
    case .test: test
    }
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
    let checksums = try ByteBlock(byteCount: records.count * checksumByteCount)
    var scan = Scan(
      layout: layout, split: split, labelOffset: labelOffset, labels: labels, labelByteCount: labelByteCount,
      checksums: checksums)
    var errors: [DatasetError] = []
    for (record, open) in zip(records.files, files) {
      do throws(DatasetError) { try scan.read(record, open.file) } catch { errors.append(error) }
    }
    try DatasetError.throwIfAny(errors)
    return Part(
      records: records, files: files, labels: labels, labelByteCount: labelByteCount, checksums: checksums,
      content: scan.content.finalize(), large: scan.large)
  }

  /// One pass over the records of a split: keeps the labels that lie in them, hashes, and looks at floats.
  private struct Scan {
    let layout: RecordLayout
    let split: DatasetSplit
    /// In a record; nil where labels have a file of their own and are kept already.
    let labelOffset: Int?
    let labels: ByteBlock
    let labelByteCount: Int
    let checksums: ByteBlock
    private(set) var content = Fingerprint.Content()
    private(set) var large: LargeImages?
    /// Of the file's first record in the split.
    private var first = 0

    init(
      layout: RecordLayout, split: DatasetSplit, labelOffset: Int?, labels: ByteBlock, labelByteCount: Int,
      checksums: ByteBlock
    ) {
      self.layout = layout
      self.split = split
      self.labelOffset = labelOffset
      self.labels = labels
      self.labelByteCount = labelByteCount
      self.checksums = checksums
    }

    mutating func read(_ record: RecordFile, _ file: borrowing DataFile) throws(DatasetError) {
      defer { first += record.recordCount }
      let records = layout[split]
      let size = records.recordByteCount
      let perChunk = max(1, chunkByteCount / max(1, size))
      let chunk = try ByteBlock(byteCount: min(perChunk, record.recordCount) * size)
      var floats = FloatCheck(path: record.path, split: split, large: large)
      defer { large = floats.large }
      for start in stride(from: 0, to: record.recordCount, by: perChunk) {
        let count = min(perChunk, record.recordCount - start)
        let begin = record.offset + start * size
        try unsafe file.read(
          into: UnsafeMutableRawBufferPointer(rebasing: chunk.bytes[..<(count * size)]), at: begin)
        for position in 0..<count {
          let place = position * size
          let index = first + start + position
          if let labelOffset { try keepLabel(chunk, place + labelOffset, of: index, record, at: begin) }
          let pixels = unsafe UnsafeRawBufferPointer(
            rebasing: chunk.bytes[(place + records.pixelOffset)..<(place + size)])
          if layout.pixelFormat == .float32 {
            try floats.check(
              unsafe pixels.bytes, index: index, offset: begin + place + records.pixelOffset)
          }
          let checksum = content.add(label: label(index), pixels: unsafe pixels.bytes)
          unsafe checksums.bytes.storeBytes(
            of: checksum, toByteOffset: checksumByteCount * index, as: UInt32.self)
        }
      }
    }

    private func keepLabel(
      _ chunk: ByteBlock, _ place: Int, of index: Int, _ record: RecordFile, at begin: Int
    ) throws(DatasetError) {
      let label = unsafe chunk.bytes[place]
      guard Int(label) < layout.facts.classCount else {
        throw .labelOutOfRange(
          path: record.path, offset: begin + place, found: Int(label), classCount: layout.facts.classCount)
      }
      unsafe labels.bytes[index] = label
    }

    private func label(_ index: Int) -> Int32 {
      StreamedImages.label(index, in: labels, byteCount: labelByteCount)
    }
  }

  private static func label(_ index: Int, in labels: ByteBlock, byteCount: Int) -> Int32 {
    if byteCount == 1 { return Int32(unsafe labels.bytes[index]) }
    return unsafe labels.bytes.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)
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
  var imageByteCount: Int { facts.imageShape.elementCount * pixelFormat.byteCount }

  /// What each worker needs to read an image.
  var streamBufferByteCount: Int { WorkerBuffers.byteCount(imageByteCount) }

  /// What streaming keeps whatever the number of workers: labels and checksums.
  var streamedByteCount: Int {
    DatasetSplit.allCases.map {
      self[$0].count * (self[$0].residentLabelByteCount + StreamedImages.checksumByteCount)
    }.reduce(0, +)
  }
}
