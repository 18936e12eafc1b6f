import CompilerSupport
import Execution
import Planning
import Testing

/// `2: b1 r0 w1 e1.2` is module 2 on batch 1, from slot 0 into slot 1, learning in step 2 of its epoch 1; `feeds` in place
/// of the epoch where it has none left; `done 1` where that event ends epoch 1 for all.
private func text(_ event: ReplaySimulation.Event) -> String {
  var words = ["\(event.module): b\(event.batch)"]
  if let slot = event.slotRead { words.append("r\(slot)") }
  if let slot = event.slotWritten { words.append("w\(slot)") }
  words.append(event.learning.map { "e\($0.epoch).\($0.step)" } ?? "feeds")
  if let done = event.epochsDone { words.append("done \(done)") }
  return words.joined(separator: " ")
}

private func plan(
  slots: Int, reuse: Int? = nil, slow: ReplaySettings.SlowModule? = nil,
  order: ReplaySettings.Order = .sequential,
  ties: ReplaySettings.Ties = .freshest, clears: Bool = false
) -> ReplaySettings {
  ReplaySettings(slots: slots, reuse: reuse, slow: slow, order: order, ties: ties, clearsAtDecay: clears)
}

private func events(
  _ plan: ReplaySettings, steps: Int, epochs: [Int], decays: [[Int]]? = nil, seed: UInt64 = 1,
  limit: Int = .max
) -> [ReplaySimulation.Event] {
  var simulation = ReplaySimulation(
    plan, stepsPerEpoch: steps, epochs: epochs, decays: decays ?? epochs.map { _ in [] }, seed: seed)
  var events: [ReplaySimulation.Event] = []
  while events.count < limit, let event = simulation.next() { events.append(event) }
  return events
}

