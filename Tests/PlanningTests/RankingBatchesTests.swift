import Planning
import TestSupport
import Testing

@Suite("Batches that channels are ranked over")
struct RankingBatchesTests {
  private func sizes(_ images: Int, _ batch: Int) -> [Int] {
    let batches = RankingBatches(images: images, batch: batch)
    return (0..<batches.count).map { batches[$0].count }
  }

  @Test("are as even as can be, the larger ones first")
  func byHand() {
    #expect(sizes(110, 40) == [37, 37, 36])
    #expect(sizes(80, 40) == [40, 40])
    #expect(sizes(41, 40) == [21, 20])
    #expect(sizes(3, 2) == [2, 1])
    // Of a criterion that looks at no images.
    #expect(sizes(0, 40) == [0])
  }

  @Test("take every image once, in order, and none stands alone but behind batches of two")
  func properties() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<500 {
      let (images, batch) = (
        Int.random(in: 1...300, using: &random), Int.random(in: 1...40, using: &random)
      )
      let batches = RankingBatches(images: images, batch: batch)
      let ranges = (0..<batches.count).map { batches[$0] }
      #expect(ranges.flatMap { Array($0) } == Array(0..<images), "\(images) by \(batch)")
      #expect(ranges.allSatisfy { $0.count <= batch })
      #expect(ranges.map(\.count).min() == batches.smallest)
      #expect(batches.smallest > 1 || batch < 3 || images == 1, "\(images) by \(batch)")
    }
  }

  @Test("are counted, not kept: as many as there can be take no memory")
  func large() {
    let batches = RankingBatches(images: 1_000_000_000_000, batch: 1)
    #expect(batches.count == 1_000_000_000_000 && batches.smallest == 1)
    #expect(batches[999_999_999_999] == 999_999_999_999..<1_000_000_000_000)
    #expect(RankingBatches(images: .max, batch: 2).count == .max / 2 + 1)
  }
}
