import Datasets
import Testing

@Suite struct SHA256Tests {
  /// The examples of FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func standardVectors(text: String, digest: String) {
    #expect(SHA256.hex(of: Array(text.utf8).span.bytes) == digest)
    var hash = SHA256()
    hash.update(text)
    #expect(hash.finalize() == digest)
  }

  @Test func aMillionTimesA() {
    let bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(
      SHA256.hex(of: bytes.span.bytes) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  /// However a message is cut, and whatever its length is modulo the block's, the digest is that of the whole.
  @Test func partsGiveTheDigestOfTheWhole() {
    let bytes = (0..<260).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    for length in 0...260 {
      let whole = SHA256.hex(of: bytes.span.extracting(0..<length).bytes)
      for part in [1, 3, 55, 56, 63, 64, 65] {
        var hash = SHA256()
        for start in stride(from: 0, to: length, by: part) {
          hash.update(bytes.span.extracting(start..<min(start + part, length)).bytes)
        }
        #expect(hash.finalize() == whole)
      }
    }
  }
}