@Suite("Asynchronous training as events")
struct ReplaySimulationTests {
  @Test("in turn, with one slot: every batch through all modules, as in parallel training")
  func inTurn() {
    #expect(
      events(plan(slots: 1), steps: 2, epochs: [1, 1, 1]).map(text) == [
        "1: b0 w0 e1.1", "2: b0 r0 w0 e1.1", "3: b0 r0 e1.1",
        "1: b1 w0 e1.2", "2: b1 r0 w0 e1.2", "3: b1 r0 e1.2 done 1",
      ])
  }

  @Test("a module that is done goes on feeding; the last one has nobody to feed")
  func feeding() {
    #expect(
      events(plan(slots: 1), steps: 1, epochs: [1, 2]).map(text) == [
        "1: b0 w0 e1.1", "2: b0 r0 e1.1 done 1", "1: b1 w0 feeds", "2: b1 r0 e2.1 done 2",
      ])
    #expect(
      events(plan(slots: 1), steps: 1, epochs: [2, 1]).map(text) == [
        "1: b0 w0 e1.1", "2: b0 r0 e1.1 done 1", "1: b1 w0 e2.1 done 2",
      ])
  }

  /// Three modules work twice each at first; module 1 and 2 fill rings of three. Worked by hand: module 2 reads its two
  /// batches freshest first (slot 1, then the unused slot 0), and so does module 3.
  @Test("the beginning in random order, from rings that are not full yet")
  func beginning() {
    let all = events(plan(slots: 3, order: .random), steps: 100, epochs: [1, 1, 1], limit: 6)
    #expect(
      all.map(text) == [
        "1: b0 w0 e1.1", "1: b1 w1 e1.2",
        "2: b1 r1 w0 e1.1", "2: b0 r0 w1 e1.2",
        "3: b0 r1 e1.1", "3: b1 r0 e1.2",
      ])
  }

  /// One writer, one reader, whose draws are read off the sequence itself: what the reader must find is then worked out by
  /// a second, plainer account of the rules, a list of batches from oldest to freshest.
  @Test(
    "least used first, then the freshest, or the oldest of a full ring",
    arguments: [ReplaySettings.Ties.freshest, .writePointer], [nil, 1, 2])
  func choices(ties: ReplaySettings.Ties, reuse: Int?) {
    let slots = 4
    var kept: [(batch: Int, uses: Int)] = []
    var writes = 0
    let all = events(
      plan(slots: slots, reuse: reuse, order: .random, ties: ties), steps: 300, epochs: [1, 1], seed: 7)
    #expect(all.count >= 600)
    for event in all {
      if event.module == 1 {
        #expect(event.slotWritten == writes % slots)
        kept.append((event.batch, 0))
        if kept.count > slots { kept.removeFirst() }
        writes += 1
      } else {
        let least = kept.map(\.uses).min() ?? 0
        #expect(least < reuse ?? .max)
        let equals = kept.indices.filter { kept[$0].uses == least }
        let oldestFirst = ties == .writePointer && kept.count == slots && equals.first == 0
        let choice = oldestFirst ? 0 : equals[equals.count - 1]
        #expect(event.batch == kept[choice].batch)
        #expect(event.slotRead == event.batch % slots)
        kept[choice].uses += 1
      }
    }
  }

  /// Written out by hand: a ring of two, full with batches 0 and 1, both used once; slot 0 is written next.
  @Test("ties by hand")
  func ties() {
    // The beginning: b0 into slot 0, b1 into slot 1, then the reader takes the least used: freshest first takes slot 1,
    // the published code takes the slot at the write pointer, slot 0, because the ring is full.
    func reads(_ ties: ReplaySettings.Ties) -> [Int?] {
      events(plan(slots: 2, order: .random, ties: ties), steps: 50, epochs: [1, 1], limit: 4)
        .filter { $0.module == 2 }.map(\.slotRead)
    }
    #expect(reads(.freshest) == [1, 0])
    #expect(reads(.writePointer) == [0, 1])
  }

  @Test("a batch is read as often as allowed, and a starved module is passed over")
  func starvation() {
    var simulation = ReplaySimulation(
      plan(slots: 1, reuse: 1, order: .random), stepsPerEpoch: 50, epochs: [1, 1], decays: [[], []], seed: 3)
    var readCount: [Int: Int] = [:]
    // The second of the two turns at the beginning finds the only batch used up.
    #expect(simulation.next()?.module == 1)
    #expect(simulation.next()?.module == 1)
    #expect(simulation.next()?.batch == 1)
    #expect(simulation.starvedCount == [0, 0])
    _ = simulation.next()
    #expect(simulation.starvedCount[1] >= 1)
    while let event = simulation.next() {
      if event.module == 2 { readCount[event.batch, default: 0] += 1 }
    }
    #expect(readCount.values.allSatisfy { $0 == 1 })
    #expect(simulation.starvedCount[0] == 0)
  }

  @Test("at a decay the ring may be emptied, and the beginning's order comes again")
  func decay() {
    // Module 1 ends its epoch with its second batch; its third is the first with the lower rate.
    let kept = events(
      plan(slots: 4, order: .random), steps: 2, epochs: [4, 4], decays: [[2], []], limit: 6)
    let cleared = events(
      plan(slots: 4, order: .random, clears: true), steps: 2, epochs: [4, 4], decays: [[2], []], limit: 6)
    // After two events of the beginning the order starts again: module 1 twice, then module 2 twice.
    let modules = [1, 1, 1, 1, 2, 2]
    #expect(kept.map(\.module) == modules)
    #expect(cleared.map(\.module) == modules)
    #expect(kept.map(\.slotWritten) == [0, 1, 2, 3, nil, nil])
    #expect(cleared.map(\.slotWritten) == [0, 1, 0, 1, nil, nil])
    #expect(kept.suffix(2).map(\.batch) == [3, 2])
    #expect(cleared.suffix(2).map(\.batch) == [3, 2])
    // Two more reads would go back to batches 1 and 0, were they still there.
    let inTurn = events(
      plan(slots: 1, clears: true), steps: 1, epochs: [3, 3], decays: [[2], []], limit: 4)
    #expect(
      inTurn.map(text) == ["1: b0 w0 e1.1", "1: b1 w0 e2.1", "2: b1 r0 e1.1 done 1", "1: b2 w0 e3.1"])
  }

  @Test("a slow module works as seldom as it is slow, and everyone learns as long as asked")
  func slowModule() {
    let slow = ReplaySettings.SlowModule(module: 2, factor: 4)
    let all = events(
      plan(slots: 8, slow: slow, order: .random), steps: 400, epochs: [1, 1, 1], seed: 11)
    for module in 1...3 {
      #expect(all.filter { $0.module == module && $0.learning != nil }.count == 400)
    }
    // While the slow one learns its 400 steps the first makes about 1,600: 1,200 of them only feed. Three standard
    // deviations of that count are about 4 sqrt(400) sqrt(1 + 1/4) x 3 = 270.
    let firstCount = all.filter { $0.module == 1 }.count
    #expect((1_330...1_870).contains(firstCount))
    #expect(all.filter { $0.epochsDone != nil }.map(\.epochsDone) == [1])
    #expect(all.last?.module == 2)
  }

  @Test("the same seed draws the same, another one does not; steps and epochs count on")
  func seeds() {
    let replay = plan(slots: 3, order: .random)
    let first = events(replay, steps: 20, epochs: [3, 3, 3], seed: 5)
    #expect(first == events(replay, steps: 20, epochs: [3, 3, 3], seed: 5))
    #expect(first != events(replay, steps: 20, epochs: [3, 3, 3], seed: 6))
    for module in 1...3 {
      let steps = first.filter { $0.module == module }.compactMap(\.learning)
      #expect(steps.map(\.epoch) == (0..<60).map { $0 / 20 + 1 })
      #expect(steps.map(\.step) == (0..<60).map { $0 % 20 + 1 })
    }
    #expect(first.compactMap(\.epochsDone) == [1, 2, 3])
  }

  @Test("what a stage comes to is counted without running it")
  func counts() throws {
    let text = """
      strata: 1
      name: counts
      data: {source: synthetic}
      network: {family: vgg, input: 3x8x8, classes: 4, widths: [6, 8, 8]}
      training:
        strategy: asynchronous
        epochs: 2
        batch: 16
        asynchronous: {buffer: 2, reuse: 1, slow: {module: 3, by: 2}}
      """
    let plan = try DecodedSpec(text).plan(images: 160)
    let counts = try #require(ReplayCounts(plan))
    #expect(counts.events == 3 * 2 * 10 + counts.feedingCount.reduce(0, +))
    // The last module feeds nobody, and the first never waits.
    #expect(counts.feedingCount[2] == 0 && counts.feedingCount[0] > 0)
    #expect(counts.starvedCount[0] == 0 && counts.starvedCount[1] > 0)
    // Most turns of this one find nothing to read, and there are far more of them than events.
    let starved = try DecodedSpec(
      text, sets: ["training.asynchronous={reuse: 1, slow: {module: 1, by: 1000}}"]
    ).plan(images: 160)
    #expect(ReplayCounts(starved, longest: 10_000) == nil)
    #expect(try #require(ReplayCounts(starved)).events < 100)
    // A ring of many batches is looked through for each that is read.
    let wide = try DecodedSpec(text, sets: ["training.asynchronous={buffer: 6400}"]).plan(images: 160)
    #expect(ReplayCounts(wide, longest: 1000) == nil && ReplayCounts(plan, longest: 1000) != nil)
    let parallel = try DecodedSpec(text, sets: ["training.strategy=parallel"]).plan(images: 160)
    #expect(ReplayCounts(parallel) == nil)
  }
}
