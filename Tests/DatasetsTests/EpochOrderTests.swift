import Base
import Datasets
import Testing

@Suite struct EpochOrderTests {
  @Test(arguments: [0, 1, 2, 3, 10, 1_797, 50_000])
  func isAPermutation(count: Int) {
    let order = epochOrder(count: count, seed: 1, epoch: 1)
    #expect(order.sorted() == (0..<Int32(count)).map { $0 })
  }

  @Test func dependsOnSeedAndEpochAlone() {
    let order = epochOrder(count: 1_000, seed: 1, epoch: 1)
    #expect(order == epochOrder(count: 1_000, seed: 1, epoch: 1))
    #expect(order != epochOrder(count: 1_000, seed: 1, epoch: 2))
    #expect(order != epochOrder(count: 1_000, seed: 2, epoch: 1))
    #expect(order != (0..<1_000).map { $0 })
  }

  /// Every image comes to every place equally often.
  @Test func isUniform() {
    let count = 8
    let epochs = 8_000
    var met = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for epoch in 1...epochs {
      for (place, image) in epochOrder(count: count, seed: 7, epoch: epoch).enumerated() {
        met[place][Int(image)] += 1
      }
    }
    // Five standard deviations of a binomial count: sqrt(8000 * 1/8 * 7/8) = 29.6.
    for row in met { for times in row { #expect(abs(times - epochs / count) < 148) } }
  }

  /// The first orders of a small set, so that a change of the rule is noticed.
  @Test func theRuleIsFixed() {
    var expected = [Int32](0..<10)
    let random = CounterRandom(seed: 42, purpose: .epochOrder, 3)
    for last in stride(from: 9, to: 0, by: -1) {
      expected.swapAt(last, Int(random.uint64(at: last).multipliedFullWidth(by: UInt64(last + 1)).high))
    }
    #expect(epochOrder(count: 10, seed: 42, epoch: 3) == expected)
  }

  private func epochOrder(count: Int, seed: UInt64, epoch: Int) -> [Int32] {
    var order = [Int32](repeating: -1, count: count)
    order.withUnsafeMutableBufferPointer { EpochOrder.fill($0, seed: seed, epoch: epoch) }
    return order
  }
}
