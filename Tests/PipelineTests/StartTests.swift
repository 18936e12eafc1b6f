import CompilerSupport
import Diagnostics
import GraphIR
import Operators
import Pipeline
import Planning
import SpecLanguage
import Testing

/// The tensors that a run of a spec would leave in its model file.
func storedWeights(_ text: String) throws -> StoredWeights {
  let plan = try DecodedSpec(text).plan()
  return StoredWeights(
    path: "runs/a/model.safetensors", sha256: "0123",
    tensors: plan.resident.entries.map {
      StoredWeights.Tensor(name: $0.value.name, shape: $0.value.type.pyTorchShape)
    }, wiring: plan.wiring)
}

func compiledStart(
  _ text: String, from weights: StoredWeights, images: Int = 64, choices: PlanChoices? = nil
) throws -> Plan {
  let decoded = try DecodedSpec(text)
  let facts = DataFacts(
    trainCount: images, testCount: images, residentBytes: 0, fingerprint: nil)
  return try compile(
    LoweredSpec(decoded.spec),
    options: CompileOptions(
      threads: 2, facts: facts, specText: resolvedText(decoded.spec), start: .file(weights),
      choices: choices))
}

func startFault(_ text: String, from weights: StoredWeights) throws -> Diagnostic? {
  do {
    _ = try compiledStart(text, from: weights)
    return nil
  } catch let error as CompilationFailed {
    #expect(error.diagnostics.count == 1)
    return error.diagnostics.first
  }
}

func startSpec(
  widths: String, network: String = "", auxiliary: String = "linear",
  training: String = "strategy: sequential, epochs: 2", downsampling: String? = nil
) -> String {
  """
  strata: 1
  name: start
  data: {source: synthetic}
  network: {family: vgg, input: 3x8x8, classes: 4, widths: \(widths)\(network)}
  auxiliary: \(auxiliary)
  training: {\(training)}

  """ + (downsampling.map { "downsampling: {\($0)}\n" } ?? "")
}

private func resnet(_ network: String, training: String = "strategy: sequential") -> String {
  """
  strata: 1
  name: start
  data: {source: synthetic}
  network: {family: resnet, input: 3x16x16, classes: 4, stages: [{blocks: 1, width: 6}, {blocks: 2, width: 8}]\(network)}
  training: {\(training)}

  """
}

@Suite("Starting from stored weights")
struct StartTests {
  private let short: StoredWeights

  init() throws {
    short = try storedWeights(startSpec(widths: "[6, 8]"))
  }

  @Test("all tensors of an equal network")
  func whole() throws {
    let plan = try compiledStart(startSpec(widths: "[6, 8]", network: ", from: runs/a"), from: short)
    let start = try #require(plan.start)
    #expect(start.tensors.map(\.name).sorted() == plan.resident.entries.map(\.value.name).sorted())
    #expect(start.tensors.allSatisfy { $0.name == $0.stored })
    #expect(start.sha256 == "0123" && start.unsolved == [])
    #expect(plan.stages.map(\.schedule.indices) == [[1], [2]])
  }

