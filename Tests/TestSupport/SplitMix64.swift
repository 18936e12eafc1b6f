/// Steele, Lea and Flood's SplitMix64 (2014): one 64-bit word of state, the same numbers on every machine.
///
/// Tests draw from it so that a failure can be repeated from the seed that it prints.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in `range`, of 53 random bits.
  package mutating func uniform(in range: ClosedRange<Double> = -1...1) -> Double {
    let unit = Double(next() >> 11) * 0x1p-53
    return range.lowerBound + unit * (range.upperBound - range.lowerBound)
  }

  /// Uniform numbers that a `Float` holds exactly, so that a kernel and its reference start from the same inputs.
  package mutating func uniform(count: Int, in range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in Double(Float(uniform(in: range))) }
  }

  /// Uniform numbers whose magnitude is at least `gap`: none of them near the kink of a ReLU.
  package mutating func uniformAwayFromZero(count: Int, gap: Double = 0.05) -> [Double] {
    uniform(count: count).map { $0 < 0 ? $0 - gap : $0 + gap }.map { Double(Float($0)) }
  }

  /// `count` numbers in random order, each at least `1 / count` from every other: no ties for a max-pool.
  package mutating func distinct(count: Int) -> [Double] {
    (0..<count).map { Double(Float((2 * Double($0) - Double(count)) / Double(count))) }.shuffled(using: &self)
  }
}
