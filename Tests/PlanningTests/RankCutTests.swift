import Planning
import Testing

@Suite("Cutting modules into ranks")
struct RankCutTests {
  @Test(
    "gives the cuts that a hand finds",
    arguments: [
      ([4, 1, 1, 4], 2, [0..<2, 2..<4]),
      ([1, 2, 3, 4, 5], 3, [0..<3, 3..<4, 4..<5]),
      // Two of these cost the most whatever the cut: the last group is the longest.
      ([1, 1, 1, 1], 3, [0..<1, 1..<2, 2..<4]),
      ([9, 1, 1, 1], 2, [0..<1, 1..<4]),
      ([7], 1, [0..<1]),
      ([1, 2, 3], 1, [0..<3]),
      ([1, 2, 3], 3, [0..<1, 1..<2, 2..<3]),
      ([0, 0, 0], 2, [0..<1, 1..<3]),
    ] as [([Double], Int, [Range<Int>])])
  func byHand(costs: [Double], count: Int, expected: [Range<Int>]) {
    #expect(RankCut.groups(of: costs, count: count) == expected)
  }

  /// The dearest group of every cut, the cheapest of these: by trying all.
  private static func cheapest(_ costs: ArraySlice<Double>, _ count: Int) -> Double {
    if count == 1 { return costs.reduce(0, +) }
    return (costs.startIndex + 1...costs.endIndex - count + 1).map { end in
      max(costs[costs.startIndex..<end].reduce(0, +), cheapest(costs[end...], count - 1))
    }.min() ?? 0
  }

  @Test("is never dearer than the best of all cuts, and covers everything once")
  func exhaustive() {
    var state: UInt64 = 1
    for length in 1...9 {
      for count in 1...length {
        let costs = (0..<length).map { _ in
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          return Double(state >> 60)
        }
        let groups = RankCut.groups(of: costs, count: count)
        #expect(groups.count == count && groups.allSatisfy { !$0.isEmpty })
        #expect(groups.flatMap { Array($0) } == Array(0..<length))
        let dearest = groups.map { costs[$0].reduce(0, +) }.max()
        #expect(dearest == Self.cheapest(costs[...], count), "\(costs) in \(count)")
      }
    }
  }

  @Test("keeps frozen modules with the first that learns")
  func frozen() {
    let costs = RankCosts(unit: .multiplyAdds, byModule: [1, 1, 5, 1])
    #expect(costs.groups(count: 2, frozenCount: 1) == [1...2, 3...4])
    #expect(costs.groups(count: 2, frozenCount: 0) == [1...2, 3...4])
    #expect(costs.groups(count: 2, frozenCount: 2) == [1...3, 4...4])
    #expect(costs.groups(count: 1, frozenCount: 3) == [1...4])
  }

  @Test("tells fill, speed-up and shares of costs")
  func pipeline() {
    let figures = PipelineFigures(unit: .seconds, costs: [2, 4, 1], oneProcess: 7)
    #expect(figures.fillSteps == 2)
    #expect(figures.speedup == 1.75)
    #expect(figures.shares == [0.5, 1, 0.25])
    let nothing = PipelineFigures(unit: .multiplyAdds, costs: [0, 0], oneProcess: 0)
    #expect(nothing.speedup == 1 && nothing.shares == [1, 1])
  }

  @Test(
    "reads rates",
    arguments: [
      ("10Gbit/s", 10_000_000_000), ("2.5Gbit/s", 2_500_000_000), ("100Mbit/s", 100_000_000),
      ("56kbit/s", 56_000), ("0.001kbit/s", 1), ("10", nil), ("Gbit/s", nil), ("-1Gbit/s", nil),
      ("0Gbit/s", nil), ("1e3Gbit/s", nil), ("1.Gbit/s", nil), (".5Gbit/s", nil), ("10GB/s", nil),
      ("10 Gbit/s", nil), ("1.2.3Gbit/s", nil), ("99999999999999Gbit/s", nil), ("", nil),
    ] as [(String, Int?)])
  func rates(text: String, expected: Int?) {
    let rate = LinkRate(text)
    #expect(rate?.bitsPerSecond == expected)
    if let rate { #expect(LinkRate(rate.words) == rate, "\(rate.words)") }
  }
}
