import CompilerSupport
import GraphIR
import Operators
import Planning
import TestSupport
import Testing

/// Layouts that are broken on purpose.
@Suite("The verifier of plans")
struct PlanVerifierTests {
  private let program: Program
  private var graph: Graph { program.graph }

  init() throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: verify
      network: {family: vgg, input: 3x8x8, widths: [8, 12], head: gap}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
      training: {strategy: parallel, batch: 8}
      """)
    program = try spec.plan().stages[0].training
  }

  private func fault(_ program: Program) -> String? {
    do {
      try PlanVerifier(program, workers: 2).verify()
      return nil
    } catch {
      return error.description
    }
  }

  private func changed(
    offsets: [Int]? = nil, scratch: [Range<Int>]? = nil, arenaBytes: Int? = nil, graph: Graph? = nil
  ) -> Program {
    Program(
      graph: graph ?? program.graph, offsets: offsets ?? program.offsets,
      scratch: scratch ?? ranges, arenaBytes: arenaBytes ?? program.arenaBytes)
  }

  private var ranges: [Range<Int>] { graph.nodes.indices.map { program.scratch(ofNode: $0) ?? 0..<0 } }

  private func moved(_ value: Int, to offset: Int) -> Program {
    var offsets = program.offsets
    offsets[value] = offset
    return changed(offsets: offsets)
  }

  private func isResident(_ value: Int) -> Bool {
    switch graph.values[value].category {
    case .parameter, .statistics, .optimizer, .replay, .accumulator: true
    case .batch, .gradient, .activation: false
    }
  }

  private func firstNode(_ op: (Op) -> Bool) throws -> Int {
    try #require(graph.nodes.firstIndex { op($0.op) })
  }

  @Test("takes the planner's layout")
  func intact() {
    #expect(fault(program) == nil)
    #expect(fault(changed()) == nil)
  }

  /// By values, found here from the nodes alone.
  private func liveNodes() -> [ClosedRange<Int>?] {
    graph.values.indices.map { value in
      let id = ValueID(index: value)
      let uses = graph.nodes.indices.filter { graph.nodes[$0].operands.contains(id) }
      let definition = graph.nodes.firstIndex { $0.results.contains(id) }
      let isWanted = graph.metrics.contains { $0.value == id }
      guard let start = definition ?? (graph.values[value].category == .batch ? 0 : nil) else { return nil }
      return start...(isWanted ? graph.nodes.count - 1 : max(start, uses.max() ?? start))
    }
  }

  @Test("any two values that live at once, the one moved over the other")
  func everyPair() {
    let live = liveNodes()
    var tried = 0
    for (moving, lifetime) in live.enumerated() {
      guard let lifetime else { continue }
      for (other, otherLifetime) in live.enumerated() where other != moving {
        guard let otherLifetime, lifetime.overlaps(otherLifetime) else { continue }
        // A result in the place of an operand that its node overwrites is as it should be.
        let pair = Set([ValueID(index: moving), ValueID(index: other)])
        let isInPlace = graph.nodes.contains { node in
          node.overwrites.map { pair == Set([node.operands[$0], node.results[0]]) } ?? false
        }
        if isInPlace { continue }
        tried += 1
        let told = fault(moved(moving, to: program.offsets[other]))
        #expect(told != nil, "%\(moving) in the place of %\(other)")
      }
    }
    #expect(tried > 500)
  }

  @Test("a transient value over each resident one")
  func overResidents() {
    for resident in graph.values.indices where isResident(resident) {
      for value in graph.values.indices where !isResident(value) {
        let told = fault(moved(value, to: program.offsets[resident]))
        #expect(told != nil, "%\(value) in the place of \(graph.values[resident].name)")
      }
    }
  }

  @Test("two resident values in one place")
  func residents() throws {
    let resident = graph.values.indices.filter(isResident)
    let told = fault(moved(resident[1], to: program.offsets[resident[0]]))
    #expect(told?.hasPrefix("two resident values share bytes") == true)
  }

  @Test("images and labels in one place")
  func batch() throws {
    let told = fault(moved(graph.labels.index, to: program.offsets[graph.images.index]))
    #expect(told == "images and labels share bytes")
  }

  @Test("a value that ends one byte behind the arena")
  func behindTheArena() {
    for (value, offset) in program.offsets.enumerated() {
      let end = offset + graph.values[value].type.byteCount
      #expect(fault(changed(arenaBytes: end - 1)) != nil, "%\(value)")
      #expect(fault(moved(value, to: -64)) != nil, "%\(value)")
    }
  }

  @Test("scratch over the node's operands, its results and what lives on, and behind the arena")
  func scratch() throws {
    var tried = 0
    for node in graph.nodes.indices {
      guard let scratch = program.scratch(ofNode: node) else { continue }
      let live = liveNodes()
      for value in graph.values.indices where isResident(value) || live[value]?.contains(node) == true {
        var ranges = ranges
        let start = program.offsets[value]
        ranges[node] = start..<start + scratch.count
        tried += 1
        #expect(fault(changed(scratch: ranges)) != nil, "scratch of node \(node) over %\(value)")
      }
      var ranges = ranges
      ranges[node] = program.arenaBytes - scratch.count + 1..<program.arenaBytes + 1
      #expect(fault(changed(scratch: ranges)) != nil)
    }
    #expect(tried > 500)
  }

  @Test("scratch of one cache line less than a node needs")
  func tooLittleScratch() {
    var tried = 0
    for node in graph.nodes.indices {
      guard let scratch = program.scratch(ofNode: node) else { continue }
      var ranges = ranges
      ranges[node] = scratch.lowerBound..<scratch.upperBound - 64
      tried += 1
      #expect(fault(changed(scratch: ranges))?.contains("its scratch is smaller") == true, "node \(node)")
    }
    #expect(tried > 10)
  }

  @Test("places off the cache lines")
  func alignment() throws {
    let value = try #require(graph.nodes.last { !$0.results.isEmpty }?.results[0].index)
    #expect(fault(moved(value, to: program.offsets[value] + 4)) != nil)
    let node = try firstNode { $0.is(Convolution.self) }
    var ranges = ranges
    let scratch = try #require(program.scratch(ofNode: node))
    ranges[node] = scratch.lowerBound + 4..<scratch.upperBound
    #expect(fault(changed(scratch: ranges)) != nil)
  }

  @Test("a value that nobody writes")
  func unwritten() {
    var graph = graph
    let lost = graph.nodes[0].results[0].index
    graph.nodes.removeFirst()
    var scratch = ranges
    scratch.removeFirst()
    #expect(fault(changed(scratch: scratch, graph: graph)) == "%\(lost) is read but never written")
  }

  /// Whether two values that live at once share bytes, one of them compared with the other, in place aside.
  private func hasOverlap(_ offsets: [Int], _ live: [ClosedRange<Int>?], inPlace: Set<Set<Int>>) -> Bool {
    func bytes(_ value: Int) -> Range<Int> {
      offsets[value]..<offsets[value] + graph.values[value].type.byteCount
    }
    for first in live.indices {
      for second in live.indices.dropFirst(first + 1) where bytes(first).overlaps(bytes(second)) {
        let (a, b) = (live[first], live[second])
        let isTogether = a.map { a in b.map { a.overlaps($0) } ?? true } ?? true
        if isTogether, !inPlace.contains([first, second]) { return true }
      }
    }
    return false
  }

  @Test("finds what comparing all pairs finds, of values at random places", arguments: 0..<40)
  func againstAllPairs(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let live = liveNodes()
    var inPlace: Set<Set<Int>> = []
    for node in graph.nodes {
      if let overwritten = node.overwrites {
        inPlace.insert([node.operands[overwritten].index, node.results[0].index])
      }
    }
    // Wide apart, so that many of these layouts are right; scratch lies behind all.
    let room = seed % 2 == 0 ? 400 : 4000
    let largest = graph.values.map(\.type.byteCount).max() ?? 0
    let slot = (largest + 63) / 64 * 64
    var agreed = (right: 0, wrong: 0)
    for _ in 0..<40 {
      var offsets = program.offsets
      var slots = Array(0..<room).shuffled(using: &random)
      for value in graph.values.indices { offsets[value] = slot * slots.removeLast() }
      for node in graph.nodes {
        if let overwritten = node.overwrites {
          offsets[node.results[0].index] = offsets[node.operands[overwritten].index]
        }
      }
      if Bool.random(using: &random) {
        let (moved, other) = (graph.values.indices.randomElement(using: &random) ?? 0, 0)
        offsets[moved] = offsets[graph.values.indices.randomElement(using: &random) ?? other]
      }
      var scratchStart = slot * room
      let scratch = ranges.map { range in
        defer { scratchStart += (range.count + 63) / 64 * 64 }
        return range.isEmpty ? 0..<0 : scratchStart..<scratchStart + range.count
      }
      let told = fault(
        changed(offsets: offsets, scratch: scratch, arenaBytes: scratchStart + slot * (room + 1)))
      let isWrong = hasOverlap(offsets, live, inPlace: inPlace)
      #expect((told != nil) == isWrong, "seed \(seed): \(told ?? "no fault")")
      if isWrong { agreed.wrong += 1 } else { agreed.right += 1 }
    }
    #expect(agreed.right > 2 && agreed.wrong > 2, "seed \(seed): \(agreed)")
  }

  @Test("compares twice as much for twice the depth", arguments: ["end-to-end", "parallel"])
  func growth(strategy: String) throws {
    func steps(layers: Int) throws -> Int {
      let spec = try DecodedSpec(
        """
        strata: 1
        name: deep
        network: {family: vgg, input: 3x4x4, widths: [{width: 4, repeat: \(layers)}]}
        training: {strategy: \(strategy), batch: 4}
        """)
      let plan = try spec.plan()
      var steps = 0
      for program in [plan.stages[0].training, plan.evaluation] {
        try PlanVerifier(program, workers: 2).verify(countingSteps: &steps)
      }
      return steps
    }
    let (shallow, deep) = (try steps(layers: 40), try steps(layers: 80))
    #expect(Double(deep) < 2.2 * Double(shallow), "\(shallow) steps, then \(deep)")
  }
}
