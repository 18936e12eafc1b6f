/// The learning rate of modules over their own epochs, those of fine-tuning counted on behind those of training.
package struct LearningRateCourse: Hashable, Sendable {
  package struct Change: Hashable, Sendable {
    /// From 1: the first with this rate.
    package var epoch: Int
    package var rate: Double
  }

  /// From 1, rising: all of them learn alike.
  package var modules: [Int]
  package var epochs: Int
  /// Rising in their epochs, the first of which is 1.
  package var changes: [Change]
  /// Whether there were more changes than `limit`, so that only every so many-th is here.
  package var isThinned: Bool

  package static let limit = 1000

  /// Of all modules that learn, by their first module.
  ///
  /// - Complexity: O(modules x changes of the rate).
  package static func all(of training: TrainingSettings) -> [LearningRateCourse] {
    var courses: [LearningRateCourse] = []
    var places: [TrainingSettings.Module: Int] = [:]
    for (index, module) in training.modules.enumerated() where module.epochs > 0 {
      var kind = module
      // How many channels a module loses says nothing about its rate.
      kind.narrowing?.channels = 0
      kind.narrowing?.width = 0
      if let place = places[kind] {
        courses[place].modules.append(index + 1)
      } else {
        places[kind] = courses.count
        courses.append(LearningRateCourse(module, index: index + 1, training.schedule))
      }
    }
    return courses
  }

  private init(_ module: TrainingSettings.Module, index: Int, _ schedule: LearningRateSchedule) {
    modules = [index]
    epochs = module.totalEpochs
    changes = []
    isThinned = false
    add(schedule, base: module.learningRate, epochs: module.epochs, behind: 0)
    if let narrowing = module.narrowing {
      add(
        schedule, base: narrowing.learningRate ?? module.learningRate, epochs: narrowing.epochs,
        behind: module.epochs)
    }
  }

  private mutating func add(_ schedule: LearningRateSchedule, base: Double, epochs: Int, behind: Int) {
    let stride = (schedule.changeCount(in: epochs) + Self.limit - 1) / Self.limit
    isThinned = isThinned || stride > 1
    var number = 0
    schedule.forEachChange(in: epochs) { epoch, factor in
      defer { number += 1 }
      guard number.isMultiple(of: stride), changes.last?.rate != base * factor else { return }
      changes.append(Change(epoch: behind + epoch, rate: base * factor))
    }
  }
}

extension LearningRateSchedule {
  /// At most so many different factors in a row.
  fileprivate func changeCount(in epochs: Int) -> Int {
    switch self {
    case .constant: 1
    case .step(let every, _): (epochs - 1) / every + 1
    case .milestones(let milestones, _): milestones.count + 1
    case .cosine: epochs
    }
  }

  /// Calls `body` with every epoch whose factor may be another than that of the one before; with the factors of
  /// `factor(epoch:of:)`, to the bit.
  fileprivate func forEachChange(in epochs: Int, _ body: (_ epoch: Int, _ factor: Double) -> Void) {
    switch self {
    case .constant: body(1, 1)
    case .step(let every, let factor):
      var product = 1.0
      for epoch in stride(from: 1, through: epochs, by: every) {
        body(epoch, product)
        product *= factor
      }
    case .milestones(let milestones, let factor):
      var product = 1.0
      body(1, product)
      for milestone in milestones where milestone < epochs {
        product *= factor
        body(milestone + 1, product)
      }
    case .cosine: for epoch in 1...epochs { body(epoch, self.factor(epoch: epoch, of: epochs)) }
    }
  }
}