  @Test(
    "a finished run is extended: its modules stay, its head becomes an auxiliary where it has the shapes of one"
  )
  func extended() throws {
    let plan = try compiledStart(
      startSpec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2"), from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[3]])
    #expect(plan.stages[0].epochs == 2)
    let start = try #require(plan.start)
    #expect(start.unsolved == [])
    #expect(
      start.tensors.contains { $0.stored == "head.output.weight" && $0.name == "auxiliaries.2.output.weight" }
    )
    #expect(!start.tensors.contains { $0.name.contains(".3.") || $0.name.hasPrefix("head.") })
    // Nothing of the frozen modules is updated, and their auxiliaries do not run.
    let graph = plan.stages[0].training.graph
    #expect(graph.nodes.allSatisfy { $0.module == 3 || $0.part == .layers })
    for node in graph.nodes where node.module < 3 {
      if let norm = node.op.as(BatchNorm.self) { #expect(norm.mode == .inference) }
      #expect(node.op.mutatedOperands.isEmpty)
    }
    for program in [plan.evaluation, plan.stages[0].programs[.depthEvaluation]] {
      let metrics = try #require(program).graph.metrics
      #expect(metrics.map(\.module) == [1, 2, 3, 2, 3])
      #expect(metrics.map(\.isEnsemble) == [false, false, false, true, true])
    }
  }

  @Test("a classifier of another shape starts anew; where its module is frozen nobody measures it")
  func otherClassifier() throws {
    let resolved = try compiledStart(
      startSpec(
        widths: "[6, 8]", network: ", from: runs/a, frozen: 1, head: {kind: mlp, hidden: [5]}"), from: short)
    #expect(resolved.start?.unsolved == [])
    #expect(resolved.start?.tensors.contains { $0.name.hasPrefix("head.") } == false)
    #expect(resolved.start?.tensors.contains { $0.name == "auxiliaries.1.output.weight" } == true)
    let mlp = try compiledStart(
      startSpec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2", auxiliary: "mlp"), from: short)
    #expect(mlp.start?.unsolved == [1, 2])
    #expect(mlp.evaluation.graph.metrics.map(\.module) == [3])
  }

  /// A plan that is compiled again from its choices is held against its file, figure by figure.
  @Test(
    "a frozen module that nobody measures is not measured in the comparison either", arguments: [64, 20_000])
  func unsolvedInComparison(images: Int) throws {
    let weights = try storedWeights(startSpec(widths: "[32, 32]"))
    let text = startSpec(
      widths: "[32, 32, 8]", network: ", from: runs/a, frozen: 2", auxiliary: "mlp",
      training: "strategy: sequential, epochs: 30")
    let natural = try compiledStart(text, from: weights, images: images)
    #expect(natural.start?.unsolved == [1, 2])
    // Features of so many images outweigh all else, and reading them from a file would take longer than computing them.
    #expect(natural.choices.features == (images == 64 ? .memory : .recompute))
    let plain = try compiledStart(text, from: weights, images: images, choices: PlanChoices())
    let spec = try DecodedSpec(text)
    let (all, rows) = (try spec.comparison(with: natural).rows, try spec.comparison(with: plain).rows)
    #expect((natural.choices == PlanChoices() ? all : Array(all.dropLast())) == rows)
    let own = try #require(rows.first { $0.strategy == .sequential })
    #expect(own.memory == plain.memory)
    // As the spec gives it with the strategy set.
    let parallel = try compiledStart(
      text.replacing("sequential", with: "parallel"), from: weights, images: images,
      choices: PlanChoices())
    #expect(rows.first { $0.strategy == .parallel }?.memory == parallel.memory)
  }

  @Test("the first layers of a deeper network: its auxiliary becomes the head")
  func shortened() throws {
    let deep = try storedWeights(startSpec(widths: "[6, 8, 10]"))
    let plan = try compiledStart(startSpec(widths: "[6, 8]", network: ", from: runs/a"), from: deep)
    #expect(
      plan.start?.tensors.contains {
        $0.stored == "auxiliaries.2.output.bias" && $0.name == "head.output.bias"
      }
        == true)
  }

  @Test("modules of the partition, whatever the stored one was")
  func partition() throws {
    let plan = try compiledStart(
      startSpec(
        widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 1",
        training: "partition: {modules: 2}, strategy: parallel"), from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2]])
    #expect(plan.start?.tensors.contains { $0.name == "layers.2.conv.weight" } == true)
  }

  @Test("end-to-end, from the layers that are there")
  func endToEnd() throws {
    let plan = try compiledStart(
      startSpec(widths: "[6, 8, 10]", network: ", from: runs/a", training: "strategy: end-to-end"),
      from: short)
    #expect(plan.start?.tensors.contains { $0.name == "layers.2.conv.weight" } == true)
    #expect(plan.start?.tensors.contains { $0.name.hasPrefix("head.") } == false)
  }

  @Test(
    "the largest batch of what starts from stored weights: a fault of theirs is thrown, no batch that does not fit"
  )
  func largestBatch() throws {
    func found(_ text: String, from source: StartSource?) throws -> [LargestBatch] {
      let decoded = try DecodedSpec(text)
      let options = CompileOptions(
        threads: 2, facts: DecodedSpec.facts(images: 64), specText: resolvedText(decoded.spec),
        start: source)
      return try LargestBatch.all(of: LoweredSpec(decoded.spec), options: options, budgetBytes: 32 << 20)
    }
    let text = startSpec(widths: "[6, 8]", network: ", from: runs/a")
    let stored = try found(text, from: .file(short))
    #expect(stored == (try found(startSpec(widths: "[6, 8]"), from: nil)))
    #expect(stored.count == 3 && stored.allSatisfy { ($0.batch ?? 0) > 0 })
    #expect(throws: CompilationFailed.self) { try found(text, from: nil) }
    let other = startSpec(widths: "[7, 8]", network: ", from: runs/a")
    #expect(throws: CompilationFailed.self) { try found(other, from: .file(short)) }
  }

  @Test("asynchronous: the frozen modules stand before the first that learns")
  func asynchronous() throws {
    let plan = try compiledStart(
      startSpec(
        widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 1", training: "strategy: asynchronous"),
      from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2, 3, 4]])
    let graph = plan.stages[0].training.graph
    #expect(graph.nodes.filter { $0.op.is(RingRead.self) }.map(\.module) == [3, 4])
    #expect(graph.nodes.filter { $0.op.is(RingWrite.self) }.map(\.module) == [2, 3])
    let feeding = try #require(plan.stages[0].programs[.feeding])
    #expect(feeding.graph.nodes.map(\.module).max() == 3)
  }

  @Test("staggered: those behind the frozen ones begin with the first epoch")
  func staggered() throws {
    let plan = try compiledStart(
      startSpec(
        widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 1",
        training: "strategy: parallel, epochs: 2, start: {every: 1}"), from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2], [2, 3], [3]])
    #expect(plan.stages.map { plan.training.drawing($0.schedule, epoch: 1) } == [1, 2, 3])
  }

  @Test("faults are told at the key")
  func faults() throws {
    let other = try startFault(startSpec(widths: "[6, 9]", network: ", from: runs/a"), from: short)
    #expect(
      other?.message
        == "6 stored tensors have other shapes than this network's: 'layers.2.conv.weight' [8, 6, 3, 3], here [9, 6, 3, 3]; "
        + [
          "conv.bias", "batch_norm.weight", "batch_norm.bias", "batch_norm.running_mean",
          "batch_norm.running_var",
        ]
        .map { "'layers.2.\($0)' [8], here [9]" }.joined(separator: "; "))
    let kernel = try startFault(
      startSpec(widths: "[6, 8]", network: ", kernel: [3, 5], from: runs/a"), from: short)
    #expect(
      kernel?.message
        == "the stored tensor 'layers.2.conv.weight' has the shape [8, 6, 3, 3], this network's has [8, 6, 5, 5]"
    )
    let resnet = """
      strata: 1
      name: start
      data: {source: synthetic}
      network: {family: resnet, input: 3x8x8, classes: 4, stages: [{blocks: 1, width: 6}], from: runs/a}
      training: {}

      """
    let stranger = try startFault(resnet, from: short)
    #expect(stranger?.message == "the weights at 'runs/a/model.safetensors' are not of this network")
    let frozen = try startFault(
      startSpec(widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 3"), from: short)
    #expect(frozen?.code == "E131")
    #expect(frozen?.message == "only 2 of the modules to be kept are stored")
    var torn = short
    torn.tensors.removeAll { $0.name == "layers.2.conv.bias" }
    let lacking = try startFault(startSpec(widths: "[6, 8]", network: ", from: runs/a"), from: torn)
    #expect(
      lacking?.message
        == "the weights at 'runs/a/model.safetensors' lack the tensor 'layers.2.conv.bias'")
  }

  // MARK: - What names and shapes do not tell

  @Test(
    "what is stored of a layer is not left behind, frozen or not",
    arguments: [
      ("bias: false", "layers.1.conv.bias", "`network.bias: true`"),
      ("batch-norm: false", "layers.1.batch_norm.weight", "`network.batch-norm: true`"),
      ("batch-norm: [true, false, true]", "layers.2.batch_norm.weight", "`network.batch-norm: true`"),
    ] as [(network: String, tensor: String, remedy: String)], [", frozen: 2", ""])
  func leftBehind(change: (network: String, tensor: String, remedy: String), frozen: String) throws {
    let weights = try storedWeights(startSpec(widths: "[6, 8, 10]"))
    let found = try startFault(
      startSpec(widths: "[6, 8, 10]", network: ", \(change.network), from: runs/a\(frozen)"), from: weights)
    #expect(found?.code == "E132")
    let message = try #require(found?.message)
    #expect(message.hasPrefix("the weights at 'runs/a/model.safetensors' have "))
    #expect(message.contains(" tensors that this network does not have: '\(change.tensor)', '"))
    #expect(found?.help?.hasSuffix(change.remedy) == true)
  }

  @Test("a projection is not left behind for a shortcut without parameters")
  func projection() throws {
    let weights = try storedWeights(resnet(""))
    let found = try startFault(resnet(", shortcut: zero-pad, from: runs/a"), from: weights)
    #expect(
      found?.message
        == "the weights at 'runs/a/model.safetensors' have 5 tensors that this network does not have: "
        + weights.tensors.map(\.name).filter { $0.contains("shortcut") }.map { "'\($0)'" }.joined(
          separator: ", "))
    #expect(found?.help?.contains("`network.shortcut: projection`") == true)
    // A layer that this network does not have is no part of one that it has.
    #expect(try startFault(resnet(", from: runs/a"), from: weights) == nil)
  }

  @Test(
    "frozen layers halve where and as they did when they were stored",
    arguments: [
      (nil, "kind: max-pool, before: [2]", "stored without, here with max-pool 2x2 stride 2"),
      ("kind: max-pool, before: [2]", nil, "stored with max-pool 2x2 stride 2, here without"),
      (
        "kind: max-pool, before: [2]", "kind: average-pool, before: [2]",
        "stored with max-pool 2x2 stride 2, here with average-pool 2x2"
      ),
      (
        nil, "kind: stride, before: [2]",
        "stored with conv 3x3 padding 1 with bias, here with conv 3x3 stride 2 padding 1 with bias"
      ),
    ] as [(String?, String?, String)])
  func halvings(before: String?, now: String?, label: String) throws {
    let weights = try storedWeights(startSpec(widths: "[6, 8, 10]", downsampling: before))
    func text(_ network: String) -> String {
      startSpec(widths: "[6, 8, 10]", network: ", from: runs/a\(network)", downsampling: now)
    }
    let found = try #require(try startFault(text(", frozen: 2"), from: weights))
    #expect(found.code == "E132" && found.label == label)
    #expect(found.message == "'layers.2' of 'runs/a/model.safetensors' would not compute what it did")
    #expect(found.notes.map(\.label) == ["module 2 is to be kept as it is stored"])
    #expect(found.help?.hasSuffix("`network.frozen: 1`") == true)
    // Layers that learn may read what they did not read before.
    #expect(try startFault(text(", frozen: 1"), from: weights) == nil)
    #expect(try startFault(text(""), from: weights) == nil)
  }

  @Test(
    "a frozen stem, and blocks whose shortcut has no parameters",
    arguments: [
      (", stem: {stride: 2}", "", "stem"), ("", ", stem: {stride: 2}", "stem"),
      (", stem: {pool: max}", "", "stem"), ("", ", stem: {pool: max}", "stem"),
    ])
  func stems(before: String, now: String, part: String) throws {
    let weights = try storedWeights(resnet(before))
    let found = try startFault(resnet("\(now), from: runs/a, frozen: 1"), from: weights)
    #expect(found?.message == "'\(part)' of 'runs/a/model.safetensors' would not compute what it did")
    #expect(try startFault(resnet("\(before), from: runs/a, frozen: 1"), from: weights) == nil)
  }

  @Test("files of other programs do not say how their layers compute: names and shapes decide")
  func foreign() throws {
    var weights = try storedWeights(startSpec(widths: "[6, 8, 10]"))
    weights.wiring = NetworkWiring()
    let text = startSpec(
      widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2",
      downsampling: "kind: max-pool, before: [2]")
    #expect(try startFault(text, from: weights) == nil)
  }

  @Test(
    "how a network computes does not hang on batch, strategy, budget and partition; it reads back from its text"
  )
  func wiring() throws {
    let text = startSpec(widths: "[6, 8, 10]", downsampling: "kind: max-pool, before: [2]")
    let wiring = try DecodedSpec(text).plan().wiring
    #expect(
      wiring.texts["layers.2"]
        == "max-pool 2x2 stride 2, conv 3x3 padding 1 with bias, batch-norm, relu")
    let quadrants = "adaptive-average-pool 4x4 to 2x2, batch-norm, flatten"
    #expect(wiring.texts["auxiliaries.2"] == "behind layers.2, \(quadrants) 8x2x2, linear")
    #expect(wiring.texts["head"] == "behind layers.3, \(quadrants) 10x2x2, linear")
    #expect(wiring.texts.count == 6)
    #expect(NetworkWiring(texts: wiring.texts) == wiring)
    for sets in [["training.batch=8"], ["training.strategy=parallel"], ["numerics=strict"]] {
      #expect(try DecodedSpec(text, sets: sets).plan().wiring == wiring)
    }
    var choices = PlanChoices()
    choices.microBatch = 4
    #expect(try DecodedSpec(text).plan(choices: choices).wiring == wiring)
    let whole = try DecodedSpec(text, sets: ["training.strategy=end-to-end"]).plan().wiring
    #expect(whole.steps == wiring.steps.filter { !$0.key.hasPrefix("auxiliaries.") })
    #expect(
      try DecodedSpec(resnet("")).plan().wiring.texts["blocks.2"]
        == "conv 3x3 stride 2 padding 1, batch-norm, relu, conv 3x3 padding 1, batch-norm, "
        + "shortcut conv 1x1 stride 2, batch-norm, add, relu")
  }

  @Test("a classifier stands behind the layer that it learned behind, or is none of the module's")
  func otherPartition() throws {
    let four = "[6, 6, 6, 6]"
    let weights = try storedWeights(startSpec(widths: four))
    let plan = try compiledStart(
      startSpec(
        widths: four, network: ", from: runs/a, frozen: 1",
        training: "partition: {modules: 2}, strategy: parallel"), from: weights)
    #expect(plan.start?.unsolved == [1])
    #expect(plan.start?.tensors.contains { $0.stored.hasPrefix("auxiliaries.") } == false)
    #expect(plan.start?.tensors.contains { $0.stored == "head.output.weight" } == true)
  }

  @Test("a classifier that has more than is wanted is another one; what a loss looks at does not count")
  func classifierWithMore() throws {
    let text = startSpec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 1")
    var weights = short
    weights.wiring = NetworkWiring()
    weights.tensors.append(StoredWeights.Tensor(name: "auxiliaries.1.hidden.1.linear.weight", shape: [1]))
    #expect(try compiledStart(text, from: weights).start?.unsolved == [1])
    let similar = try storedWeights(startSpec(widths: "[6, 8]", auxiliary: "{kind: linear, loss: predsim}"))
    #expect(similar.tensors.contains { $0.name == "auxiliaries.1.similarity.conv.weight" })
    #expect(try compiledStart(text, from: similar).start?.unsolved == [])
    let other = startSpec(
      widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 1",
      auxiliary: "{kind: linear, loss: predsim}")
    #expect(try compiledStart(other, from: short).start?.unsolved == [])
    #expect(
      try compiledStart(other, from: similar).start?.tensors.contains {
        $0.name == "auxiliaries.1.similarity.conv.weight"
      } == true)
  }

  @Test("graphs that are looked at are those that run, where a frozen module is not measured")
  func graphs() throws {
    let weights = try storedWeights(startSpec(widths: "[8, 8]"))
    let text = startSpec(widths: "[8, 8, 6, 6]", network: ", from: runs/a, frozen: 2", auxiliary: "mlp")
    let plan = try compiledStart(text, from: weights, choices: PlanChoices())
    #expect(plan.start?.unsolved == [1, 2])
    let graphs = try GraphDump.all(of: try DecodedSpec(text).spec, after: nil, start: .file(weights))
    for stage in plan.stages {
      func graph(_ title: String) -> Graph? {
        graphs.first { $0.title == "stage \(stage.index), \(title)" }?.graph
      }
      #expect(graph("training") == stage.training.graph)
      #expect(graph("evaluation") == stage.evaluation.graph)
      #expect(graph("evaluation of all depths") == stage.programs[.depthEvaluation]?.graph)
    }
  }

  @Test("weights that are not finite are refused where they are taken")
  func notFinite() throws {
    var weights = short
    weights.notFinite = ["layers.2.conv.weight"]
    let text = startSpec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2")
    let found = try startFault(text, from: weights)
    #expect(found?.code == "E132")
    #expect(found?.message == "the stored tensor 'layers.2.conv.weight' has numbers that are not finite")
    weights.notFinite = ["head.output.weight"]
    #expect(try startFault(text, from: weights) != nil)
    // Another head starts anew, whatever the stored one holds.
    let other = startSpec(widths: "[6, 8]", network: ", from: runs/a, head: gap")
    #expect(try startFault(other, from: weights) == nil)
  }
}
