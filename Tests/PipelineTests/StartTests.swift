import CompilerSupport
import Diagnostics
import GraphIR
import Pipeline
import Planning
import SpecLanguage
import Testing

/// The tensors that a run of a spec would leave in its model file.
private func stored(_ text: String) throws -> StoredWeights {
  let plan = try DecodedSpec(text).plan()
  return StoredWeights(
    path: "runs/a/model.safetensors", sha256: "0123",
    tensors: plan.resident.entries.map {
      StoredWeights.Tensor(name: $0.value.name, shape: $0.value.type.pyTorchShape)
    })
}

private func compiled(
  _ text: String, from weights: StoredWeights, pictures: Int = 64, choices: PlanChoices? = nil
) throws -> Plan {
  let decoded = try DecodedSpec(text)
  let facts = DataFacts(
    trainCount: pictures, testCount: pictures, residentBytes: 0, fingerprint: nil)
  return try compile(
    decoded.spec,
    options: CompileOptions(
      threads: 2, facts: facts, specText: resolvedText(decoded.spec), start: .file(weights),
      choices: choices))
}

private func fault(_ text: String, from weights: StoredWeights) throws -> Diagnostic? {
  do {
    _ = try compiled(text, from: weights)
    return nil
  } catch let error as CompilationFailed {
    #expect(error.diagnostics.count == 1)
    return error.diagnostics.first
  }
}

private func spec(
  widths: String, network: String = "", auxiliary: String = "linear",
  training: String = "strategy: sequential, epochs: 2"
) -> String {
  """
  strata: 1
  name: start
  data: {source: synthetic}
  network: {family: vgg, input: 3x8x8, classes: 4, widths: \(widths)\(network)}
  auxiliary: \(auxiliary)
  training: {\(training)}

  """
}

@Suite("Starting from stored weights")
struct StartTests {
  private let short: StoredWeights

  init() throws {
    short = try stored(spec(widths: "[6, 8]"))
  }

  @Test("all tensors of an equal network")
  func whole() throws {
    let plan = try compiled(spec(widths: "[6, 8]", network: ", from: runs/a"), from: short)
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
    let plan = try compiled(
      spec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2"), from: short)
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
      if case .batchNorm(let norm) = node.op { #expect(norm.mode == .inference) }
      #expect(node.op.mutatedOperands.isEmpty)
    }
    for program in [plan.evaluation, plan.stages[0].depthEvaluation] {
      let metrics = try #require(program).graph.metrics
      #expect(metrics.map(\.module) == [1, 2, 3, 2, 3])
      #expect(metrics.map(\.isEnsemble) == [false, false, false, true, true])
    }
  }

  @Test("a classifier of another shape starts anew; where its module is frozen nobody measures it")
  func otherClassifier() throws {
    let resolved = try compiled(
      spec(
        widths: "[6, 8]", network: ", from: runs/a, frozen: 1, head: {kind: mlp, hidden: [5]}"), from: short)
    #expect(resolved.start?.unsolved == [])
    #expect(resolved.start?.tensors.contains { $0.name.hasPrefix("head.") } == false)
    #expect(resolved.start?.tensors.contains { $0.name == "auxiliaries.1.output.weight" } == true)
    let mlp = try compiled(
      spec(widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 2", auxiliary: "mlp"), from: short)
    #expect(mlp.start?.unsolved == [1, 2])
    #expect(mlp.evaluation.graph.metrics.map(\.module) == [3])
  }

  /// A plan that is compiled again from its choices is held against its file, figure by figure.
  @Test(
    "a frozen module that nobody measures is not measured in the comparison either", arguments: [64, 20_000])
  func unsolvedInComparison(pictures: Int) throws {
    let weights = try stored(spec(widths: "[32, 32]"))
    let text = spec(
      widths: "[32, 32, 8]", network: ", from: runs/a, frozen: 2", auxiliary: "mlp",
      training: "strategy: sequential, epochs: 30")
    let natural = try compiled(text, from: weights, pictures: pictures)
    #expect(natural.start?.unsolved == [1, 2])
    // Features of so many pictures outweigh all else, and reading them from a file would take longer than computing them.
    #expect(natural.choices.features == (pictures == 64 ? .memory : .recompute))
    let plain = try compiled(text, from: weights, pictures: pictures, choices: PlanChoices())
    #expect(natural.comparisonWithoutChoices == plain.comparison)
    let own = try #require(plain.comparison.first { $0.strategy == .sequential })
    #expect(own.memory == plain.memory)
    // As the spec gives it with the strategy set.
    let parallel = try compiled(
      text.replacing("sequential", with: "parallel"), from: weights, pictures: pictures,
      choices: PlanChoices())
    #expect(plain.comparison.first { $0.strategy == .parallel }?.memory == parallel.memory)
  }

  @Test("the first layers of a deeper network: its auxiliary becomes the head")
  func shortened() throws {
    let deep = try stored(spec(widths: "[6, 8, 10]"))
    let plan = try compiled(spec(widths: "[6, 8]", network: ", from: runs/a"), from: deep)
    #expect(
      plan.start?.tensors.contains {
        $0.stored == "auxiliaries.2.output.bias" && $0.name == "head.output.bias"
      }
        == true)
  }

  @Test("modules of the partition, whatever the stored one was")
  func partition() throws {
    let plan = try compiled(
      spec(
        widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 1",
        training: "partition: {modules: 2}, strategy: parallel"), from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2]])
    #expect(plan.start?.tensors.contains { $0.name == "layers.2.conv.weight" } == true)
  }

