internal import CostModel
internal import GraphIR
internal import Passes
package import Planning
internal import SpecLanguage

/// What programs need that are kept together and run one at a time.
struct Needs: Hashable {
  /// Of the one that takes most.
  var arenaBytes = 0
  /// Of all.
  var runtime = RuntimeMemory()

  /// - Parameter arenaBytes: of the graph's program.
  mutating func add(_ graph: Graph, arenaBytes: Int) {
    self.arenaBytes = max(self.arenaBytes, arenaBytes)
    runtime.formUnion(graph.runtime)
  }

  mutating func formUnion(_ other: Needs) {
    arenaBytes = max(arenaBytes, other.arenaBytes)
    runtime.formUnion(other.runtime)
  }

  func union(_ other: Needs) -> Needs {
    var both = self
    both.formUnion(other)
    return both
  }
}

/// Multiply-adds of training steps, weighed by epochs. In `Double`, which no number of epochs overflows.
struct TrainingWork: Hashable {
  var recomputed = 0.0
  var frozen = 0.0
  var total = 0.0

  mutating func add(_ graph: Graph, _ schedule: StageSchedule, batch: Int) {
    let step = StepMultiplyAdds(graph, trained: schedule.indices, batch: batch)
    recomputed += Double(step.recomputed) * Double(schedule.epochs)
    frozen += Double(step.frozen) * Double(schedule.epochs)
    total += Double(step.total) * Double(schedule.epochs)
  }

  mutating func add(_ other: TrainingWork) {
    recomputed += other.recomputed
    frozen += other.frozen
    total += other.total
  }

  /// As `Plan.recomputedShare` and `Plan.frozenShare` have them.
  var recomputedShare: Double { recomputed / max(1, total - recomputed) }
  var frozenShare: Double { frozen / max(1, total - recomputed - frozen) }
}

/// The programs of a plan as far as a search has to know them: laid out without the proof, counted and let go.
///
/// Holds graphs of one stage at a time: what is planned before a run counts to the process' peak.
final class MeasuredPrograms {
  let choices: PlanChoices
  private let spec: Spec
  private let facts: DataFacts
  private let threads: Int
  private let narrowed: NarrowedNetwork
  private let planned: PlannedNetwork
  private let planner: Planner
  private let unsolved: [Int]
  /// By images at once; 0: as many as learn.
  private var forwardNeeds: [Int: Needs] = [:]
  /// By modules that have lost channels.
  private var networks: [Int: ResidentLayout] = [:]

  /// What learns, by stage.
  private(set) var stages: [Stage] = []
  let modulesInNetwork: Int
  let hasKeptFeatures: Bool

  struct Stage {
    /// Training and the ranking of channels, with nothing computed again but what the choices ask for.
    var learning = Needs()
    /// What runs beside them and never computes anything again.
    var feeding = Needs()
    var work = TrainingWork()
    /// In front of all that the stage's programs use and give up.
    var residentBytes = 0
    /// The most that is live, with what is resident.
    var neededBytes = 0
    /// No way to train the stage takes less, by the same convolutions; and by any.
    var floorBytes = 0
    var floorBytesWithoutScratch = 0
  }

  /// Nil where a batch can't pass like that.
  init?(_ compiler: Compiler, _ choices: PlanChoices, threads: Int) {
    let (spec, facts) = (compiler.spec, compiler.options.facts)
    guard let network = try? compiler.network(choices),
      let (training, start) = try? checkedTraining(
        of: spec, network, choices, facts: facts, start: compiler.options.start)
    else { return nil }
    self.spec = spec
    self.choices = choices
    self.facts = facts
    self.threads = threads
    unsolved = start?.unsolved ?? []
    narrowed = NarrowedNetwork(network, training)
    planned = PlannedNetwork(spec, narrowed, choices, unsolved: unsolved)
    planner = planned.planner(threads: threads, facts: facts, choices)
    modulesInNetwork = network.moduleCount
    hasKeptFeatures = planned.stages.contains { $0.kept != nil }
    stages = planned.stages.map(measured)
  }

  private var batch: Int { narrowed.training.batch }

  private func firstModule(_ stage: PlannedNetwork.Stage) -> Int {
    KeptPrefix.firstModule(behind: stage.kept)
  }

  /// What is resident in front of a stage's other values.
  private func residentBytes(_ stage: PlannedNetwork.Stage, _ training: Graph) -> Int {
    let state = stage.schedule.narrowedCount
    let network = networks[state] ?? ResidentLayout(network: narrowed[stage.schedule])
    networks[state] = network
    return planner.resident(in: stage.schedule, of: training, network: network).byteCount
  }

