/// How the numbers of an image are stored.
enum PixelFormat: Hashable, Sendable {
  /// Bytes, of which `largest` is white: pixels are divided by it.
  case uint8(largest: Int)
  /// Little-endian 32-bit floats, taken as they are.
  case float32

  var byteCount: Int {
    switch self {
    case .uint8: 1
    case .float32: 4
    }
  }
}

extension PixelFormat {
  /// As a fingerprint has it.
  var text: String {
    switch self {
    case .uint8(let largest): "uint8/\(largest)"
    case .float32: "float32"
    }
  }
}

/// The order of an image's numbers.
enum PixelOrder: String, Hashable, Sendable {
  /// Channel, row, column (CHW).
  case planar
  /// Row, column, channel (HWC).
  case interleaved
}

/// How labels are stored in a file of their own.
enum LabelType: Hashable, Sendable {
  case uint8, int32, int64

  var byteCount: Int {
    switch self {
    case .uint8: 1
    case .int32: 4
    case .int64: 8
    }
  }

  /// Bytes a label takes in memory: files of bytes are kept as they are, wider ones as `Int32`.
  var residentByteCount: Int {
    switch self {
    case .uint8: 1
    case .int32, .int64: 4
    }
  }
}

/// A run of equally long records in a file.
struct RecordFile: Hashable, Sendable {
  var path: String
  /// What the whole file must measure.
  var fileByteCount: Int
  /// Of the first record.
  var offset: Int
  /// Records that are kept: the first so many.
  var recordCount: Int
  var hint: String?
}

/// Where a part's images and labels lie on disk.
struct SplitRecords: Hashable, Sendable {
  enum Labels: Hashable, Sendable {
    /// One byte at this offset of each record.
    case inRecord(offset: Int)
    case separate(RecordFile, LabelType)
  }

  var files: [RecordFile]
  var recordByteCount: Int
  /// Of the pixels in a record; they reach to its end.
  var pixelOffset: Int
  var labels: Labels

  var count: Int { files.reduce(0) { $0 + $1.recordCount } }

  /// Bytes of all records kept.
  var recordsByteCount: Int { count * recordByteCount }

  /// Bytes of the labels kept apart from the records.
  var labelsByteCount: Int {
    switch labels {
    case .inRecord: 0
    case .separate(_, let type): count * type.residentByteCount
    }
  }

  var residentByteCount: Int { recordsByteCount + labelsByteCount }

  var allFiles: [RecordFile] {
    switch labels {
    case .inRecord: files
    case .separate(let file, _): files + [file]
    }
  }
}

/// All that must be known to read a data set that lies in files.
struct RecordLayout: Hashable, Sendable {
  var facts: DatasetFacts
  var pixelFormat: PixelFormat
  var pixelOrder: PixelOrder
  var train, test: SplitRecords

  subscript(split: DatasetSplit) -> SplitRecords {
    switch split {
    case .train: train
    case .test: test
    }
  }

  /// Every file has to be there and to measure what it should; all that are not are told.
  func requireFiles() throws(DatasetError) {
    var errors: [DatasetError] = []
    for file in train.allFiles + test.allFiles {
      do throws(DatasetError) {
        try DataFile(path: file.path, hint: file.hint).requireByteCount(file.fileByteCount)
      } catch {
        errors.append(error)
      }
    }
    try DatasetError.throwIfAny(errors)
  }
}

/// `a * b`, or nil where it does not fit or a factor is negative: sizes that come from headers.
func checkedProduct(_ factors: Int...) -> Int? {
  var product = 1
  for factor in factors {
    let (value, overflow) = product.multipliedReportingOverflow(by: factor)
    guard !overflow, factor >= 0 else { return nil }
    product = value
  }
  return product
}
