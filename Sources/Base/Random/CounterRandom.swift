/// What a stream of random numbers is for. Streams of different purposes never share a number; the raw values are part
/// of every result and never change.
package enum RandomPurpose: UInt32, Hashable, Sendable, CaseIterable {
  /// Keyed by module and tensor.
  case initialWeights = 1
  /// Keyed by epoch.
  case epochOrder = 2
  /// Keyed by epoch and sample.
  case augmentation = 3
  /// Keyed by class.
  case syntheticPattern = 4
  /// Keyed by split and sample.
  case syntheticNoise = 5
  /// One stream: a number a turn.
  case simulatedDelays = 6
  /// Keyed by class: which of its images a limit leaves.
  case subset = 7
}

/// Random numbers without state: number `i` of a stream is a function of (seed, purpose, first, second, i) alone, so it
/// does not matter who asks, when, or on how many threads, and there is nothing to save in a checkpoint.
///
/// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011): a keyed bijection of
/// 128-bit counters, which passes BigCrush. The key is the seed; the counter is (block, second, first, purpose), so no
/// two streams of a seed meet. A block gives four 32-bit words; word `i` of a stream is word `i % 4` of block `i / 4`.
package struct CounterRandom: Hashable, Sendable {
  /// What `first` and `second` mean is the purpose's affair: epoch and sample, module and tensor.
  package let seed: UInt64
  package let purpose: RandomPurpose
  package let first, second: UInt32

  /// - Precondition: `first` and `second` fit 32 bits.
  package init(seed: UInt64, purpose: RandomPurpose, _ first: Int = 0, _ second: Int = 0) {
    self.seed = seed
    self.purpose = purpose
    self.first = UInt32(first)
    self.second = UInt32(second)
  }

  /// Words `4 * block` to `4 * block + 3` of the stream.
  @inline(__always)
  package func words(block: UInt32) -> SIMD4<UInt32> {
    philox4x32(
      counter: SIMD4(block, second, first, purpose.rawValue),
      key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// Word `index` of the stream: 32 random bits.
  /// - Precondition: 0 <= `index` < 2^34.
  package func uint32(at index: Int) -> UInt32 {
    words(block: UInt32(index >> 2))[index & 3]
  }

  /// 64 random bits: words `2 * index` and `2 * index + 1`, the lower half first.
  /// - Precondition: 0 <= `index` < 2^33.
  package func uint64(at index: Int) -> UInt64 {
    let block = words(block: UInt32(index >> 1))
    let low = index & 1 == 0 ? block[0] : block[2]
    let high = index & 1 == 0 ? block[1] : block[3]
    return UInt64(high) << 32 | UInt64(low)
  }

  /// Uniform in 0..<`bound`, made from `uint64(at:)`; the bias is below `bound` / 2^64.
  /// - Precondition: `bound` > 0.
  package func integer(at index: Int, below bound: Int) -> Int {
    precondition(bound > 0, "an empty range has no member")
    return Int(uint64(at: index).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Uniform in [0, 1), a multiple of 2^-24, made from word `index`.
  package func uniform(at index: Int) -> Float { unitUniform(uint32(at: index)) }

  /// Uniform in [-1, 1), a multiple of 2^-23, made from word `index`. For weights: `bound * symmetric(at: i)`.
  package func symmetric(at index: Int) -> Float { symmetricUniform(uint32(at: index)) }

  /// Standard normal, by Box and Muller's method (1958) on words `index` and its neighbour in the pair; the largest
  /// magnitude is 5.77. Logarithm, sine and cosine are polynomials of ours, so that the bits are the same everywhere.
  package func normal(at index: Int) -> Float {
    let block = words(block: UInt32(index >> 2))
    let isUpperPair = index & 2 != 0
    let pair = boxMuller(
      SIMD8(repeating: isUpperPair ? block[2] : block[0]), SIMD8(repeating: isUpperPair ? block[3] : block[1])
    )
    return index & 1 == 0 ? pair.cosine[0] : pair.sine[0]
  }
}

/// Philox4x32 with ten rounds.
@inline(__always)
package func philox4x32(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
  var c0 = counter[0]
  var c1 = counter[1]
  var c2 = counter[2]
  var c3 = counter[3]
  var k0 = key[0]
  var k1 = key[1]
  for _ in 0..<PhiloxConstants.rounds {
    let p0 = UInt64(c0) &* UInt64(PhiloxConstants.multiplier0)
    let p1 = UInt64(c2) &* UInt64(PhiloxConstants.multiplier1)
    c0 = UInt32(truncatingIfNeeded: p1 >> 32) ^ c1 ^ k0
    c1 = UInt32(truncatingIfNeeded: p1)
    c2 = UInt32(truncatingIfNeeded: p0 >> 32) ^ c3 ^ k1
    c3 = UInt32(truncatingIfNeeded: p0)
    k0 &+= PhiloxConstants.weyl0
    k1 &+= PhiloxConstants.weyl1
  }
  return SIMD4(c0, c1, c2, c3)
}

/// Multipliers and the key's Weyl steps (golden ratio, square root of 3), from the paper.
enum PhiloxConstants {
  static let rounds = 10
  static let multiplier0: UInt32 = 0xD251_1F53
  static let multiplier1: UInt32 = 0xCD9E_8D57
  static let weyl0: UInt32 = 0x9E37_79B9
  static let weyl1: UInt32 = 0xBB67_AE85
}

/// The upper 24 bits of `word` as a multiple of 2^-24 in [0, 1).
@inline(__always)
private func unitUniform(_ word: UInt32) -> Float { Float(Int32(bitPattern: word >> 8)) * 0x1p-24 }

/// The upper 24 bits of `word`, read as a signed number, as a multiple of 2^-23 in [-1, 1).
@inline(__always)
func symmetricUniform(_ word: UInt32) -> Float { Float(Int32(bitPattern: word) >> 8) * 0x1p-23 }
