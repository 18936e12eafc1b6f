import CompilerSupport
import CostModel
import GraphIR
import Planning
import Testing

@Suite("Times that are estimated")
struct TimeModelTests {
  /// A machine on which every kind of work has the same speed.
  private func profile(secondsPerUnit: Double, secondsPerCall: Double = 0) -> MachineProfile {
    var profile = MachineProfile(processor: "test", threads: 2, secondsPerCall: secondsPerCall)
    for kind in WorkKind.measured {
      profile.add(MachineProfile.Point(size: 64, rows: 64, secondsPerUnit: secondsPerUnit), of: kind)
    }
    return profile
  }

  @Test("a measured point is met, and between two the time of a unit lies between theirs")
  func interpolation() {
    var profile = MachineProfile(processor: "test", threads: 1, secondsPerCall: 0)
    let kind = WorkKind.linear(.forward)
    for (size, rows, seconds) in [(64.0, 8.0, 4e-9), (64, 128, 1e-9), (256, 8, 2e-9), (256, 128, 0.5e-9)] {
      profile.add(MachineProfile.Point(size: size, rows: rows, secondsPerUnit: seconds), of: kind)
    }
    func unit(_ size: Double, _ rows: Double) -> Double {
      profile.seconds(of: Work(kind, amount: 1, size: size, rows: rows))
    }
    func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-6 * b }
    #expect(isClose(unit(64, 8), 4e-9) && isClose(unit(256, 128), 0.5e-9))
    // The geometric mean halfway in the logarithm.
    #expect(isClose(unit(128, 8), (4e-9 * 2e-9).squareRoot()))
    #expect(isClose(unit(64, 32), (4e-9 * 1e-9).squareRoot()))
    #expect(isClose(unit(1, 1), 4e-9) && isClose(unit(9999, 9999), 0.5e-9))
  }

  @Test("modules share a step's time, and ranks have the time of their own programs")
  func ranks() throws {
    let plan = try DecodedSpec(
      """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 16, 16]}
      training: {strategy: parallel, batch: 16}
      """
    ).ranked(3)
    let ranked = try #require(plan.ranks)
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let step = model.stepSeconds(plan.stages[0], of: plan)
    let costs = model.rankCosts(of: plan)
    #expect(costs.unit == .seconds && abs(costs.cost(of: 1...3) - step) < 1e-12)
    // Images are prepared for the first module.
    let training = plan.stages[0].training
    let ofNodes = training.graph.nodes.indices.filter { training.graph.nodes[$0].module == 1 }
      .map { model.seconds(ofNode: $0, of: training) }.reduce(0, +)
    #expect(costs.byModule[0] > ofNodes)
    let pipeline = model.pipeline(ranked, of: plan)
    #expect(pipeline.oneProcess == step && pipeline.costs.count == 3)
    // What is received and sent is copied, too.
    for (rank, cost) in pipeline.costs.enumerated() { #expect(cost > costs.byModule[rank]) }
    let rate = try #require(LinkRate("8Mbit/s"))
    let link = try #require(LinkFigures(rate, of: ranked, pipeline))
    #expect(link.rank == 1 && link.secondsPerStep == Double(ranked.ranks[1].sendBytesPerStep) / 1e6)
    #expect(link.speedup == step / link.secondsPerStep)
    #expect(LinkFigures(rate, of: ranked, plan.pipeline(ranked))?.speedup == nil)
    #expect(LinkFigures(rate, of: RankedPlan(ranks: [ranked.ranks[2]]), pipeline) == nil)
  }

  @Test("a program takes what its nodes take")
  func program() throws {
    let plan = try DecodedSpec(
      """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 16]}
      training: {strategy: parallel, epochs: 3, batch: 16}
      """
    ).plan(images: 64)
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let stage = plan.stages[0]
    let nodes = stage.training.graph.nodes.indices.map { model.seconds(ofNode: $0, of: stage.training) }
    #expect(nodes.allSatisfy { $0 >= 0 })
    #expect(abs(nodes.reduce(0, +) - model.seconds(of: stage.training)) < 1e-12)
    // Products count at least their multiply-adds, Winograd's tiles a little more.
    #expect(model.seconds(of: stage.training) > 1e-9 * Double(stage.multiplyAddsPerStep))
    let figures = model.figures(of: plan)
    #expect(figures.stages.count == 1)
    #expect(figures.stages[0].epochSeconds > 4 * figures.stages[0].stepSeconds)
    #expect(figures.seconds > 3 * figures.stages[0].epochSeconds)
    let slower = TimeModel(profile(secondsPerUnit: 2e-9)).figures(of: plan)
    #expect(abs(slower.seconds - 2 * figures.seconds) < 1e-9)
  }

  @Test("a batch in pieces is updated by once", arguments: ["sgd", "adam", "{kind: sgd, nesterov: true}"])
  func pieces(optimizer: String) throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 16]}
      training: {strategy: parallel, batch: 16, optimizer: \(optimizer)}
      """)
    var choices = PlanChoices()
    choices.microBatch = 4
    let (whole, cut) = (try spec.plan(images: 64), try spec.plan(images: 64, choices: choices))
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    func updates(_ program: Program) -> Double {
      program.graph.nodes.indices.filter { program.graph.nodes[$0].op.runsWithLastPieceAlone }
        .map { model.seconds(ofNode: $0, of: program) }.reduce(0, +)
    }
    let (stage, pieces) = (whole.stages[0], cut.stages[0])
    // Of a whole batch, which is as many bytes as its pieces.
    let preparation = model.stepSeconds(stage, of: whole) - model.seconds(of: stage.training)
    let once = updates(pieces.training)
    #expect((once == 0) == (optimizer == "sgd"))
    let expected = 4 * (model.seconds(of: pieces.training) - once) + once + preparation
    #expect(abs(model.stepSeconds(pieces, of: cut) - expected) < 1e-9 * expected)
  }

  @Test("asynchronous modules take the time and the multiply-adds of their own epochs")
  func ownEpochs() throws {
    func spec(_ epochs: [Int]) throws -> DecodedSpec {
      let overrides = epochs.enumerated().map { "{module: \($0 + 1), epochs: \($1)}" }
      return try DecodedSpec(
        """
        strata: 1
        name: timed
        network: {family: vgg, input: 3x16x16, classes: 10, widths: [8, 16, 8]}
        training: {strategy: asynchronous, batch: 16, overrides: [\(overrides.joined(separator: ", "))]}
        """)
    }
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    func figures(_ epochs: [Int]) throws -> (multiplyAdds: Int, seconds: Double) {
      let spec = try spec(epochs)
      let plan = try spec.plan(images: 64)
      let own = try #require(spec.comparison(with: plan).rows.first { $0.strategy == .asynchronous })
      let times = model.figures(of: plan)
      let final = times.seconds - times.stages[0].seconds
      // Without evaluations, of which there are as many as the longest training has epochs.
      let tests = times.stages[0].epochSeconds - 4 * times.stages[0].meanStepSeconds
      let longest = Double(epochs.max() ?? 0)
      if longest > 1 {
        let left = model.secondsLeft(of: plan, stage: 1, epoch: 2, step: 2)
        let done = times.stages[0].epochSeconds + 2 * times.stages[0].meanStepSeconds
        #expect(abs(left + done - times.seconds) < 1e-9 * times.seconds)
      }
      return (own.trainingMultiplyAdds, times.seconds - final - longest * tests)
    }
    let (one, none) = (try figures([1, 1, 1]), try figures([6, 6, 6]))
    #expect(
      none.multiplyAdds == 6 * one.multiplyAdds && abs(none.seconds - 6 * one.seconds) < 1e-9 * none.seconds)
    let parts = try [[2, 1, 1], [1, 2, 1], [1, 1, 2]].map(figures)
    #expect(parts.map { $0.multiplyAdds - one.multiplyAdds }.reduce(0, +) == one.multiplyAdds)
    #expect(abs(parts.map { $0.seconds - one.seconds }.reduce(0, +) - one.seconds) < 1e-9 * one.seconds)
    #expect(parts.allSatisfy { $0.multiplyAdds > one.multiplyAdds && $0.seconds > one.seconds })
  }

  @Test("features that are kept make the steps of their stage faster")
  func features() throws {
    let text = """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 64, 8]}
      training: {strategy: sequential, epochs: 9, batch: 16}
      """
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let times = try ["cache", "recompute"].map {
      model.figures(
        of: try DecodedSpec(text + "\nmemory: {features: \($0)}").plan(images: 64, choices: nil)
      ).stages[2]
    }
    #expect(times[0].stepSeconds < times[1].stepSeconds)
    #expect(times[0].featureSeconds > 0 && times[1].featureSeconds == 0)
  }

  @Test(
    "ranking the channels of a layer that loses some takes its time, and is left when its epochs are over")
  func ranking() throws {
    func figures(_ compression: String) throws -> (plan: Plan, times: TimeFigures) {
      let plan = try DecodedSpec(
        """
        strata: 1
        name: timed
        network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 8]}
        training: {strategy: sequential, epochs: 3, batch: 16}
        compression: {width: [32, 8], epochs: 2\(compression)}
        """
      ).plan(images: 64)
      return (plan, TimeModel(profile(secondsPerUnit: 1e-9)).figures(of: plan))
    }
    let (plan, times) = try figures("")
    #expect(times.stages.map { $0.rankingSeconds > 0 } == [true, false, false])
    // Behind the second layer's last epoch the first one is measured as well.
    #expect(times.stages.map { $0.depthSeconds > 0 } == [false, false, true])
    for (stage, planned) in zip(times.stages, plan.stages) {
      let sum = Double(planned.epochs) * stage.epochSeconds + stage.rankingSeconds + stage.depthSeconds
      #expect(abs(stage.seconds - sum) < 1e-9 * sum)
    }
    // Over half of the images half of it, but for measuring what is left.
    let half = try figures(", pictures: 32").times.stages[0].rankingSeconds
    let none = try figures(", criterion: weight-norm").times.stages[0].rankingSeconds
    #expect(abs(times.stages[0].rankingSeconds - none - 2 * (half - none)) < 1e-2 * half)
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let left = [(1, 4), (2, 1)].map { model.secondsLeft(of: plan, stage: $0.0, epoch: $0.1, step: 0) }
    #expect(abs(left[0] - left[1] - times.stages[0].rankingSeconds) < 1e-9 * left[0])
  }

  @Test("a ranking that is left needs the features of its stage")
  func rankingOfFeatures() throws {
    let plan = try DecodedSpec(
      """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 64, 8]}
      training: {strategy: sequential, epochs: 3, batch: 16}
      compression: {width: [32, 32, 8], epochs: 2}
      memory: {features: cache}
      """
    ).plan(images: 64, choices: nil)
    #expect(plan.stages.map { $0.features?.module } == [nil, nil, 1, 1, 2])
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let left = [(3, 4), (4, 1)].map { model.secondsLeft(of: plan, stage: $0.0, epoch: $0.1, step: 0) }
    // The same features are made from images, be it for the ranking or for the fine-tuning behind it.
    let ranking = model.figures(of: plan).stages[2].rankingSeconds
    #expect(ranking > 0 && abs(left[0] - left[1] - ranking) < 1e-9 * left[0])
  }

  @Test("what is left is the whole at the start, falls from step to step, and ends with the last evaluation")
  func left() throws {
    let plan = try DecodedSpec(
      """
      strata: 1
      name: timed
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 64, 8]}
      training: {strategy: sequential, epochs: 9, batch: 16}
      memory: {features: cache}
      """
    ).plan(images: 64, choices: nil)
    let model = TimeModel(profile(secondsPerUnit: 1e-9))
    let whole = model.figures(of: plan)
    func left(_ stage: Int, _ epoch: Int, _ step: Int = 0) -> Double {
      model.secondsLeft(of: plan, stage: stage, epoch: epoch, step: step)
    }
    func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) < 1e-9 * max(a, b) }
    #expect(isClose(left(1, 1), whole.seconds))
    #expect(
      isClose(left(1, 1) - left(1, 3, 2), 2 * whole.stages[0].epochSeconds + 2 * whole.stages[0].stepSeconds))
    #expect(isClose(left(2, 1), left(1, 10)))
    let final = whole.seconds - whole.stages.map(\.seconds).reduce(0, +)
    // A run that goes on makes features anew, from images: more than from those of the stage before, which are gone.
    #expect(left(2, 10) > (whole.stages[2].seconds + final) * (1 + 1e-9))
    #expect(isClose(left(3, 1), left(2, 10)))
    #expect(isClose(left(3, 1, 1), left(2, 10) - whole.stages[2].stepSeconds))
    #expect(isClose(left(3, 10), final))
  }
}
