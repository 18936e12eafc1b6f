import Planning
import Testing

@Suite("Learning rates over the epochs")
struct LearningRateCourseTests {
  private func training(
    _ modules: [TrainingSettings.Module], _ schedule: LearningRateSchedule
  ) -> TrainingSettings {
    TrainingSettings(
      strategy: .sequential, modules: modules, startEvery: 0, batch: 1, dropLast: false,
      optimizer: .sgd(momentum: 0, weightDecay: 0, nesterov: false), schedule: schedule,
      dropsMomentumAtDecay: false, seed: 1)
  }

  @Test(
    "are those that modules learn with",
    arguments: [
      .constant, .step(every: 3, factor: 0.2), .step(every: 40, factor: 0.2), .step(every: 2, factor: 1),
      .milestones([1, 4, 11, 12, 30], factor: 0.3), .cosine(warmUp: 0, floor: 0),
      .cosine(warmUp: 4, floor: 0.1),
    ] as [LearningRateSchedule])
  func rates(schedule: LearningRateSchedule) {
    let narrowed = TrainingSettings.Module.Narrowing(channels: 8, width: 4, epochs: 5, learningRate: 0.25)
    let plan = training(
      [
        TrainingSettings.Module(epochs: 12, learningRate: 0.1),
        TrainingSettings.Module(epochs: 7, learningRate: 0.3, narrowing: narrowed),
        TrainingSettings.Module(epochs: 12, learningRate: 0.1),
        TrainingSettings.Module(epochs: 0, learningRate: 0.1),
      ], schedule)
    let courses = LearningRateCourse.all(of: plan)
    #expect(courses.map(\.modules) == [[1, 3], [2]] && courses.map(\.epochs) == [12, 12])
    for course in courses {
      #expect(course.changes.first?.epoch == 1 && !course.isThinned)
      for module in course.modules {
        for epoch in 1...course.epochs {
          let rate = course.changes.last { $0.epoch <= epoch }?.rate
          #expect(rate == plan.learningRate(module: module, epoch: epoch), "\(schedule), epoch \(epoch)")
        }
      }
      #expect(zip(course.changes, course.changes.dropFirst()).allSatisfy { $0.rate != $1.rate })
    }
  }

  @Test("are thinned where there are very many, in little time")
  func many() {
    let epochs = 1_000_000
    for schedule in [
      .step(every: 1, factor: 0.999_999), .cosine(warmUp: 1000, floor: 0),
    ] as [LearningRateSchedule] {
      let courses = LearningRateCourse.all(
        of: training([TrainingSettings.Module(epochs: epochs, learningRate: 0.1)], schedule))
      #expect(courses.count == 1 && courses[0].isThinned)
      #expect(courses[0].changes.count <= LearningRateCourse.limit && courses[0].changes.count > 500)
    }
  }
}
