import Diagnostics
import Execution
import Pipeline
import Planning
import SpecLanguage
import TestSupport
import Testing

/// A net of `Tests/Fixtures/pytorch`, as a spec and as the numbers that PyTorch found.
struct FixtureNet: Sendable, CustomTestStringConvertible {
  let name: String
  /// Downsampling, auxiliary and head, as a spec has them.
  let parts: String

  static let all = [
    FixtureNet(
      name: "max-pool-mlp-sr",
      parts: """
        downsampling: {kind: max-pool, before: [2]}
        auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
        """, head: "{kind: mlp, hidden: [16, 16]}"),
    FixtureNet(
      name: "invertible-cnn",
      parts: """
        downsampling: {kind: invertible, before: [2]}
        auxiliary: {kind: cnn, k: 2, width: same}
        """, head: "auxiliary"),
    FixtureNet(
      name: "stride-linear-gap",
      parts: """
        downsampling: {kind: stride, before: [2]}
        auxiliary: linear
        """, head: "gap"),
  ]

  let head: String


  var testDescription: String { name }

  static let batch = 6
  static let classes = 10
  static let learningRate: Float = 0.1
  static let weightDecay = 5e-4

  func fixture() throws -> Fixture { try Fixture(named: "pytorch/\(name).safetensors") }

  func plan(strategy: String, numerics: String = "fast", threads: Int = 1) throws -> Plan {
    let text = """
      strata: 1
      name: fixture
      network:
        family: vgg
        input: 3x8x8
        classes: \(Self.classes)
        widths: [8, 12]
        head: \(head)
      \(parts)
      training: {strategy: \(strategy), batch: \(Self.batch), epochs: 1}
      numerics: \(numerics)
      """
    var texts = SourceTexts()
    let result = decode(texts.add(label: "fixture.yaml", text: text))
    guard let spec = result.spec, result.diagnostics.isEmpty else {
      throw CompilationFailed(diagnostics: result.diagnostics)
    }
    let facts = DataFacts(trainCount: Self.batch, testCount: Self.batch, residentBytes: 0, fingerprint: nil)
    return try compile(
      spec, options: CompileOptions(threads: threads, facts: facts, specText: resolvedText(spec)))
  }
}

/// An engine that starts where the fixture starts, and meets its one batch.
struct FixtureRun {
  let engine: Engine
  let fixture: Fixture
  private let pictures: [Float]
  private let labels: [Int32]

  init(_ net: FixtureNet, plan: Plan) throws {
    engine = try Engine(plan: plan)
    fixture = try net.fixture()
    pictures = PyTorchLayouts.pictures(try fixture.tensor("images")).values.map { Float($0) }
    labels = try fixture.tensor("labels").integers.map { Int32($0) }
  }

  /// Gives a module its initial tensors; optimizer state is zero in a new arena.
  func load(module: Int, of stage: StagePlan) throws {
    for entry in stage.resident.entries
    where entry.value.module == module && entry.value.category != .optimizer {
      engine.write(entry, from: 0, try fixture.tensor("initial.\(entry.value.name)").floats.span)
    }
  }

  /// One step; the mean loss of every trained module.
  func step(_ stage: StagePlan, number: Int) -> [Double] {
    let clock = ModuleClock(learningRate: FixtureNet.learningRate, step: number)
    engine.setBatch(pictures: pictures.span, labels: labels.span, for: stage.training)
    engine.run(
      stage.training, batch: FixtureNet.batch, clocks: [ModuleClock](repeating: clock, count: 2))
    var sums = stage.training.graph.metrics.map { MetricSums(module: $0.module) }
    engine.addMetrics(of: stage.training, pictures: FixtureNet.batch, to: &sums)
    return sums.map(\.meanLoss)
  }

  /// Losses with running statistics, all modules; the ensemble left out.
  func evaluate() -> [MetricSums] {
    let program = engine.plan.evaluation
    engine.setBatch(pictures: pictures.span, labels: labels.span, for: program)
    engine.run(program, batch: FixtureNet.batch, clocks: [ModuleClock](repeating: .idle, count: 2))
    var sums = program.graph.metrics.map { MetricSums(module: $0.module) }
    engine.addMetrics(of: program, pictures: FixtureNet.batch, to: &sums)
    return sums.filter { $0.module > 0 }
  }

  func tensor(_ name: String, of stage: StagePlan) throws -> [Float] {
    guard let entry = stage.resident.entries.first(where: { $0.value.name == name }) else {
      throw Fixture.ReadError.noSuchTensor(name: name)
    }
    var numbers = [Float](repeating: .nan, count: entry.value.type.elementCount)
    var span = numbers.mutableSpan
    engine.read(entry, from: 0, into: &span)
    return numbers
  }

  /// Parameters and statistics of a module, in order.
  func names(ofModule module: Int, of stage: StagePlan, parametersOnly: Bool = false) -> [String] {
    stage.resident.entries.filter {
      $0.value.module == module
        && ($0.value.category == .parameter || (!parametersOnly && $0.value.category == .statistics))
    }.map(\.value.name)
  }
}
