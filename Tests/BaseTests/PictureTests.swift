import Base
import Testing

@testable import Base

@Suite("Pictures for reports")
struct PictureTests {
  @Test("base 64 is that of RFC 4648, section 10")
  func base64() {
    for (text, expected) in [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ] { #expect(Base64.text(Array(text.utf8)) == expected) }
  }

  @Test("the checksum is the usual one of nine digits")
  func checksum() {
    #expect(PNGWriter.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
  }

  @Test("a file tells its sides, and nothing else does")
  func sides() throws {
    let file = PNGWriter.file(width: 3, height: 2, pixels: [UInt8](0..<18))
    let size = try #require(PNGWriter.size(of: file))
    #expect(size == (3, 2))
    #expect(PNGWriter.size(of: Array(file.prefix(20))) == nil)
    // An empty picture of one pixel, as other programs write it: signature, header, data and end.
    #expect(file.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    #expect(file.suffix(12) == [0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82])
  }
}
