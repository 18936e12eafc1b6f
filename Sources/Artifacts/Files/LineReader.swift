internal import Base
internal import Glibc

/// The whole lines of a file, one after the other, in memory of a fixed size but for a line that is longer.
struct LineReader: ~Copyable {
  /// A longer line is not what any run writes.
  private static let largestLineByteCount = 16 << 20
  private static let pieceByteCount = 1 << 16

  private let file: FileDescriptor
  private var buffer: [UInt8] = []
  /// Of the next line in the buffer.
  private var start = 0
  /// Of what follows the buffer in the file.
  private var offset = 0
  /// Of the lines that were given, with their ends, in the file.
  private(set) var endOfLine = 0

  init(_ file: consuming FileDescriptor) { self.file = file }

  /// The next line without its end; nil behind the last. What a crash cut off, without an end, is no line.
  mutating func next() throws(FileError) -> ArraySlice<UInt8>? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer[start..<end]
        endOfLine += line.count + 1
        start = end + 1
        return line
      }
      buffer.removeFirst(start)
      start = 0
      searched = buffer.count
      guard searched <= Self.largestLineByteCount else {
        throw FileError(path: file.path, operation: "read", code: EFBIG)
      }
      guard try fill() else { return nil }
    }
  }

  /// - Returns: false at the end of the file.
  private mutating func fill() throws(FileError) -> Bool {
    var piece = [UInt8](repeating: 0, count: Self.pieceByteCount)
    var count = 0
    var failure: FileError?
    let offset = offset
    unsafe piece.withUnsafeMutableBytes { bytes in
      do throws(FileError) { count = try unsafe file.readSome(into: bytes, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    buffer += piece[..<count]
    self.offset += count
    return count > 0
  }
}
