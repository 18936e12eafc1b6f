internal import Base

/// The files of an image folder: where they are, how large, of which class. Compact, since there may be a million.
struct ImageIndex: Sendable {
  struct Entry: Sendable {
    /// Where the name begins in `names`.
    var nameOffset: Int
    var fileByteCount: Int
    var width, height: UInt32
    var label: Int32
    var isPNG: Bool
    var decodedChannels: UInt8

    var header: ImageHeader {
      ImageHeader(
        format: isPNG ? .png : .jpeg, width: Int(width), height: Int(height),
        decodedChannels: Int(decodedChannels), libraryByteCount: 0)
    }
  }

  /// Paths from the set's folder, each ended by a zero.
  private(set) var names: [UInt8] = []
  private(set) var train: [Entry] = []
  private(set) var test: [Entry] = []

  init(train: [FolderScan.Found], test: [FolderScan.Found]) {
    names.reserveCapacity((train + test).reduce(0) { $0 + $1.name.bytes.count + 1 })
    self.train = train.map { append($0) }
    self.test = test.map { append($0) }
  }

  private mutating func append(_ file: FolderScan.Found) -> Entry {
    let offset = names.count
    names += file.name.bytes
    names.append(0)
    return Entry(
      nameOffset: offset, fileByteCount: file.fileByteCount, width: UInt32(file.header.width),
      height: UInt32(file.header.height), label: file.label, isPNG: file.header.format == .png,
      decodedChannels: UInt8(file.header.decodedChannels))
  }

  subscript(split: DatasetSplit) -> [Entry] {
    switch split {
    case .train: train
    case .test: test
    }
  }

  var byteCount: Int { names.count + (train.count + test.count) * MemoryLayout<Entry>.stride }

  func name(_ entry: Entry) -> FileName {
    FileName(Array(names[entry.nameOffset...].prefix { $0 != 0 }))
  }
}
