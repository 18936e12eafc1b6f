import Foundation
import TestSupport
import Testing

@Suite struct NumbersTests {
  /// The first outputs for seed 1234567 of the generator's published reference.
  @Test func splitMixGivesItsPublishedSequence() {
    var generator = SplitMix64(seed: 1_234_567)
    #expect(
      (0..<3).map { _ in generator.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }

  @Test func drawsStayInTheirRanges() {
    var generator = SplitMix64(seed: 1)
    let uniform = generator.uniform(count: 1000, in: 2...3)
    #expect(uniform.allSatisfy { 2...3 ~= $0 } && abs(uniform.reduce(0, +) / 1000 - 2.5) < 0.05)
    #expect(generator.uniformAwayFromZero(count: 1000, gap: 0.1).allSatisfy { abs($0) >= 0.0999 })
    let distinct = generator.distinct(count: 100)
    #expect(Set(distinct).count == 100 && distinct != distinct.sorted())
  }

  @Test func centralDifferencesFindAKnownGradient() {
    // f = x^3 y + exp(z)
    let point = [2.0, -3.0, 0.5]
    let gradient = numericalGradient(at: point) { $0[0] * $0[0] * $0[0] * $0[1] + exp($0[2]) }
    #expect(relativeL2(gradient, [-36, 8, exp(0.5)]) < 1e-9)
  }

  @Test func relativeErrorIsMeasuredAgainstTheExpected() {
    #expect(relativeL2([3.0, 5.0], [3.0, 4.0]) == 0.2)
    #expect(relativeL2([3.0], [0.0]) == 3)
    #expect(!(relativeL2([Double.nan], [0.0]) < 1))
    #expect(!(relativeL2([Float.nan], [1.0]) < 1))
  }
}
