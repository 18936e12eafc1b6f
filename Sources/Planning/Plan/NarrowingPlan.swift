package import GraphIR
package import Operators

/// How a stage ends whose module loses channels: they are ranked, over training images and with what is resident in the
/// stage; then the module moves together, and the next stage tunes it.
package struct NarrowingPlan: Sendable {
  /// From 1.
  package var module: Int
  /// Channels before and after.
  package var channels, width: Int
  package var criterion: ChannelCriterion
  /// That they are ranked over; of no images for a criterion that looks at weights alone.
  package var batches: RankingBatches
  /// Sums over images, one a channel, zeros before the first.
  package var scores: ResidentLayout.Entry
}

extension TrainingSettings {
  /// What the scores of a stage's channels lie in; nil where it ranks none.
  package func scores(of stage: StageSchedule) -> Value? {
    narrowing(behind: stage).map { narrowing in
      let module = stage.modules[0].index
      return Value(
        name: "scores.\(module)", type: .vector(narrowing.channels), category: .accumulator, module: module,
        initial: .zeros)
    }
  }
}

/// A tensor that keeps some of the channels along one of its dimensions: seen as `[rows, channels, run]`, of which it keeps
/// `[rows, width, run]`.
package struct TensorCut: Hashable, Sendable {
  package var rows, run: Int

  /// - Parameters:
  ///   - old, new: types of the tensor, which are equal in all dimensions but one.
  ///   - channels: that the dimension has, once or for each pixel that was folded into it.
  package init(from old: TensorType, to new: TensorType, channels: Int, width: Int) {
    func copies(_ old: Int, _ new: Int) -> Int {
      precondition(
        old % channels == 0 && new == old / channels * width,
        "narrowing leaves so many of each pixel's channels")
      return old / channels
    }
    switch (old.extent, new.extent) {
    case (.vector(let old), .vector(let new)): (rows, run) = (copies(old, new), 1)
    case (.filter(let kernelSize, let ins, let outs), .filter(_, let newIns, let newOuts)):
      let patch = kernelSize * kernelSize
      (rows, run) =
        outs == newOuts ? (patch * copies(ins, newIns), outs) : (patch * ins * copies(outs, newOuts), 1)
    case (.matrix(let outs, let height, let breadth, let ins), .matrix(_, _, _, let newIns)):
      (rows, run) = (outs * height * breadth * copies(ins, newIns), 1)
    case (_, _): preconditionFailure("narrowing changes one dimension of a parameter or statistic")
    }
    precondition(rows * channels * run == old.elementCount && rows * width * run == new.elementCount)
  }
}
