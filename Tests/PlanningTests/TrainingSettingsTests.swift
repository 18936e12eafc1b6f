import GraphIR
import Planning
import Testing

@Suite("Stages and learning rates")
struct TrainingSettingsTests {
  private func training(
    _ strategy: TrainingStrategy, epochs: [Int], startEvery: Int = 0,
    schedule: LearningRateSchedule = .constant, dropsMomentum: Bool = false
  ) -> TrainingSettings {
    TrainingSettings(
      strategy: strategy, modules: epochs.map { TrainingSettings.Module(epochs: $0, learningRate: 0.1) },
      startEvery: startEvery, batch: 32, dropLast: false,
      optimizer: .sgd(momentum: 0.9, weightDecay: 0, nesterov: false), schedule: schedule,
      dropsMomentumAtDecay: dropsMomentum, seed: 1)
  }

  /// `2: 1@1 2@3`: two epochs, in which modules 1 and 2 begin with their own epochs 1 and 3.
  private func text(_ training: TrainingSettings) -> [String] {
    StageSchedule.all(of: training).map { stage in
      let modules = stage.modules.map { "\($0.index)@\($0.firstEpoch)" }.joined(separator: " ")
      return "\(stage.epochs): \(modules)"
    }
  }

  @Test("sequential: one module after the other")
  func sequential() {
    #expect(text(training(.sequential, epochs: [3, 3, 3])) == ["3: 1@1", "3: 2@1", "3: 3@1"])
    #expect(text(training(.sequential, epochs: [1, 4])) == ["1: 1@1", "4: 2@1"])
  }

  @Test("parallel: all at once; one that ends earlier freezes")
  func parallel() {
    #expect(text(training(.parallel, epochs: [3, 3])) == ["3: 1@1 2@1"])
    #expect(text(training(.parallel, epochs: [1, 3])) == ["1: 1@1 2@1", "2: 2@2"])
    #expect(text(training(.parallel, epochs: [3, 1])) == ["1: 1@1 2@1", "2: 1@2"])
  }

