import CompilerSupport
import Execution
import Glibc
import Planning
import TestSupport
import Testing

/// Three steps of three nets against PyTorch in float64: losses, gradients, weights, statistics and logits.
@Suite("Training agrees with PyTorch")
struct PyTorchTests {
  private static let strategies = ["parallel", "sequential", "end-to-end"]

  private func training(
    _ net: FixtureNet, _ strategy: String, numerics: String = "fast", threads: Int = 2, batch: Int = 6
  ) throws -> FixtureTraining {
    let spec = try DecodedSpec(net.text(strategy: strategy, numerics: numerics, batch: batch))
    let plan = try spec.plan(threads: threads, images: 6)
    return try FixtureTraining(plan, try Fixture(named: "pytorch/\(net.name).safetensors"))
  }

  @Test(arguments: FixtureNet.all, strategies)
  func strict(net: FixtureNet, strategy: String) throws {
    try expectAgreement(try training(net, strategy, numerics: "strict"), net, strategy)
  }

  @Test(arguments: FixtureNet.all, strategies)
  func fast(net: FixtureNet, strategy: String) throws {
    try expectAgreement(try training(net, strategy), net, strategy)
  }

  @Test("a batch smaller than the planned one", arguments: FixtureNet.all, strategies)
  func partOfABatch(net: FixtureNet, strategy: String) throws {
    try expectAgreement(try training(net, strategy, batch: 9), net, strategy)
  }

  private func expectAgreement(_ training: FixtureTraining, _ net: FixtureNet, _ strategy: String) throws {
    let fixture = try Fixture(named: "pytorch/\(net.name).safetensors")
    try expectLosses(training, fixture, strategy)
    try expectGradients(training, fixture, strategy)
    try expectFinalTensors(training, fixture, strategy)
    try expectEvaluation(training, fixture, strategy)
    #expect(training.movedWhileFrozen == [])
  }

  private func expectLosses(_ training: FixtureTraining, _ fixture: Fixture, _ strategy: String) throws {
    let expected = try fixture.tensor("loss.\(strategy)")
    #expect(training.losses.map(\.count) == Array(repeating: expected.shape[1], count: expected.shape[0]))
    for (step, (actual, expected)) in zip(training.losses.flatMap { $0 }, expected.values).enumerated() {
      #expect(abs(actual - expected) <= 1e-5 * expected, "loss \(step): \(actual), PyTorch's \(expected)")
    }
  }

  private func expectGradients(_ training: FixtureTraining, _ fixture: Fixture, _ strategy: String) throws {
    let names = fixture.names(under: "gradient.\(strategy).")
    // In sequential training the fixture has module 2's alone: module 1 starts as it does in parallel.
    let isComplete = strategy != "sequential"
    #expect(!isComplete || training.gradients.keys.sorted() == names)
    let largestNorm =
      try names.map { norm(try fixture.tensor("gradient.\(strategy).\($0)").values) }.max() ?? 0
    for name in names {
      let expected = try fixture.tensor("gradient.\(strategy).\(name)").values
      let actual = try #require(training.gradients[name])
      // In front of a batch norm a bias has no gradient but rounding.
      let scale = norm(expected) > 1e-6 * largestNorm ? norm(expected) : largestNorm
      let error = norm(zip(actual, expected).map { $0 - $1 }) / scale
      #expect(error < 1e-4, "the gradient of \(name) is off by \(error)")
    }
  }

  private func expectFinalTensors(_ training: FixtureTraining, _ fixture: Fixture, _ strategy: String) throws
  {
    let names = fixture.names(under: "final.\(strategy).")
    #expect(training.final.keys.sorted() == names)
    for name in names {
      let expected = try fixture.tensor("final.\(strategy).\(name)").values
      let error = relativeL2(try #require(training.final[name]), expected)
      #expect(error < 1e-5, "\(name) is off by \(error)")
    }
  }

  /// Logits by themselves, and the loss and the right answers that the whole evaluation makes of them.
  private func expectEvaluation(_ training: FixtureTraining, _ fixture: Fixture, _ strategy: String) throws {
    let logits = try fixture.tensor("logits.\(strategy)")
    let error = relativeL2(training.logits.flatMap { $0 }, logits.values)
    #expect(error < 1e-5, "logits are off by \(error)")
    let labels = try fixture.tensor("labels").integers
    let (modules, classes) = (logits.shape[0], logits.shape[2])
    var rows: [[Double]] = stride(from: 0, to: logits.values.count, by: classes).map {
      Array(logits.values[$0..<$0 + classes])
    }
    if modules > 1 {
      // The ensemble: the mean with weights 2^j.
      rows += labels.indices.map { image in
        (0..<classes).map { (2 * rows[image][$0] + 4 * rows[labels.count + image][$0]) / 6 }
      }
    }
    #expect(training.evaluation.map(\.module) == (modules > 1 ? [1, 2, 2] : [1]))
    #expect(training.evaluation.map(\.isEnsemble) == (modules > 1 ? [false, false, true] : [false]))
    for (index, sums) in training.evaluation.enumerated() {
      let answers = Array(zip(rows[index * labels.count..<(index + 1) * labels.count], labels))
      let loss = answers.map { row, label in
        log(row.map { exp($0 - row[label]) }.reduce(0, +))
      }.reduce(0, +)
      #expect(abs(sums.loss - loss) <= 1e-5 * loss, "metric \(index): \(sums.loss), PyTorch's \(loss)")
      #expect(sums.top1Count == answers.count { row, label in row[label] == row.max() }, "metric \(index)")
    }
  }

  private func norm(_ values: [Double]) -> Double { innerProduct(values, values).squareRoot() }

  @Test("sequential training starts as parallel training does", arguments: FixtureNet.all)
  func firstModule(net: FixtureNet) throws {
    let sequential = try training(net, "sequential")
    let parallel = try training(net, "parallel")
    let names = parallel.final.keys.filter { $0.hasPrefix("layers.1.") || $0.hasPrefix("auxiliaries.1.") }
      .sorted()
    #expect(names.count > 6)
    for name in names {
      let isSame =
        sequential.final[name] == parallel.final[name]
        && sequential.gradients[name] == parallel.gradients[name]
      #expect(isSame, "\(name)")
    }
  }

  @Test("the same bits for any number of threads", arguments: FixtureNet.all, strategies)
  func threads(net: FixtureNet, strategy: String) throws {
    for numerics in ["fast", "strict"] {
      let one = try training(net, strategy, numerics: numerics, threads: 1)
      for threads in [2, 3, 7] {
        let more = try training(net, strategy, numerics: numerics, threads: threads)
        let place = "\(threads) threads, \(numerics)"
        #expect(more.losses == one.losses && more.logits == one.logits, "\(place)")
        #expect(more.gradients.keys == one.gradients.keys && more.final.keys == one.final.keys, "\(place)")
        for (name, tensor) in one.final.sorted(by: { $0.key < $1.key }) {
          let isSame = more.final[name] == tensor && more.gradients[name] == one.gradients[name]
          #expect(isSame, "\(name), \(place)")
        }
      }
    }
  }

  @Test("fast numerics use Winograd here, strict ones do not")
  func algorithms() throws {
    let net = try #require(FixtureNet.all.first { $0.name == "invertible-cnn" })
    #expect(try training(net, "parallel").algorithms.contains { $0.hasPrefix("winograd") })
    #expect(
      !(try training(net, "parallel", numerics: "strict").algorithms.contains { $0.hasPrefix("winograd") }))
  }
}
