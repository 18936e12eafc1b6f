import GraphIR
import Planning
import TestSupport
import Testing

@Suite("A layout that grows")
struct GrowingLayoutTests {
  /// A layout, and beside it all blocks as the packer would get them.
  private struct Growth {
    var layout = GrowingLayout()
    var lifetimes: [Lifetime] = []
    var livesOn: [Bool] = []
    var end = -1

    mutating func add(_ byteCount: Int, _ nodes: ClosedRange<Int>, livesOn: Bool) {
      _ = layout.add(byteCount: byteCount, nodes: nodes, tie: lifetimes.count, livesOn: livesOn)
      lifetimes.append(
        Lifetime(
          owner: .scratch(node: nodes.lowerBound), category: .workspace, byteCount: byteCount, nodes: nodes))
      self.livesOn.append(livesOn)
    }

    mutating func extend(_ index: Int, to last: Int) {
      layout.extend(index, to: last, livesOn: livesOn[index])
      if last > lifetimes[index].nodes.upperBound {
        lifetimes[index].nodes = lifetimes[index].nodes.lowerBound...last
      }
    }

    /// A module's nodes: blocks of few different sizes, as networks have them, now and then one of its own; some blocks from before
    /// are wanted longer, and those that live on are wanted up to the end.
    mutating func addModule(_ random: inout SplitMix64) {
      let start = end + 1
      let count = Int.random(in: 1...12, using: &random)
      end = start + count - 1
      for index in lifetimes.indices where livesOn[index] { extend(index, to: end) }
      for index in lifetimes.indices.suffix(20) where !livesOn[index] {
        guard lifetimes[index].nodes.upperBound == start - 1, Bool.random(using: &random) else { continue }
        extend(index, to: Int.random(in: start...end, using: &random))
      }
      for node in start...end {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          let isOdd = Int.random(in: 0..<6, using: &random) == 0
          let size =
            isOdd ? Int.random(in: 1...50, using: &random) : 1 << Int.random(in: 0...4, using: &random)
          let livesOn = Int.random(in: 0..<9, using: &random) == 0
          add(
            64 * size, node...(livesOn ? end : Int.random(in: node...end, using: &random)), livesOn: livesOn)
        }
      }
    }
  }

  @Test("lies as if it had been packed anew, after every module and behind every trial", arguments: 0..<60)
  func packedAnew(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var growth = Growth()
    for _ in 0..<14 {
      // What is tried is seen as it would be, and leaves no trace.
      for _ in 0..<2 {
        let before = growth
        let (tried, offsets) = growth.layout.trying { layout in
          var trial = before
          trial.layout = layout
          trial.addModule(&random)
          trial.layout.settle()
          layout = trial.layout
          return (trial.lifetimes, layout.offsets)
        }
        #expect(offsets == GreedyReference.largestFirst(tried), "seed \(seed), tried")
        #expect(growth.layout.offsets == before.layout.offsets, "seed \(seed), behind a trial")
      }
      growth.addModule(&random)
      growth.layout.settle()
      #expect(growth.layout.offsets == GreedyReference.largestFirst(growth.lifetimes), "seed \(seed)")
      #expect(growth.layout.lifetimes.map(\.nodes) == growth.lifetimes.map(\.nodes), "seed \(seed)")
    }
  }

  /// Modules that are all alike, each handing a block on, and one block that lives from the beginning to the end.
  ///
  /// - Parameter metrics: small blocks of each module that wait for the program's end.
  private func steps(modules: Int, metrics: Int = 0) -> Int {
    var growth = Growth()
    growth.add(64, 0...0, livesOn: true)
    for module in 0..<modules {
      let start = 8 * module
      for index in growth.lifetimes.indices where growth.livesOn[index] {
        growth.extend(index, to: start + 7)
      }
      if module > 0 { growth.extend(growth.lifetimes.count - 1, to: start + 3) }
      for node in 0..<7 {
        growth.add(64 << (node % 4), start + node...start + min(7, node + 2), livesOn: false)
      }
      for _ in 0..<metrics { growth.add(64, start + 6...start + 7, livesOn: true) }
      growth.add(512, start + 7...start + 7, livesOn: false)
      growth.end = start + 7
      growth.layout.settle()
    }
    return growth.layout.steps
  }

  @Test("looks at twice as much for twice the depth")
  func growth() {
    let (shallow, deep) = (steps(modules: 200), steps(modules: 400))
    #expect(Double(deep) < 2.2 * Double(shallow), "\(shallow) steps, then \(deep)")
  }

  /// Each block meets all metrics from before its module, so the square is what there is; if the metrics were placed anew behind
  /// every module, each looking at all that it has outlived, it would be the cube.
  @Test("leaves metrics of earlier modules where they lie")
  func metrics() {
    let (shallow, deep) = (steps(modules: 60, metrics: 2), steps(modules: 120, metrics: 2))
    #expect(Double(deep) < 4.4 * Double(shallow), "\(shallow) steps, then \(deep)")
  }
}
