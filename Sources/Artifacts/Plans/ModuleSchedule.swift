internal import Planning

/// What each module does over the epochs of a training, in stretches in which it goes on as before.
struct ModuleSchedule {
  enum Work: Hashable, CaseIterable {
    case learning, fineTuning, auxiliaryFineTuning
    /// Runs to feed the others.
    case frozen

    var words: String {
      switch self {
      case .learning: "learns"
      case .fineTuning: "fine-tunes the channels that it keeps"
      case .auxiliaryFineTuning: "frozen, its auxiliary fine-tunes on the channels that it keeps"
      case .frozen: "frozen"
      }
    }

    /// Nil: pale.
    var colour: Int? {
      switch self {
      case .learning: 0
      case .fineTuning: 1
      case .auxiliaryFineTuning: 2
      case .frozen: nil
      }
    }
  }

  struct Stretch: Hashable {
    var work: Work
    /// Of the whole training, from 0.
    var epochs: Range<Int>
    /// From 1.
    var stages: ClosedRange<Int>

    /// `learns, epochs 1 to 4, stages 1-2`
    var words: String {
      let stageWords = stages.lowerBound == stages.upperBound ? "stage" : "stages"
      return "\(work.words), epochs \(epochs.lowerBound + 1) to \(epochs.upperBound), "
        + "\(stageWords) \(rangeText(Array(stages)))"
    }
  }

  /// By module, from 1 at index 0; in order of the epochs.
  let rows: [[Stretch]]

  init(_ plan: Plan) {
    var rows = [[Stretch]](repeating: [], count: plan.modules.count)
    var start = 0
    for stage in plan.stages {
      let epochs = start..<start + stage.epochs
      for module in rows.indices where module < stage.schedule.lastModule {
        let work = stage.schedule.work(ofModule: module + 1)
        if let last = rows[module].last, last.work == work, last.epochs.upperBound == start {
          rows[module][rows[module].count - 1] = Stretch(
            work: work, epochs: last.epochs.lowerBound..<epochs.upperBound,
            stages: last.stages.lowerBound...stage.index)
        } else {
          rows[module].append(Stretch(work: work, epochs: epochs, stages: stage.index...stage.index))
        }
      }
      start = epochs.upperBound
    }
    self.rows = rows
  }

  /// What is drawn in a colour somewhere.
  var legend: [(colour: Int, name: String)] {
    let present = Set(rows.joined().map(\.work))
    return Work.allCases.compactMap { work in
      guard present.contains(work), let colour = work.colour else { return nil }
      return (colour, work.words)
    }
  }
}

extension StageSchedule {
  fileprivate func work(ofModule module: Int) -> ModuleSchedule.Work {
    guard indices.contains(module) else { return .frozen }
    switch purpose {
    case .training: return .learning
    case .fineTuning(let layers): return layers ? .fineTuning : .auxiliaryFineTuning
    }
  }

  /// The modules that learn: `1-4`, or `2 narrowed` where one has just lost channels.
  var modulesText: String { rangeText(indices) + (purpose == .training ? "" : " narrowed") }
}