  @Test("end-to-end, from the layers that are there")
  func endToEnd() throws {
    let plan = try compiled(
      spec(widths: "[6, 8, 10]", network: ", from: runs/a", training: "strategy: end-to-end"), from: short)
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
        threads: 2, facts: DecodedSpec.facts(pictures: 64), specText: resolvedText(decoded.spec),
        start: source)
      return try LargestBatch.all(of: decoded.spec, options: options, budgetBytes: 32 << 20)
    }
    let text = spec(widths: "[6, 8]", network: ", from: runs/a")
    let stored = try found(text, from: .file(short))
    #expect(stored == (try found(spec(widths: "[6, 8]"), from: nil)))
    #expect(stored.count == 3 && stored.allSatisfy { ($0.batch ?? 0) > 0 })
    #expect(throws: CompilationFailed.self) { try found(text, from: nil) }
    let other = spec(widths: "[7, 8]", network: ", from: runs/a")
    #expect(throws: CompilationFailed.self) { try found(other, from: .file(short)) }
  }

  @Test("asynchronous: the frozen modules stand before the first that learns")
  func asynchronous() throws {
    let plan = try compiled(
      spec(
        widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 1", training: "strategy: asynchronous"),
      from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2, 3, 4]])
    let graph = plan.stages[0].training.graph
    #expect(graph.nodes.filter { $0.op == .recall }.map(\.module) == [3, 4])
    #expect(graph.nodes.filter { $0.op == .remember }.map(\.module) == [2, 3])
    let feeding = try #require(plan.stages[0].feeding)
    #expect(feeding.graph.nodes.map(\.module).max() == 3)
  }

  @Test("staggered: those behind the frozen ones begin with the first epoch")
  func staggered() throws {
    let plan = try compiled(
      spec(
        widths: "[6, 8, 10]", network: ", from: runs/a, frozen: 1",
        training: "strategy: parallel, epochs: 2, start: {every: 1}"), from: short)
    #expect(plan.stages.map(\.schedule.indices) == [[2], [2, 3], [3]])
    #expect(plan.stages.map { plan.training.drawing($0.schedule, epoch: 1) } == [1, 2, 3])
  }

  @Test("faults are told at the key")
  func faults() throws {
    let other = try fault(spec(widths: "[6, 9]", network: ", from: runs/a"), from: short)
    #expect(
      other?.message
        == "the stored tensor 'layers.2.conv.weight' has the shape [8, 6, 3, 3], this network's has [9, 6, 3, 3]"
    )
    let resnet = """
      strata: 1
      name: start
      data: {source: synthetic}
      network: {family: resnet, input: 3x8x8, classes: 4, stages: [{blocks: 1, width: 6}], from: runs/a}
      training: {}

      """
    let stranger = try fault(resnet, from: short)
    #expect(stranger?.message == "the weights at 'runs/a/model.safetensors' are not of this network")
    let frozen = try fault(
      spec(widths: "[6, 8, 10, 12]", network: ", from: runs/a, frozen: 3"), from: short)
    #expect(frozen?.code == "E131")
    #expect(frozen?.message == "only 2 of the modules to be kept are stored")
    var torn = short
    torn.tensors.removeAll { $0.name == "layers.2.conv.bias" }
    let lacking = try fault(spec(widths: "[6, 8]", network: ", from: runs/a"), from: torn)
    #expect(
      lacking?.message
        == "the weights at 'runs/a/model.safetensors' lack the tensor 'layers.2.conv.bias'")
  }
}
