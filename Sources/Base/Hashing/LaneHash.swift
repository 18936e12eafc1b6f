/// A checksum of 64 bits over bytes in memory, against damage and mistakes, not against malice.
///
/// Four lanes take turns at pairs of words: one word and the lane, the other word and a constant are mixed by exclusive or, then
/// multiplied, and the two halves of the product of 128 bits are folded into one. Every bit of the product's middle depends on
/// both words, so two changes that cancel each other are as rare as chance has it: 2^-64.
package enum LaneHash {
  /// - Complexity: O(bytes), at about the speed of memory; allocates nothing.
  package static func hash(_ bytes: borrowing RawSpan) -> UInt64 {
    var hasher = LaneHasher()
    hasher.update(bytes)
    return hasher.hash
  }

  /// The same of a text's UTF-8 bytes.
  package static func hash(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { utf8 in unsafe hash(utf8.span.bytes) }
  }
}

/// The same checksum of bytes that come piece by piece: however they are cut, it is that of all of them together.
package struct LaneHasher: Sendable {
  // Not the constant that the lane's second words are mixed with, or the first two words could change places.
  private var (a, b, c, d) = (secondSecret, thirdSecret, fourthSecret, firstSecret)
  /// Bytes so far; those behind the last whole block are in `rest`, filled up with zeros.
  private var byteCount = 0
  private var rest = InlineArray<8, UInt64>(repeating: 0)

  package init() {}

  /// - Complexity: O(bytes); allocates nothing.
  package mutating func update(_ bytes: borrowing RawSpan) {
    unsafe bytes.withUnsafeBytes { input in
      var offset = 0
      // Until a block is whole.
      while byteCount & 63 != 0, offset < input.count {
        append(unsafe input[offset])
        offset += 1
      }
      var (a, b, c, d) = (self.a, self.b, self.c, self.d)
      let wholeCount = (input.count - offset) & ~63
      let end = offset + wholeCount
      while offset < end {
        a = unsafe absorb(input, offset, into: a, secret: firstSecret)
        b = unsafe absorb(input, offset + 16, into: b, secret: secondSecret)
        c = unsafe absorb(input, offset + 32, into: c, secret: thirdSecret)
        d = unsafe absorb(input, offset + 48, into: d, secret: fourthSecret)
        offset += 64
      }
      (self.a, self.b, self.c, self.d) = (a, b, c, d)
      byteCount += wholeCount
      while offset < input.count {
        append(unsafe input[offset])
        offset += 1
      }
    }
  }

  private mutating func append(_ byte: UInt8) {
    let place = byteCount & 63
    rest[place >> 3] |= UInt64(byte) << UInt64(8 * (place & 7))
    byteCount += 1
    guard byteCount & 63 == 0 else { return }
    (a, b, c, d) = lanesWithRest
    rest = InlineArray(repeating: 0)
  }

  private var lanesWithRest: (UInt64, UInt64, UInt64, UInt64) {
    (
      fold(rest[0] ^ a, rest[1] ^ firstSecret), fold(rest[2] ^ b, rest[3] ^ secondSecret),
      fold(rest[4] ^ c, rest[5] ^ thirdSecret), fold(rest[6] ^ d, rest[7] ^ fourthSecret)
    )
  }

  /// Of all bytes so far.
  package var hash: UInt64 {
    // The count of bytes tells the zeros that fill the rest up from zeros of the message.
    let lanes = byteCount & 63 == 0 ? (a, b, c, d) : lanesWithRest
    var result = UInt64(byteCount) ^ firstSecret
    result = fold(result ^ firstSecret, lanes.0 ^ secondSecret)
    result = fold(result ^ secondSecret, lanes.1 ^ secondSecret)
    result = fold(result ^ thirdSecret, lanes.2 ^ secondSecret)
    result = fold(result ^ fourthSecret, lanes.3 ^ secondSecret)
    return fold(result ^ thirdSecret, fourthSecret)
  }
}

// The bits behind the point of the square roots of 2, 3, 5 and 7: numbers without a pattern.
private let firstSecret: UInt64 = 0x6A09_E667_F3BC_C908
private let secondSecret: UInt64 = 0xBB67_AE85_84CA_A73B
private let thirdSecret: UInt64 = 0x3C6E_F372_FE94_F82B
private let fourthSecret: UInt64 = 0xA54F_F53A_5F1D_36F1

@inline(__always)
private func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// Takes the two words at `offset` into a lane.
@inline(__always)
private func absorb(_ input: UnsafeRawBufferPointer, _ offset: Int, into lane: UInt64, secret: UInt64)
  -> UInt64
{
  let first = unsafe input.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
  let second = unsafe input.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
  return fold(first ^ lane, second ^ secret)
}