  /// Of features in memory; 0 elsewhere.
  private func featureBytes(_ bytesPerImage: Int) -> Int {
    choices.features == .memory ? planner.featureByteCount(bytesPerImage: bytesPerImage) : 0
  }

  /// What a module outputs for an image.
  private func bytesPerImage(_ module: Int, _ stage: PlannedNetwork.Stage) -> Int {
    let network = narrowed[stage.schedule]
    return network[network.moduleOutputs[module - 1]].type.byteCount(images: 1)
  }

  private func measured(_ stage: PlannedNetwork.Stage) -> Stage {
    let network = narrowed[stage.schedule]
    let first = firstModule(stage)
    let graph = trainingGraph(network, stage.schedule, spec, planner, firstModule: first).graph
    var measured = Stage()
    measured.residentBytes = residentBytes(stage, graph)
    let features = stage.kept.map { featureBytes(bytesPerImage($0.module, stage)) } ?? 0
    let base = measured.residentBytes + features
    func note(_ graph: Graph) {
      let program = planner.measured(graph, behind: base)
      measured.learning.add(graph, arenaBytes: program.arenaBytes)
      measured.neededBytes = max(measured.neededBytes, program.peakBytes - features)
      measured.floorBytes = max(measured.floorBytes, base + graph.floorBytes(workers: threads))
      measured.floorBytesWithoutScratch = max(
        measured.floorBytesWithoutScratch, base + graph.floorBytes(workers: nil))
    }
    note(graph)
    measured.work.add(graph, stage.schedule, batch: batch)
    if let ranking = narrowed.ranking(
      behind: stage.schedule, spec, planner, training: graph, firstModule: first)?.graph
    {
      note(ranking)
    }
    if let feeding = feedingGraph(network, spec, planner)?.graph {
      measured.feeding.add(
        feeding, arenaBytes: planner.measured(feeding, behind: measured.residentBytes).arenaBytes)
    }
    return measured
  }

  /// All that learns, with nothing computed again but what the choices ask for.
  var learning: Needs {
    stages.reduce(into: Needs()) {
      $0.formUnion($1.learning)
      $0.formUnion($1.feeding)
    }
  }

  /// What learns in other ways than its training programs.
  var feeding: Needs { stages.reduce(into: Needs()) { $0.formUnion($1.feeding) } }

  var work: TrainingWork { stages.reduce(into: TrainingWork()) { $0.add($1.work) } }

  // MARK: - What learns nothing

  /// All that only runs forward, on so many images at once; nil: on as many as learn, or where they can't pass like that.
  func forward(images: Int?) -> Needs? {
    if let known = forwardNeeds[images ?? 0] { return known }
    guard let needs = measuredForward(images: images) else { return nil }
    forwardNeeds[images ?? 0] = needs
    return needs
  }

  private func measuredForward(images: Int?) -> Needs? {
    var narrowed = narrowed
    if let images {
      var choices = choices
      choices.forwardBatch = images
      guard let network = try? lower(spec.with(choices)),
        let forward = try? lower(spec.with(choices).forward(choices))
      else { return nil }
      narrowed = NarrowedNetwork(network, forward: forward, narrowed.training)
    }
    let planned = PlannedNetwork(spec, narrowed, choices, unsolved: unsolved)
    var needs = Needs()
    func add(_ graph: Graph, behind base: Int) {
      needs.add(graph, arenaBytes: planner.measured(graph, behind: base).arenaBytes)
    }
    var previousBytes = 0
    for (stage, natural) in zip(planned.stages, stages) {
      let (schedule, forward) = (stage.schedule, narrowed.forward(stage.schedule))
      let resident = natural.residentBytes
      var base = resident
      if let kept = stage.kept {
        func graph(_ modules: ClosedRange<Int>) -> Graph {
          featureGraph(forward, modules: modules, spec, planner).graph
        }
        let own = bytesPerImage(kept.module, stage)
        base += featureBytes(own)
        add(graph(1...kept.module), behind: base)
        // While they are made in place, the larger of both is there.
        if let source = kept.source {
          add(graph(source + 1...kept.module), behind: resident + featureBytes(max(own, previousBytes)))
        }
        previousBytes = own
      } else {
        previousBytes = 0
      }
      add(
        stageEvaluation(
          forward, schedule, spec, planner, firstModule: firstModule(stage), unsolved: unsolved
        ).graph, behind: base)
      if let all = depthEvaluation(forward, schedule, spec, planner, unsolved: unsolved)?.graph {
        add(all, behind: base)
      }
    }
    let network = ResidentLayout(network: narrowed.final)
    add(planned.evaluation(planner), behind: network.byteCount)
    return needs
  }

  // MARK: - Computing again

