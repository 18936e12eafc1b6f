import Artifacts
import CompilerSupport
import GraphIR
import Operators
import Planning
import Testing
import Text

/// What must hold for every plan, tried on specs that are drawn from seeds.
@Suite("Plans of random specs")
struct RandomPlanTests {
  private static let seeds = 0..<60

  /// A plan's programs with the layout of what is resident while they run.
  private func programs(_ plan: Plan) -> [(name: String, program: Program, resident: ResidentLayout)] {
    plan.programIDs.map { id in
      (id.words, plan.program(id), id.stage.map { plan.stages[$0 - 1].resident } ?? plan.resident)
    }
  }

  @Test(arguments: seeds)
  func holds(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let threads = 1 + seed % 3
    let spec = try DecodedSpec(random.text)
    let plan = try spec.plan(threads: threads, images: random.images)
    expectPlaces(plan, seed: seed, random.text)
    expectUpdates(plan, seed: seed)
    let again = try DecodedSpec(random.text).plan(threads: threads, images: random.images)
    let isSame = try text(plan, spec) == text(again, spec) && plan.layoutText == again.layoutText
    #expect(isSame, "seed \(seed): the second plan differs")
  }

  @Test("with all that a budget can ask for", arguments: seeds)
  func holdsWithChoices(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let spec = try DecodedSpec(random.text)
    let natural = try spec.plan(images: random.images)
    var choices = PlanChoices()
    // From a little less than what the stages need down to as little as can be.
    choices.recomputeAboveBytes = seed % 3 == 0 ? 1 : natural.arenaBytes * (9 - seed % 4) / 10
    // Pieces of one image leave batch norm nothing to work with; similarity losses and rings of whole batches have none.
    let isWhole = random.text.contains("sim") || random.text.contains("asynchronous")
    if !isWhole, seed % 2 == 0 { choices.microBatch = 3 }
    if !random.text.contains("sim"), seed % 4 < 2 { choices.forwardBatch = 2 + seed % 3 }
    if seed % 5 < 3 {
      choices.features = seed % 5 == 0 ? .memory : .file
      choices.featureStages = .all
    }
    let plan = try spec.plan(images: random.images, choices: choices)
    expectPlaces(plan, seed: seed, random.text)
    expectUpdates(plan, seed: seed)
    if choices.microBatch == nil {
      for (stage, other) in zip(plan.stages, natural.stages) {
        // Features in memory are there besides.
        let features = stage.features?.range?.count ?? 0
        #expect(stage.training.peak.total - features <= other.training.peak.total, "seed \(seed)")
      }
    }
    #expect(try spec.plan(images: random.images, choices: choices).layoutText == plan.layoutText)
  }

  private func text(_ plan: Plan, _ spec: DecodedSpec) throws -> String {
    JSONWriter.document(
      plan.json(specPath: nil, dataPath: nil, places: spec.places, try spec.comparison(with: plan)))
  }

