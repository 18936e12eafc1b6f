import Base
import Glibc
import Testing

@Suite("Full reads and writes")
struct TransferTests {
  /// Two packets, of which a single read returns one.
  private func packets() throws -> Int32 {
    var ends: [Int32] = [0, 0]
    let result = socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends)
    try #require(result == 0)
    for packet in ["abc", "defg"] {
      try Array(packet.utf8).withUnsafeBytes { try writeFully(ends[1], $0) }
    }
    close(ends[1])
    return ends[0]
  }

  @Test("a read goes on until as many bytes have come as were asked for, or the end")
  func pipes() throws {
    for wanted in [5, 7, 10] {
      let end = try packets()
      defer { close(end) }
      var bytes = [UInt8](repeating: 0, count: wanted)
      let count = try bytes.withUnsafeMutableBytes { try readFully(end, into: $0) }
      #expect(count == min(wanted, 7))
      #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == "abcdefg".prefix(count))
    }
  }

  @Test("what has no size is read to its end, or to the limit", arguments: [1, 3, 4, 7, 8, 1 << 20])
  func ends(limit: Int) throws {
    let end = try packets()
    defer { close(end) }
    #expect(try readToEnd(end, limit: limit) == Array("abcdefg".utf8.prefix(limit)))
  }

  @Test("bytes are written and read at their places, and errors are the system's")
  func places() throws {
    // Without a name: it goes with its last descriptor.
    let stream = try #require(tmpfile())
    defer { fclose(stream) }
    let file = fileno(stream)
    try Array("xyz".utf8).withUnsafeBytes { try writeFully(file, $0, at: 4) }
    var bytes = [UInt8](repeating: 9, count: 9)
    let count = try bytes.withUnsafeMutableBytes { try readFully(file, into: $0, at: 2) }
    #expect(count == 5 && bytes == [0, 0] + Array("xyz".utf8) + [9, 9, 9, 9])
    #expect(throws: TransferError(code: EBADF)) {
      try bytes.withUnsafeMutableBytes { _ = try readFully(-1, into: $0) }
    }
  }
}
