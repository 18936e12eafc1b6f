import GraphIR
import Planning
import TestSupport
import Testing

@Suite struct ArenaPackerTests {
  /// Compares pairs, as the definition has it.
  private func firstOverlap(_ lifetimes: [Lifetime], _ offsets: [Int]) -> (Int, Int)? {
    for i in lifetimes.indices {
      for j in lifetimes.indices.dropFirst(i + 1) where lifetimes[i].nodes.overlaps(lifetimes[j].nodes) {
        let first = offsets[i]..<offsets[i] + lifetimes[i].byteCount
        let second = offsets[j]..<offsets[j] + lifetimes[j].byteCount
        if first.overlaps(second) { return (i, j) }
      }
    }
    return nil
  }

  private func lifetime(_ byteCount: Int, _ nodes: ClosedRange<Int>) -> Lifetime {
    Lifetime(
      owner: .scratch(node: nodes.lowerBound), category: .workspace, byteCount: byteCount, nodes: nodes)
  }

  private func randomLifetimes(seed: UInt64) -> [Lifetime] {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 1...60, using: &random)
    return (0..<count).map { _ in
      let start = Int.random(in: 0..<40, using: &random)
      let end = start + Int.random(in: 0..<12, using: &random)
      return lifetime(64 * Int.random(in: 1...200, using: &random), start...end)
    }
  }

  @Test("random lifetimes never overlap and stay between the bound and the sum", arguments: 0..<200)
  func randomLayouts(seed: Int) {
    let lifetimes = randomLifetimes(seed: UInt64(seed))
    let packer = ArenaPacker(lifetimes)
    let layout = packer.pack()
    let overlap = firstOverlap(lifetimes, layout.offsets)
    #expect(overlap == nil, "seed \(seed): \(String(describing: overlap))")
    #expect(layout.byteCount >= packer.lowerBound, "seed \(seed)")
    #expect(layout.byteCount <= lifetimes.map(\.byteCount).reduce(0, +), "seed \(seed)")
    #expect(packer.pack() == layout, "seed \(seed): the second layout differs")
  }

  @Test("lies as its orders are defined, block against block", arguments: 0..<200)
  func asDefined(seed: Int) {
    let lifetimes = randomLifetimes(seed: UInt64(seed))
    #expect(ArenaPacker(lifetimes).pack().offsets == GreedyReference.best(lifetimes), "seed \(seed)")
  }

  /// Forward and backward through so many layers: what each makes is wanted until the way back reaches it.
  private func steps(layers: Int) -> Int {
    var lifetimes = (0..<layers).map { lifetime(4096, $0...2 * layers - $0) }
    for node in 0...2 * layers {
      lifetimes.append(lifetime(64 * (1 + node % 5), node...min(2 * layers, node + 2)))
    }
    var steps = 0
    _ = ArenaPacker(lifetimes).pack(countingSteps: &steps)
    return steps
  }

  @Test("looks at little more than twice as much for twice the depth")
  func growth() {
    let (shallow, deep) = (steps(layers: 500), steps(layers: 1000))
    #expect(Double(deep) < 2.5 * Double(shallow), "\(shallow) steps, then \(deep)")
  }

  @Test("the bound is the largest sum of what lives at once, counted node by node", arguments: 0..<50)
  func lowerBound(seed: Int) {
    let lifetimes = randomLifetimes(seed: UInt64(seed))
    let most = (0..<60).map { node in
      lifetimes.filter { $0.nodes.contains(node) }.map(\.byteCount).reduce(0, +)
    }.max()
    #expect(ArenaPacker(lifetimes).lowerBound == most, "seed \(seed)")
  }

  @Test("blocks that follow one another share bytes")
  func reuse() {
    let layout = ArenaPacker([lifetime(128, 0...1), lifetime(64, 2...3), lifetime(64, 2...4)]).pack()
    #expect(layout.byteCount == 128)
    #expect(layout.offsets[0] == 0)
    #expect(Set(layout.offsets[1...]) == [0, 64])
  }

  @Test("nothing to lay out takes nothing")
  func empty() {
    let layout = ArenaPacker([]).pack()
    #expect(layout.offsets.isEmpty)
    #expect(layout.byteCount == 0)
  }
}