  /// What learns, where training programs that need more than a rung compute values again.
  struct Recomputed {
    var rung: Int
    /// From 1: further down.
    var depth: Int
    var learning: Needs
    var work: TrainingWork
  }

  /// Tells the rungs at which the arena takes no more than `limit`, of one of the ladders that `RecomputeRungs` has. A ladder ends where a
  /// stage has no way further down. A rung that takes less work than one above it is none: so the first that fits is the
  /// cheapest, and nobody has to look further.
  ///
  /// - Parameter isEnough: is told each rung; whether those behind it are not wanted.
  func recomputed(ladder: Int, within limit: Int, until isEnough: (Recomputed) -> Bool) {
    guard choices.recomputeAboveBytes == nil, choices.features != .memory,
      let start = stages.map(\.neededBytes).max(),
      stages.allSatisfy({ max($0.floorBytes, $0.feeding.arenaBytes) <= limit })
    else { return }
    let rungs = RecomputeRungs.ladder(ladder, below: start)
    var states = zip(planned.stages, stages).map { RungState(self, $0, $1) }
    var mostWork = 0.0
    for (index, rung) in rungs.enumerated() {
      var isEnd = false
      for stage in states.indices where !states[stage].lower(to: rung) { isEnd = true }
      let work = states.reduce(into: TrainingWork()) { $0.add($1.work) }
      let isCandidate = work.recomputed >= mostWork
      mostWork = max(mostWork, work.recomputed)
      if isCandidate, let learning = needs(&states, within: limit) {
        let recomputed = Recomputed(
          rung: rung, depth: RecomputeRungs.perDoubling * index + ladder + 1, learning: learning, work: work)
        if isEnough(recomputed) { break }
      }
      if isEnd { break }
    }
  }

  /// Nil where a stage's arena is larger.
  private func needs(_ states: inout [RungState], within limit: Int) -> Needs? {
    guard states.allSatisfy({ $0.neededBytes <= limit }) else { return nil }
    var needs = feeding
    for stage in states.indices {
      let stageNeeds = states[stage].measured()
      guard stageNeeds.arenaBytes <= limit else { return nil }
      needs.formUnion(stageNeeds)
    }
    return needs
  }

  /// A stage on its way down.
  private struct RungState {
    private let owner: MeasuredPrograms
    private let stage: PlannedNetwork.Stage
    private let natural: MeasuredPrograms.Stage
    /// Nil until something has to be computed again.
    private var ladders: [RematerializationLadder]?
    private var known: Needs?
    private(set) var work: TrainingWork

    init(_ owner: MeasuredPrograms, _ stage: PlannedNetwork.Stage, _ natural: MeasuredPrograms.Stage) {
      self.owner = owner
      self.stage = stage
      self.natural = natural
      known = natural.learning
      work = natural.work
    }

    /// The most that is live, with what is resident.
    var neededBytes: Int { ladders?.map(\.neededBytes).max() ?? natural.neededBytes }

    /// False where it ends.
    mutating func lower(to rung: Int) -> Bool {
      guard neededBytes > rung else { return true }
      var all = ladders ?? begin()
      ladders = nil
      var isEnd = false
      for index in all.indices where all[index].neededBytes > rung && !all[index].lower(to: rung) {
        isEnd = true
      }
      work = TrainingWork()
      work.add(all[0].graph, stage.schedule, batch: owner.batch)
      ladders = all
      known = nil
      return !isEnd
    }

    private func begin() -> [RematerializationLadder] {
      let network = owner.narrowed[stage.schedule]
      let first = KeptPrefix.firstModule(behind: stage.kept)
      let training = keepingGraph(
        network, stage.schedule, owner.spec, owner.planner, firstModule: first
      ).graph
      let ranking = owner.narrowed.keepingRanking(
        behind: stage.schedule, owner.spec, owner.planner, firstModule: first)?.graph
      return [training, ranking].compactMap { graph in
        graph.map {
          RematerializationLadder(
            $0, residentBytes: natural.residentBytes, workers: owner.planner.countedThreads)
        }
      }
    }

    mutating func measured() -> Needs {
      if let known { return known }
      guard let ladders else { return natural.learning }
      let needs = ladders.reduce(into: Needs()) { needs, ladder in
        let graph = InPlace().run(ladder.graph)
        let arenaBytes = owner.planner.measured(graph, behind: natural.residentBytes).arenaBytes
        needs.add(graph, arenaBytes: arenaBytes)
      }
      known = needs
      return needs
    }
  }
}

/// As many threads as memory is counted for where that decides what is chosen: no number of threads changes what a budget's
/// plan computes.
extension PlanChoices {
  package static let countedThreads = 2
}