  @Test("parallel with a staggered start, overlapping or not")
  func staggered() {
    #expect(
      text(training(.parallel, epochs: [3, 3, 3], startEvery: 1)) == [
        "1: 1@1", "1: 1@2 2@1", "1: 1@3 2@2 3@1", "1: 2@3 3@2", "1: 3@3",
      ])
    #expect(text(training(.parallel, epochs: [2, 2], startEvery: 2)) == ["2: 1@1", "2: 2@1"])
    // A pause in which nobody learns is no stage.
    #expect(text(training(.parallel, epochs: [1, 1], startEvery: 3)) == ["1: 1@1", "1: 2@1"])
  }

  @Test("end-to-end: one stage")
  func endToEnd() {
    #expect(text(training(.endToEnd, epochs: [5])) == ["5: 1@1"])
  }

  @Test("a module that loses channels is fine-tuned, with a schedule and an optimizer that start anew")
  func narrowed() {
    var training = training(.sequential, epochs: [3, 2], schedule: .step(every: 2, factor: 0.5))
    training.modules[0].narrowing = TrainingSettings.Module.Narrowing(
      channels: 8, width: 4, epochs: 3, learningRate: 0.25)
    training.compression = CompressionSettings(criterion: .taylor, images: 100, tunesLayers: false)
    #expect(text(training) == ["3: 1@1", "3: 1@4", "2: 2@1"])
    let stages = StageSchedule.all(of: training)
    #expect(stages.map(\.purpose) == [.training, .fineTuning(layers: false), .training])
    #expect(stages.map(\.trainsLayers) == [true, false, true])
    #expect(stages.map(\.narrowedCount) == [0, 1, 1])
    #expect(stages.map { training.narrowing(behind: $0)?.width } == [4, nil, nil])
    let rates = (1...6).map { training.learningRate(module: 1, epoch: $0) }
    #expect(rates == [0.1, 0.1, 0.05, 0.25, 0.25, 0.125])
    var unwritten = training
    unwritten.modules[0].narrowing?.learningRate = nil
    #expect((4...6).map { unwritten.learningRate(module: 1, epoch: $0) } == [0.1, 0.1, 0.05])
    #expect((1...6).filter { training.restartsOptimizer(module: 1, epoch: $0) } == [4])
    #expect((1...6).map { training.epochsSinceRestart(module: 1, epoch: $0) } == [0, 1, 2, 0, 1, 2])
    #expect(drawings(training) == [1, 2, 3, 4, 5, 6, 1, 2])
    training.compression?.tunesLayers = true
    #expect(StageSchedule.all(of: training)[1].trainsLayers)
  }

  private func drawings(_ training: TrainingSettings) -> [Int] {
    StageSchedule.all(of: training).flatMap { stage in
      (1...stage.epochs).map { training.drawing(stage, epoch: $0) }
    }
  }

  @Test("sequential modules meet the same drawings; side by side no drawing comes twice")
  func drawingNumbers() {
    #expect(drawings(training(.sequential, epochs: [2, 3])) == [1, 2, 1, 2, 3])
    #expect(drawings(training(.parallel, epochs: [1, 3])) == [1, 2, 3])
    #expect(drawings(training(.parallel, epochs: [3, 3, 3], startEvery: 1)) == [1, 2, 3, 4, 5])
    #expect(drawings(training(.parallel, epochs: [1, 1], startEvery: 3)) == [1, 4])
    for training in [
      training(.sequential, epochs: [2, 3]), training(.parallel, epochs: [3, 3, 3], startEvery: 1),
      training(.parallel, epochs: [1, 4000], startEvery: 1_000_000),
    ] {
      let last = drawings(training).max() ?? 0
      #expect(training.lastDrawing > last && training.lastDrawing <= last + 1)
    }
  }

  private func factors(_ schedule: LearningRateSchedule, epochs: Int) -> [Double] {
    (1...epochs).map { schedule.factor(epoch: $0, of: epochs) }
  }

  @Test("step and milestones fall behind whole epochs")
  func falls() {
    #expect(factors(.constant, epochs: 3) == [1, 1, 1])
    #expect(factors(.step(every: 2, factor: 0.5), epochs: 6) == [1, 1, 0.5, 0.5, 0.25, 0.25])
    // As a step behind the same epochs, and as PyTorch's MultiStepLR.
    #expect(factors(.milestones([2, 4], factor: 0.5), epochs: 6) == [1, 1, 0.5, 0.5, 0.25, 0.25])
  }

  @Test("cosine falls from 1 to its floor, behind a warm-up")
  func cosine() {
    let plain = factors(.cosine(warmUp: 0, floor: 0), epochs: 4)
    #expect(plain[0] == 1)
    #expect(abs(plain[2] - 0.5) < 1e-12)
    #expect(zip(plain, plain.dropFirst()).allSatisfy { $0 > $1 } && plain[3] > 0)
    let warm = factors(.cosine(warmUp: 2, floor: 0.1), epochs: 6)
    #expect(warm[0] == 0.5 && warm[1] == 1 && warm[2] == 1)
    #expect(abs(warm[4] - (0.1 + 0.9 / 2)) < 1e-12)
    #expect(warm.allSatisfy { $0 >= 0.1 })
  }

  @Test("a module's own rate; optimizers start anew where the rate falls, if they are to")
  func restarts() {
    var plan = training(
      .parallel, epochs: [6, 6], schedule: .step(every: 2, factor: 0.1), dropsMomentum: true)
    plan.modules[1].learningRate = 1
    #expect(abs(plan.learningRate(module: 1, epoch: 3) - 0.01) < 1e-15)
    #expect(abs(plan.learningRate(module: 2, epoch: 3) - 0.1) < 1e-15)
    #expect(
      (1...6).map { plan.restartsOptimizer(module: 1, epoch: $0) } == [
        false, false, true, false, true, false,
      ])
    #expect((1...6).map { plan.epochsSinceRestart(module: 1, epoch: $0) } == [0, 1, 0, 1, 0, 1])
    plan.dropsMomentumAtDecay = false
    #expect((1...6).map { plan.epochsSinceRestart(module: 1, epoch: $0) } == [0, 1, 2, 3, 4, 5])
  }

  /// Looking at the rates of all epochs, each a product of as many factors, would take hours.
  @Test("where the rate falls is known of any number of epochs")
  func decays() {
    let million = 1_000_000
    let schedules: [(LearningRateSchedule, count: Int, first: Int)] = [
      (.step(every: 1, factor: 0.9), million - 1, 2), (.step(every: 1000, factor: 0.9), 999, 1001),
      (.milestones([5, 999_999, 2_000_000], factor: 0.1), 2, 6), (.step(every: 1, factor: 1), 0, 0),
      (.constant, 0, 0),
    ]
    for (schedule, count, first) in schedules {
      let decays = training(.parallel, epochs: [million], schedule: schedule).decays(ofModule: 1)
      #expect(decays.count == count && decays.first ?? 0 == first, "\(schedule)")
    }
    // As the rates themselves say it, where they can be asked.
    for schedule in [
      .step(every: 3, factor: 0.5), .milestones([2, 7], factor: 0.1), .cosine(warmUp: 3, floor: 0.1),
      .cosine(warmUp: 0, floor: 1),
    ] as [LearningRateSchedule] {
      let training = training(.parallel, epochs: [12], schedule: schedule)
      let rates = (1...12).map { training.learningRate(module: 1, epoch: $0) }
      #expect(training.decays(ofModule: 1) == (2...12).filter { rates[$0 - 1] < rates[$0 - 2] })
    }
  }

  @Test("steps of an epoch")
  func steps() {
    var plan = training(.parallel, epochs: [1])
    #expect([31, 32, 33, 64].map { plan.steps(images: $0) } == [1, 1, 2, 2])
    plan.dropLast = true
    #expect([31, 32, 33, 64].map { plan.steps(images: $0) } == [0, 1, 1, 2])
  }
}