  /// Programs are well formed, and every byte is accounted for.
  private func expectPlaces(_ plan: Plan, seed: Int, _ text: String) {
    for (name, program, resident) in programs(plan) {
      let place = Comment(rawValue: "seed \(seed), \(name):\n\(text)")
      #expect(throws: Never.self, place) {
        try GraphVerifier(program.graph).verify()
        try PlanVerifier(program, workers: plan.threads).verify()
      }
      let bound = CountedMemory(program, resident).largestTotal + (program.features?.count ?? 0)
      #expect(program.peak.total == bound, place)
      #expect(program.arenaBytes >= bound, place)
      #expect(program.arenaBytes <= plan.arenaBytes, place)
      #expect(firstIntruder(program, resident) == nil, place)
    }
    for stage in plan.stages {
      expectFeatures(stage, seed: seed)
      let programs = stage.programs.allElements
      #expect(stage.memory.lowerBoundBytes == programs.map(\.peak.total).max())
      #expect(stage.memory.arenaBytes == programs.map(\.arenaBytes).max())
    }
    let programs = programs(plan).map(\.program)
    #expect(plan.memory.lowerBoundBytes == programs.map(\.peak.total).max(), "seed \(seed)")
    #expect(plan.arenaBytes == programs.map(\.arenaBytes).max(), "seed \(seed)")
  }

  /// Features in memory have room for every image, and each program of the stage leaves them alone.
  private func expectFeatures(_ stage: StagePlan, seed: Int) {
    guard let features = stage.features else { return }
    guard let graph = stage.programs[.features]?.graph else {
      Issue.record("seed \(seed): no program makes the features")
      return
    }
    let perImage = 4 * graph.shape(graph.moduleOutputs[0]).elementsPerImage
    #expect(features.byteCount == (features.trainCount + features.testCount) * perImage, "seed \(seed)")
    #expect((features.storage == .memory) == (features.range != nil), "seed \(seed)")
    guard let range = features.range else { return }
    #expect(range.count >= features.byteCount && range.count < features.byteCount + 64, "seed \(seed)")
    for (role, program) in stage.programs.all where role != .featuresOfPrevious {
      #expect(program.features == range, "seed \(seed)")
    }
    if let making = stage.programs[.featuresOfPrevious]?.features {
      #expect(making.lowerBound == range.lowerBound && making.count >= features.largestByteCount)
    }
  }

  /// A transient value or a scratch that reaches into what is resident, whether or not the program knows of it.
  private func firstIntruder(_ program: Program, _ resident: ResidentLayout) -> String? {
    var transients: [(name: String, bytes: Range<Int>)] = []
    for (index, value) in program.graph.values.enumerated() {
      switch value.category {
      case .parameter, .statistics, .optimizer, .replay, .accumulator: continue
      case .batch, .gradient, .activation:
        let offset = program.offsets[index]
        transients.append(("%\(index)", offset..<offset + value.type.byteCount))
      }
    }
    for node in program.graph.nodes.indices {
      if let bytes = program.scratch(ofNode: node) { transients.append(("scratch of \(node)", bytes)) }
    }
    let kept =
      resident.entries.map { ($0.value.name, $0.offset..<$0.offset + $0.value.type.byteCount) }
      + (program.features.map { [("features", $0)] } ?? [])
    for (name, bytes) in kept {
      if let intruder = transients.first(where: { $0.bytes.overlaps(bytes) }) {
        return "\(intruder.name) over \(name)"
      }
    }
    return nil
  }

  /// Every parameter of the modules that learn is updated once a step, behind its last use.
  private func expectUpdates(_ plan: Plan, seed: Int) {
    for stage in plan.stages {
      let graph = stage.training.graph
      var updated: [String] = []
      for (index, node) in graph.nodes.enumerated() {
        guard node.op.is(Update.self) else { continue }
        let parameter = node.operands[0]
        updated.append(graph[parameter].name)
        let isRead = graph.nodes[(index + 1)...].contains { $0.operands.contains(parameter) }
        #expect(!isRead, "seed \(seed): '\(graph[parameter].name)' is read behind its update")
      }
      let trained = stage.resident.entries.filter {
        $0.value.category == .parameter && stage.schedule.indices.contains($0.value.module)
          && (stage.schedule.trainsLayers || !$0.value.name.hasPrefix("layers."))
      }
      #expect(updated.sorted() == trained.map(\.value.name).sorted(), "seed \(seed), stage \(stage.index)")
    }
    let parameters = plan.resident.entries.filter { $0.value.category == .parameter }
      .map(\.value.type.elementCount).reduce(0, +)
    let counted = plan.modules.map { $0.parameters + $0.auxiliaryParameters }.reduce(0, +)
    #expect(counted == parameters, "seed \(seed)")
  }
}

/// What is live at each node, counted by the definition and without the planner's own code.
private struct CountedMemory {
  private(set) var largestTotal = 0

  init(_ program: Program, _ resident: ResidentLayout) {
    let graph = program.graph
    func padded(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }
    let residentBytes = resident.entries.map { padded($0.value.type.byteCount) }.reduce(0, +)
    // A result that overwrites an operand lives in the operand's block: chains of them are one block.
    var block = graph.values.indices.map { $0 }
    for node in graph.nodes {
      guard let position = node.overwrites else { continue }
      block[node.results[0].index] = block[node.operands[position].index]
    }
    var first: [Int: Int] = [graph.images.index: 0, graph.labels.index: 0]
    var last: [Int: Int] = [graph.images.index: 0, graph.labels.index: 0]
    for (index, node) in graph.nodes.enumerated() {
      for value in node.operands + node.results {
        switch graph[value].category {
        case .parameter, .statistics, .optimizer, .replay, .accumulator: continue
        case .batch, .gradient, .activation:
          first[block[value.index]] = first[block[value.index]] ?? index
          last[block[value.index]] = index
        }
      }
    }
    for metric in graph.metrics { last[block[metric.value.index]] = graph.nodes.count - 1 }
    for index in graph.nodes.indices {
      var total = residentBytes + padded(program.scratch(ofNode: index)?.count ?? 0)
      for (value, start) in first where start <= index && index <= last[value, default: start] {
        total += padded(graph.values[value].type.byteCount)
      }
      largestTotal = max(largestTotal, total)
    }
  }
}
