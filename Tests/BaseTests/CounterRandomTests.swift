import Base
import Glibc
import Testing

@Suite struct CounterRandomTests {
  /// The known answers that Random123 ships for philox4x32 with ten rounds.
  @Test func knownAnswers() {
    #expect(
      philox4x32(counter: SIMD4(0, 0, 0, 0), key: SIMD2(0, 0))
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      philox4x32(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox4x32(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func wordsComeFromTheDocumentedCounter() {
    let random = CounterRandom(seed: 0x1122_3344_5566_7788, purpose: .augmentation, 9, 7)
    let block = philox4x32(counter: SIMD4(3, 7, 9, 3), key: SIMD2(0x5566_7788, 0x1122_3344))
    #expect((12..<16).map { random.uint32(at: $0) } == (0..<4).map { block[$0] })
    #expect(random.uint64(at: 6) == UInt64(block[1]) << 32 | UInt64(block[0]))
    #expect(random.uint64(at: 7) == UInt64(block[3]) << 32 | UInt64(block[2]))
  }

  @Test func everyPartOfTheKeyMatters() {
    var seen: Set<UInt64> = []
    for seed in [0, 1, 1 << 32] as [UInt64] {
      for purpose in RandomPurpose.allCases {
        for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
          seen.insert(CounterRandom(seed: seed, purpose: purpose, first, second).uint64(at: 0))
        }
      }
    }
    #expect(seen.count == 3 * RandomPurpose.allCases.count * 4)
  }

  @Test func uniformNumbersStayInTheirRangesAndAreUniform() {
    let random = CounterRandom(seed: 5, purpose: .initialWeights, 1, 2)
    let count = 100_000
    var buckets = [Int](repeating: 0, count: 10)
    var sum = 0.0
    var squares = 0.0
    for i in 0..<count {
      let unit = random.uniform(at: i)
      let signed = random.symmetric(at: i)
      #expect(unit >= 0 && unit < 1 && signed >= -1 && signed < 1)
      buckets[Int(unit * 10)] += 1
      sum += Double(signed)
      squares += Double(signed) * Double(signed)
    }
    // Five standard deviations: of a bucket sqrt(n 0.09), of the mean sqrt(1 / 3n).
    for bucket in buckets { #expect(abs(bucket - count / 10) < 475) }
    #expect(abs(sum / Double(count)) < 5 * 0.001826)
    #expect(abs(squares / Double(count) - 1.0 / 3) < 5 * 0.000943)
  }

  @Test func integersCoverTheirRangeEvenly() {
    let random = CounterRandom(seed: 5, purpose: .simulatedDelays)
    var counts = [Int](repeating: 0, count: 7)
    for i in 0..<70_000 { counts[random.integer(at: i, below: 7)] += 1 }
    for count in counts { #expect(abs(count - 10_000) < 5 * 93) }
    #expect((0..<100).allSatisfy { random.integer(at: $0, below: 1) == 0 })
  }

  @Test func normalNumbersHaveTheMomentsOfTheNormalDistribution() {
    let count = 1 << 20
    let numbers = normals(CounterRandom(seed: 11, purpose: .syntheticNoise, 3, 4), count: count)
    var moments = [Double](repeating: 0, count: 5)
    var beyondTwo = 0
    var beyondFour = 0
    var neighbours = 0.0
    for (i, number) in numbers.enumerated() {
      var power = 1.0
      for degree in 1...4 {
        power *= Double(number)
        moments[degree] += power / Double(count)
      }
      if abs(number) > 2 { beyondTwo += 1 }
      if abs(number) > 4 { beyondFour += 1 }
      if i > 0 { neighbours += Double(numbers[i - 1]) * Double(number) / Double(count) }
    }
    // Five standard deviations of each estimate: variances 1, 2, 15, 96 over the count.
    let deviation = 1 / Double(count).squareRoot()
    #expect(abs(moments[1]) < 5 * deviation)
    #expect(abs(moments[2] - 1) < 5 * deviation * 2.0.squareRoot())
    #expect(abs(moments[3]) < 5 * deviation * 15.0.squareRoot())
    #expect(abs(moments[4] - 3) < 5 * deviation * 96.0.squareRoot())
    #expect(abs(neighbours) < 5 * deviation)
    #expect(abs(Double(beyondTwo) / Double(count) - 0.0455003) < 5 * 0.000204)
    #expect((30...110).contains(beyondFour))  // 66 are expected
    #expect(numbers.allSatisfy { abs($0) < 5.78 })
  }

  /// Against the C library's logarithm and cosine, from the same words.
  @Test func normalNumbersAreBoxAndMullers() {
    let random = CounterRandom(seed: 2, purpose: .syntheticNoise, 8, 9)
    for pair in 0..<2_000 {
      let radiusWord = random.uint32(at: 2 * pair)
      let angleWord = random.uint32(at: 2 * pair + 1)
      let u = 1 - Double(radiusWord >> 9) / 0x1p23
      let quarter = Double(angleWord >> 30)
      let place = Double((angleWord << 2) >> 9) / 0x1p23 - 0.5
      let radius = (-2 * log(u)).squareRoot()
      let angle = (quarter + place) * .pi / 2
      #expect(abs(Double(random.normal(at: 2 * pair)) - radius * cos(angle)) < 2e-6)
      #expect(abs(Double(random.normal(at: 2 * pair + 1)) - radius * sin(angle)) < 2e-6)
    }
  }

  @Test(arguments: [0..<1, 0..<16, 5..<6, 3..<40, 16..<48, 15..<17, 31..<100, 7..<7])
  func fillingARangeGivesTheSameBitsAsAskingOneByOne(range: Range<Int>) {
    let random = CounterRandom(seed: 3, purpose: .syntheticNoise, 1, 1)
    let filled = normals(random, from: range.lowerBound, count: range.count)
    #expect(filled.map(\.bitPattern) == range.map { random.normal(at: $0).bitPattern })
  }

  private func normals(_ random: CounterRandom, from start: Int = 0, count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      random.fillNormal(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), from: start)
      initialized = count
    }
  }
}
