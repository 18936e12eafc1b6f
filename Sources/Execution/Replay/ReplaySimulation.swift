internal import Base
package import Planning

/// Asynchronous training as a sequence of events, in integers alone: which module works next, on which batch, from which
/// slot of the ring before it, into which slot of its own. A function of plan and seed: the same sequence whenever it is
/// run, so that a position in it is one number.
///
/// The rules are those of decoupled greedy learning's buffer experiments, but where the plan asks for cleaner ones:
/// - A ring holds whole batches; a module writes every batch that it outputs into the next slot, over the oldest.
/// - A reader takes one of the least used, the freshest of them, and uses it once more. With `write-pointer` ties the slot
///   that is written next, the oldest, comes first among equals once the ring is full, as in the published code.
/// - A module whose ring is empty, or used up, is passed over and another one drawn.
/// - In random order, every module works twice, in order, before the first draw and again after each fall of a learning
///   rate; then modules are drawn, a slow one `factor` times as seldom.
/// - A module that has learned all its epochs goes on feeding the next. All ends when the last module has.
package struct ReplaySimulation: Sendable {
  /// What one module does with one batch.
  package struct Event: Hashable, Sendable {
    /// From 1.
    package var module: Int
    /// The batch's number among all that the first module has met, from 0.
    package var batch: Int
    /// Nil: the module reads from the data set.
    package var slotRead: Int?
    /// Nil: nobody reads what the module outputs.
    package var slotWritten: Int?
    /// The module's own epoch and step, from 1; nil for a module that only feeds the next.
    package var learning: Learning?
    /// Set where with this event all modules have learned that many epochs (or all of theirs) for the first time.
    package var epochsDone: Int?

    package struct Learning: Hashable, Sendable {
      package var epoch: Int
      package var step: Int
    }
  }

  fileprivate struct Entry {
    var batch: Int
    var useCount: Int
  }

  fileprivate struct Ring {
    var slots: [Entry?]
    /// The slot that is written next.
    var next = 0
  }

  private let plan: ReplaySettings
  /// Those before it are frozen, and pass the batch on to it.
  private let firstModule: Int
  private let stepsPerEpoch: Int
  /// By module.
  private let epochs: [Int]
  /// By module: own epochs with which the rate falls.
  private let decays: [Set<Int>]
  private let random: CounterRandom
  /// By module, of 2^32 for one that is not slow.
  private let weights: [Int]

  /// Batches that each module has learned from, or, past its epochs, met.
  private var met: [Int]
  /// By module; the last one has none.
  private var rings: [Ring]
  /// Events of the beginning's fixed order so far; nil once it is over.
  private var beginning: Int?
  private var turn = 0
  private var drawCount = 0
  private var epochsDone = 0
  /// Events so far: the position in the sequence.
  package private(set) var eventCount = 0
  /// How often a module found nothing to read.
  package private(set) var starvedCount: [Int]
  /// Modules that had their turn, whether or not there was anything for them to do.
  package private(set) var turnCount = 0

  /// - Parameters:
  ///   - firstModule: that learns.
  ///   - epochs: by module, from that one on, like `decays`.
  ///   - decays: by module: own epochs, from 2, with which the rate falls.
  package init(
    _ plan: ReplaySettings, firstModule: Int = 1, stepsPerEpoch: Int, epochs: [Int], decays: [[Int]],
    seed: UInt64
  ) {
    precondition(
      epochs.count == decays.count && stepsPerEpoch > 0 && plan.slots > 0, "compiling checks these")
    self.plan = plan
    self.firstModule = firstModule
    self.stepsPerEpoch = stepsPerEpoch
    self.epochs = epochs
    self.decays = decays.map(Set.init)
    random = CounterRandom(seed: seed, purpose: .simulatedDelays)
    weights = epochs.indices.map { module in
      guard let slow = plan.slow, slow.module == module + firstModule else { return 1 << 32 }
      return max(1, Int((Double(1 << 32) / slow.factor).rounded()))
    }
    met = epochs.map { _ in 0 }
    rings = epochs.dropLast().map { _ in Ring(slots: [Entry?](repeating: nil, count: plan.slots)) }
    beginning = plan.order == .random ? 0 : nil
    starvedCount = epochs.map { _ in 0 }
  }

  /// Of a plan's stage.
  package init(_ training: TrainingSettings, stepsPerEpoch: Int) {
    guard let replay = training.replay else { preconditionFailure("asynchronous plans say how to replay") }
    let learning = training.modules.indices.dropFirst(training.frozenCount)
    self.init(
      replay, firstModule: training.frozenCount + 1, stepsPerEpoch: stepsPerEpoch,
      epochs: learning.map { training.modules[$0].epochs },
      decays: learning.map { training.decays(ofModule: $0 + 1) }, seed: training.seed)
  }

  /// The next event; nil once all modules have learned all their epochs.
  package mutating func next() -> Event? {
    while !isDone {
      let module = nextModule()
      turnCount += 1
      if let event = work(module) {
        eventCount += 1
        return event
      }
    }
    return nil
  }

  // Loops where closures would do: this runs in every step, and closures may take memory.

  private var isDone: Bool {
    for module in met.indices where !hasLearned(module) { return false }
    return true
  }

  private func hasLearned(_ module: Int) -> Bool { met[module] >= epochs[module] * stepsPerEpoch }

  // MARK: - Which module

  private mutating func nextModule() -> Int {
    switch plan.order {
    case .sequential:
      defer { turn = (turn + 1) % epochs.count }
      return turn
    case .random:
      if let position = beginning {
        beginning = position + 1 < 2 * epochs.count ? position + 1 : nil
        return position / 2
      }
      var total = 0
      for weight in weights { total += weight }
      var drawn = random.integer(at: drawCount, below: total)
      drawCount += 1
      for (module, weight) in weights.enumerated() {
        if drawn < weight { return module }
        drawn -= weight
      }
      preconditionFailure("what is drawn lies below the sum of the weights")
    }
  }

  // MARK: - What it does

  /// Nil where the module has nothing to read, or nothing to do.
  private mutating func work(_ module: Int) -> Event? {
    let learns = !hasLearned(module)
    let isLast = module == epochs.count - 1
    if !learns && isLast { return nil }
    var event = Event(module: module + firstModule, batch: met[module])
    if module > 0 {
      guard let slot = rings[module - 1].read(ties: plan.ties, reuse: plan.reuse),
        let entry = rings[module - 1].slots[slot]
      else {
        starvedCount[module] += 1
        return nil
      }
      event.batch = entry.batch
      event.slotRead = slot
    }
    if !isLast { event.slotWritten = rings[module].write(event.batch) }
    if learns {
      let (epoch, step) = met[module].quotientAndRemainder(dividingBy: stepsPerEpoch)
      event.learning = Event.Learning(epoch: epoch + 1, step: step + 1)
    }
    met[module] += 1
    if learns, met[module] % stepsPerEpoch == 0 { finishEpoch(module, &event) }
    return event
  }

  private mutating func finishEpoch(_ module: Int, _ event: inout Event) {
    if decays[module].contains(met[module] / stepsPerEpoch + 1) {
      if plan.clearsAtDecay, module < rings.count {
        rings[module] = Ring(slots: [Entry?](repeating: nil, count: plan.slots))
      }
      if plan.order == .random { beginning = 0 }
    }
    let all = epochs.max() ?? 0
    let done = met.indices.map { hasLearned($0) ? all : met[$0] / stepsPerEpoch }.min() ?? all
    if done > epochsDone {
      epochsDone = done
      event.epochsDone = done
    }
  }
}

extension ReplaySimulation.Ring {
  /// - Returns: the slot that `batch` was written into.
  fileprivate mutating func write(_ batch: Int) -> Int {
    let slot = next
    slots[slot] = ReplaySimulation.Entry(batch: batch, useCount: 0)
    next = (slot + 1) % slots.count
    return slot
  }

  /// Chooses a slot and counts its use; nil where there is none, or each was used `reuse` times.
  fileprivate mutating func read(ties: ReplaySettings.Ties, reuse: Int?) -> Int? {
    var least: Int?
    var isFull = true
    for entry in slots {
      guard let entry else {
        isFull = false
        continue
      }
      least = min(least ?? entry.useCount, entry.useCount)
    }
    guard let least else { return nil }
    if let reuse, least >= reuse { return nil }
    var slot = next
    if ties == .freshest || !isFull || slots[next]?.useCount != least {
      // Backwards from the last one written; one of them has the least count.
      repeat { slot = (slot + slots.count - 1) % slots.count } while slots[slot]?.useCount != least
    }
    slots[slot]?.useCount += 1
    return slot
  }
}
