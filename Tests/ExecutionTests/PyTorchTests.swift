import Execution
import Glibc
import Planning
import TestSupport
import Testing

/// Whole training steps against PyTorch's, computed in double precision: losses, gradients, weights, running statistics.
@Suite("against PyTorch") struct PyTorchTests {
  static let numerics = ["fast", "strict"]

  @Test("parallel: three steps", arguments: FixtureNet.all, numerics)
  func parallel(net: FixtureNet, numerics: String) throws {
    let run = try FixtureRun(net, plan: net.plan(strategy: "parallel", numerics: numerics, threads: 2))
    let stage = run.engine.plan.stages[0]
    for module in 1...2 { try run.load(module: module, of: stage) }
    let expected = try run.fixture.tensor("loss.parallel").values
    for number in 1...3 {
      let losses = run.step(stage, number: number)
      try expectLosses(losses, Array(expected[2 * (number - 1)..<2 * number]), "step \(number)")
      if number == 1 {
        for module in 1...2 { try expectGradients(run, stage, module: module, strategy: "parallel") }
      }
    }
    for module in 1...2 { try expectFinal(run, stage, module: module, strategy: "parallel") }
    try expectEvaluation(run, strategy: "parallel")
  }

  @Test(
    "sequential: three steps a module, the first one frozen under the second", arguments: FixtureNet.all,
    numerics)
  func sequential(net: FixtureNet, numerics: String) throws {
    let run = try FixtureRun(net, plan: net.plan(strategy: "sequential", numerics: numerics, threads: 2))
    let stages = run.engine.plan.stages
    try #require(stages.count == 2)
    let expected = try run.fixture.tensor("loss.sequential").values
    for (index, stage) in stages.enumerated() {
      if index > 0 { run.engine.carryOptimizerState(from: stages[index - 1].resident, to: stage.resident) }
      run.engine.initialize([index + 1], in: stage.resident)
      try run.load(module: index + 1, of: stage)
      let frozen = try run.names(ofModule: 1, of: stage).map { try run.tensor($0, of: stage) }
      for number in 1...3 {
        let losses = run.step(stage, number: number)
        try expectLosses(losses, [expected[2 * (number - 1) + index]], "module \(index + 1), step \(number)")
        if number == 1 {
          // Module 1 starts as it does in parallel training.
          try expectGradients(
            run, stage, module: index + 1, strategy: index == 0 ? "parallel" : "sequential")
        }
      }
      if index == 1 {
        let after = try run.names(ofModule: 1, of: stage).map { try run.tensor($0, of: stage) }
        #expect(after == frozen, "a frozen module changed")
      }
    }
    for module in 1...2 { try expectFinal(run, stages[1], module: module, strategy: "sequential") }
    try expectEvaluation(run, strategy: "sequential")
  }

  @Test("end-to-end: three steps", arguments: FixtureNet.all)
  func endToEnd(net: FixtureNet) throws {
    let run = try FixtureRun(net, plan: net.plan(strategy: "end-to-end"))
    let stage = run.engine.plan.stages[0]
    try run.load(module: 1, of: stage)
    let expected = try run.fixture.tensor("loss.end-to-end").values
    for number in 1...3 {
      try expectLosses(run.step(stage, number: number), [expected[number - 1]], "step \(number)")
    }
    try expectEvaluation(run, strategy: "end-to-end")
  }

  @Test("any number of threads gives the same bits", arguments: FixtureNet.all, ["parallel", "sequential"])
  func threads(net: FixtureNet, strategy: String) throws {
    func weights(threads: Int) throws -> [[Float]] {
      let run = try FixtureRun(net, plan: net.plan(strategy: strategy, threads: threads))
      let stage = run.engine.plan.stages[0]
      for module in stage.schedule.indices { try run.load(module: module, of: stage) }
      for number in 1...3 { _ = run.step(stage, number: number) }
      return try run.names(ofModule: 1, of: stage).map { try run.tensor($0, of: stage) }
    }
    let expected = try weights(threads: 1)
    for threads in [2, 3, 7] { #expect(try weights(threads: threads) == expected, "\(threads) threads") }
  }

  // MARK: - Expectations

  private func expectLosses(_ losses: [Double], _ expected: [Double], _ place: String) throws {
    try #require(losses.count == expected.count)
    for (loss, right) in zip(losses, expected) {
      #expect(abs(loss - right) <= 1e-5 * right, "\(place): \(loss), PyTorch \(right)")
    }
  }

  /// After one step from zero the velocity is gradient + decay * weight.
  private func expectGradients(_ run: FixtureRun, _ stage: StagePlan, module: Int, strategy: String) throws {
    let names = run.names(ofModule: module, of: stage, parametersOnly: true)
    var gradients: [(name: String, actual: [Double], expected: [Double])] = []
    for name in names {
      let velocity = try run.tensor("\(name).momentum", of: stage)
      let initial = try run.fixture.tensor("initial.\(name)").values
      let actual = zip(velocity, initial).map { Double($0) - FixtureNet.weightDecay * $1 }
      gradients.append((name, actual, try run.fixture.tensor("gradient.\(strategy).\(name)").values))
    }
    let largest = gradients.map { norm($0.expected) }.max() ?? 0
    for (name, actual, expected) in gradients {
      // A bias in front of batch norm has no gradient but rounding.
      if norm(expected) < 1e-9 * largest {
        #expect(norm(actual) < 1e-5 * largest, "\(name): \(norm(actual)), beside \(largest)")
      } else {
        #expect(relativeL2(actual, expected) < 1e-4, "\(name)")
      }
    }
  }

  private func expectFinal(_ run: FixtureRun, _ stage: StagePlan, module: Int, strategy: String) throws {
    for name in run.names(ofModule: module, of: stage) {
      let expected = try run.fixture.tensor("final.\(strategy).\(name)").values
      #expect(relativeL2(try run.tensor(name, of: stage), expected) < 2e-5, "\(name)")
    }
  }

  private func expectEvaluation(_ run: FixtureRun, strategy: String) throws {
    let logits = try run.fixture.tensor("logits.\(strategy)").values
    let labels = try run.fixture.tensor("labels").integers
    let size = FixtureNet.batch * FixtureNet.classes
    for (index, sums) in run.evaluate().enumerated() {
      let own = Array(logits[index * size..<(index + 1) * size])
      var loss = 0.0
      var right = 0
      for (picture, label) in labels.enumerated() {
        let row = Array(own[picture * FixtureNet.classes..<(picture + 1) * FixtureNet.classes])
        let most = row.max() ?? 0
        loss += most + log(row.map { exp($0 - most) }.reduce(0, +)) - row[label]
        right += row[label] == most ? 1 : 0
      }
      #expect(abs(sums.loss - loss) < 1e-4 * loss, "module \(index + 1): \(sums.loss), PyTorch \(loss)")
      #expect(sums.top1Count == right, "module \(index + 1)")
    }
  }

  private func norm(_ values: [Double]) -> Double { innerProduct(values, values).squareRoot() }
}
