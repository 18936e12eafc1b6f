/// A checksum of 64 bits over bytes in memory, against damage and mistakes, not against malice.
///
/// Four lanes take turns at pairs of words: one word and the lane, the other word and a constant are mixed by exclusive or, then
/// multiplied, and the two halves of the product of 128 bits are folded into one. Every bit of the product's middle depends on
/// both words, so two changes that cancel each other are as rare as chance has it: 2^-64.
package enum LaneHash {
  /// - Complexity: O(bytes), at about the speed of memory; allocates nothing.
  package static func hash(_ bytes: borrowing RawSpan) -> UInt64 {
    unsafe bytes.withUnsafeBytes { input in
      var lanes = InlineArray<4, UInt64>(repeating: 0)
      // Not the constant that the lane's second words are mixed with, or the first two words could change places.
      for lane in 0..<4 { lanes[lane] = secrets[(lane + 1) % 4] }
      var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
      let wholeCount = input.count & ~63
      var offset = 0
      while offset < wholeCount {
        a = unsafe absorb(input, offset, into: a, secret: firstSecret)
        b = unsafe absorb(input, offset + 16, into: b, secret: secondSecret)
        c = unsafe absorb(input, offset + 32, into: c, secret: thirdSecret)
        d = unsafe absorb(input, offset + 48, into: d, secret: fourthSecret)
        offset += 64
      }
      lanes = [a, b, c, d]
      if wholeCount < input.count {
        // The rest, filled up with zeros; the count of bytes, below, tells them from zeros of the message.
        var rest = InlineArray<8, UInt64>(repeating: 0)
        for index in wholeCount..<input.count {
          let place = index - wholeCount
          rest[place >> 3] |= UInt64(unsafe input[index]) << UInt64(8 * (place & 7))
        }
        for lane in 0..<4 {
          lanes[lane] = fold(rest[2 * lane] ^ lanes[lane], rest[2 * lane + 1] ^ secrets[lane])
        }
      }
      var result = UInt64(input.count) ^ firstSecret
      for lane in 0..<4 { result = fold(result ^ secrets[lane], lanes[lane] ^ secondSecret) }
      return fold(result ^ thirdSecret, fourthSecret)
    }
  }

  /// The same of a text's UTF-8 bytes.
  package static func hash(_ text: String) -> UInt64 {
    var text = text
    return text.withUTF8 { utf8 in unsafe hash(utf8.span.bytes) }
  }
}

// The bits behind the point of the square roots of 2, 3, 5 and 7: numbers without a pattern.
private let firstSecret: UInt64 = 0x6A09_E667_F3BC_C908
private let secondSecret: UInt64 = 0xBB67_AE85_84CA_A73B
private let thirdSecret: UInt64 = 0x3C6E_F372_FE94_F82B
private let fourthSecret: UInt64 = 0xA54F_F53A_5F1D_36F1
private let secrets: InlineArray<4, UInt64> = [firstSecret, secondSecret, thirdSecret, fourthSecret]

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
