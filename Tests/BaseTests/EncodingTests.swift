import Base
import Testing

@Suite("Protocol buffers and their checksums")
struct EncodingTests {
  @Test("CRC-32C comes to the values of RFC 3720, B.4")
  func checksums() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([]) == 0)
  }

  @Test("fields have their documented bytes")
  func fields() {
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    writer.text(2, "testing")
    writer.message(3) { $0.integer(1, 150) }
    writer.integer(4, -1)
    writer.float(5, 1)
    writer.double(6, -2)
    #expect(
      writer.bytes == [0x08, 0x96, 0x01, 0x12, 0x07] + Array("testing".utf8) + [0x1A, 0x03, 0x08, 0x96, 0x01]
        + [0x20] + [UInt8](repeating: 0xFF, count: 9) + [0x01] + [0x2D, 0, 0, 0x80, 0x3F]
        + [0x31, 0, 0, 0, 0, 0, 0, 0, 0xC0])
  }
}
