import Glibc  // links libm, where the toolchain keeps square roots

extension CounterRandom {
  /// Overwrites `target` with numbers `start`, `start + 1`, ... of the stream, each the bits that `normal(at:)` gives.
  /// - Precondition: 0 <= `start`, and the last index is below 2^34.
  /// - Complexity: about 3 ns a number, allocates nothing.
  package func fillNormal(_ target: UnsafeMutableBufferPointer<Float>, from start: Int = 0) {
    guard let base = target.baseAddress else { return }
    let end = start + target.count
    precondition(start >= 0 && end <= 1 << 34, "a stream has 2^34 words")
    var index = start
    // Sixteen numbers, four blocks, at a time; the edges of a range are made in full and stored in part.
    while index < end {
      let group = index & ~15
      let numbers = sixteenNormals(firstBlock: UInt32(group >> 2))
      let stop = min(group + 16, end)
      if stop - index == 16 {
        unsafe UnsafeMutableRawPointer(base + (index - start)).storeBytes(of: numbers, as: SIMD16<Float>.self)
      } else {
        for i in index..<stop { unsafe base[i - start] = numbers[i - group] }
      }
      index = stop
    }
  }

  /// The normal numbers of blocks `firstBlock` to `firstBlock + 3`.
  @inline(__always)
  private func sixteenNormals(firstBlock: UInt32) -> SIMD16<Float> {
    let blocks = fourBlocks(first: firstBlock)
    let pairs = boxMuller(
      SIMD8(lowHalf: blocks.word0, highHalf: blocks.word2),
      SIMD8(lowHalf: blocks.word1, highHalf: blocks.word3))
    // Lane b of a word belongs to block b: numbers 4b to 4b + 3 are (cosine, sine) of the lower pair, then of the upper.
    var numbers = SIMD16<Float>()
    for b in 0..<4 {
      numbers[4 * b] = pairs.cosine[b]
      numbers[4 * b + 1] = pairs.sine[b]
      numbers[4 * b + 2] = pairs.cosine[4 + b]
      numbers[4 * b + 3] = pairs.sine[4 + b]
    }
    return numbers
  }

  /// Four Philox blocks side by side. The words sit in 64-bit lanes, where one vector instruction multiplies them.
  @inline(__always)
  private func fourBlocks(
    first: UInt32
  ) -> (word0: SIMD4<UInt32>, word1: SIMD4<UInt32>, word2: SIMD4<UInt32>, word3: SIMD4<UInt32>) {
    typealias Lanes = SIMD4<UInt64>
    let low = Lanes(repeating: 0xFFFF_FFFF)
    let high = Lanes(repeating: 32)
    var c0 = Lanes(repeating: UInt64(first)) &+ Lanes(0, 1, 2, 3)
    var c1 = Lanes(repeating: UInt64(second))
    var c2 = Lanes(repeating: UInt64(self.first))
    var c3 = Lanes(repeating: UInt64(purpose.rawValue))
    var k0 = UInt32(truncatingIfNeeded: seed)
    var k1 = UInt32(truncatingIfNeeded: seed >> 32)
    for _ in 0..<PhiloxConstants.rounds {
      let p0 = (c0 & low) &* Lanes(repeating: UInt64(PhiloxConstants.multiplier0))
      let p1 = (c2 & low) &* Lanes(repeating: UInt64(PhiloxConstants.multiplier1))
      c0 = (p1 &>> high) ^ c1 ^ Lanes(repeating: UInt64(k0))
      c1 = p1 & low
      c2 = (p0 &>> high) ^ c3 ^ Lanes(repeating: UInt64(k1))
      c3 = p0 & low
      k0 &+= PhiloxConstants.weyl0
      k1 &+= PhiloxConstants.weyl1
    }
    return (
      SIMD4(truncatingIfNeeded: c0), SIMD4(truncatingIfNeeded: c1), SIMD4(truncatingIfNeeded: c2),
      SIMD4(truncatingIfNeeded: c3)
    )
  }
}

/// Two independent standard normal numbers a lane from two random words a lane (Box, Muller: A note on the generation of
/// random normal deviates, 1958): sqrt(-2 ln u) times the cosine and the sine of an angle, u in (0, 1].
///
/// Only additions, multiplications, square roots and bit operations, each correctly rounded: the same bits everywhere.
@inline(__always)
func boxMuller(_ radiusWords: SIMD8<UInt32>, _ angleWords: SIMD8<UInt32>) -> (
  cosine: SIMD8<Float>, sine: SIMD8<Float>
) {
  typealias Words = SIMD8<UInt32>
  let one = Words(repeating: 0x3F80_0000)  // the bits of 1.0, with 23 random bits a number in [1, 2)

  // u = 2 - [1, 2) = (0, 1]: the logarithm is finite.
  let u = 2 - floats((radiusWords &>> 9) | one)
  // u = m * 2^e with m in [sqrt(1/2), sqrt(2)); the bits of 0.70710677 lie at the cut.
  let exponentBits = (words(u) &- Words(repeating: 0x3F35_04F3)) & Words(repeating: 0xFF80_0000)
  let m = floats(words(u) &- exponentBits)
  let exponent = SIMD8<Int32>(truncatingIfNeeded: exponentBits) &>> 23
  // 12582912 = 1.5 * 2^23: its lowest bit counts ones, so adding to the bits adds to the number.
  let e = floats(Words(truncatingIfNeeded: exponent) &+ Words(repeating: 0x4B40_0000)) - 12_582_912
  let x = m - 1
  // (ln(1 + x) - x + x^2 / 2) / x^3, interpolated at nine Chebyshev nodes.
  var log = x * 0.069716118 - 0.11479734
  log = log * x + 0.1168542
  log = log * x - 0.12425687
  log = log * x + 0.14249058
  log = log * x - 0.16667803
  log = log * x + 0.20000716
  log = log * x - 0.24999997
  log = log * x + 0.33333331
  log = (log * x - 0.5) * (x * x) + x
  let radius = ((log + e * 0.69314718) * -2).squareRoot()

  // The upper two bits choose the quarter, the next 23 the place in it, in quarter turns from -1/2 to 1/2.
  let f = floats(((angleWords &<< 2) &>> 9) | one) - 1.5
  let z = f * f
  let sine = (((z * -0.0046021491 + 0.079680219) * z - 0.64596349) * z + 1.5707964) * f
  let cosine = (((z * 0.00090362807 - 0.02086007) * z + 0.2536692) * z - 1.2337005) * z + 1
  // Turned by q quarters: (c, s), (-s, c), (-c, -s), (s, -c).
  let odd = Words.zero &- ((angleWords &>> 30) & 1)
  let difference = (words(sine) ^ words(cosine)) & odd
  let top = Words(repeating: 0x8000_0000)
  let sineSign = angleWords & top
  let cosineSign = (angleWords ^ (angleWords &<< 1)) & top
  return (
    floats((words(cosine) ^ difference) ^ cosineSign) * radius,
    floats((words(sine) ^ difference) ^ sineSign) * radius
  )
}

@inline(__always)
private func floats(_ words: SIMD8<UInt32>) -> SIMD8<Float> {
  unsafe unsafeBitCast(words, to: SIMD8<Float>.self)
}

@inline(__always)
private func words(_ floats: SIMD8<Float>) -> SIMD8<UInt32> {
  unsafe unsafeBitCast(floats, to: SIMD8<UInt32>.self)
}
