/// The head of a NumPy `.npy` file, format versions 1 to 3: magic, version, length, and a Python dictionary with the keys
/// `descr`, `fortran_order` and `shape`.
struct NPYHeader: Hashable, Sendable {
  /// As written: `|u1`, `<f4`.
  var type: String
  var shape: [Int]
  /// Of the first number in the file.
  var dataOffset: Int

  /// Headers of plain arrays have 118 bytes; this leaves room for any padding.
  private static let largestByteCount = 1 << 16

  init(file: borrowing DataFile) throws(DatasetError) {
    let path = file.path
    guard file.byteCount >= 12 else { throw .wrongSize(path: path, expected: 12, found: file.byteCount) }
    let prefix = try file.bytes(0..<12)
    guard prefix[0] == 0x93, Array(prefix[1..<6]) == Array("NUMPY".utf8) else {
      try FileSignature.requireNone(in: file, expected: "a NumPy array (.npy)")
      throw .wrongContent(
        path: path, offset: 0, expected: "NumPy's magic bytes", found: NPYHeader.hexadecimal(prefix[0..<6]))
    }
    let start: Int
    let length: Int
    switch prefix[6] {
    case 1:
      start = 10
      length = Int(prefix[8]) | Int(prefix[9]) << 8
    case 2, 3:
      start = 12
      length = (0..<4).reduce(0) { $0 | Int(prefix[8 + $1]) << (8 * $1) }
    default:
      throw .wrongContent(path: path, offset: 6, expected: "format version 1, 2 or 3", found: "\(prefix[6])")
    }
    guard length <= Self.largestByteCount else {
      throw .wrongContent(
        path: path, offset: 8, expected: "a header of at most \(Self.largestByteCount) bytes",
        found: "\(length)")
    }
    guard start + length <= file.byteCount else {
      throw .wrongSize(path: path, expected: start + length, found: file.byteCount)
    }
    var parser = NPYHeaderParser(path: path, start: start, bytes: try file.bytes(start..<start + length))
    try parser.parseDictionary()
    guard let type = parser.type, let shape = parser.shape, let isFortranOrder = parser.isFortranOrder else {
      throw .wrongContent(
        path: path, offset: start, expected: "the keys descr, fortran_order and shape", found: "fewer")
    }
    guard !isFortranOrder else {
      throw .wrongContent(
        path: path, offset: start, expected: "an array in C order",
        found: "Fortran order; save numpy.ascontiguousarray(array)")
    }
    self.type = type
    self.shape = shape
    self.dataOffset = start + length
  }

  private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String {
    bytes.map { String($0, radix: 16) }.joined(separator: " ")
  }
}

/// Reads the dictionary: strings, booleans and tuples of numbers, as NumPy writes them.
private struct NPYHeaderParser {
  let path: String
  let start: Int
  let bytes: [UInt8]
  private var position = 0
  private(set) var type: String?
  private(set) var isFortranOrder: Bool?
  private(set) var shape: [Int]?

  init(path: String, start: Int, bytes: [UInt8]) {
    self.path = path
    self.start = start
    self.bytes = bytes
  }

  mutating func parseDictionary() throws(DatasetError) {
    try expect("{")
    while !take("}") {
      let keyPosition = position
      let key = try parseString()
      try expect(":")
      switch key {
      case "descr": type = try parseString()
      case "fortran_order": isFortranOrder = try parseBoolean()
      case "shape": shape = try parseTuple()
      default: throw fault("a key of an array's header", "'\(key)'", at: keyPosition)
      }
      if !take(",") {
        try expect("}")
        break
      }
    }
    skipBlanks()
    guard position == bytes.count else { throw fault("the header's end", found(position), at: position) }
  }

  private mutating func parseString() throws(DatasetError) -> String {
    skipBlanks()
    guard position < bytes.count,
      bytes[position] == UInt8(ascii: "'") || bytes[position] == UInt8(ascii: "\"")
    else {
      throw fault("a plain string", found(position), at: position)
    }
    let quote = bytes[position]
    let begin = position + 1
    guard let end = bytes[begin...].firstIndex(of: quote) else {
      throw fault("a closing quote", "none", at: begin)
    }
    position = end + 1
    return String(decoding: bytes[begin..<end], as: UTF8.self)
  }

  private mutating func parseBoolean() throws(DatasetError) -> Bool {
    if take("True") { return true }
    if take("False") { return false }
    throw fault("True or False", found(position), at: position)
  }

  private mutating func parseTuple() throws(DatasetError) -> [Int] {
    try expect("(")
    var numbers: [Int] = []
    while !take(")") {
      numbers.append(try parseNumber())
      if !take(",") {
        try expect(")")
        break
      }
    }
    return numbers
  }

  private mutating func parseNumber() throws(DatasetError) -> Int {
    skipBlanks()
    let begin = position
    var number = 0
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
      let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(bytes[position] - UInt8(ascii: "0")))
      guard !overflow, !carry else { throw fault("a size of at most 63 bits", "a larger one", at: begin) }
      number = sum
      position += 1
    }
    guard position > begin else { throw fault("a number", found(begin), at: begin) }
    return number
  }

  private mutating func skipBlanks() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x0A { position += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    skipBlanks()
    guard bytes[position...].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  private mutating func expect(_ text: String) throws(DatasetError) {
    guard take(text) else { throw fault("'\(text)'", found(position), at: position) }
  }

  private func found(_ position: Int) -> String {
    guard position < bytes.count else { return "the header's end" }
    let byte = bytes[position]
    return (0x20..<0x7F).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
  }

  private func fault(_ expected: String, _ found: String, at position: Int) -> DatasetError {
    .wrongContent(path: path, offset: start + position, expected: expected, found: found)
  }
}
