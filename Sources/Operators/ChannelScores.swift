package import CostModel
package import GraphIR

/// How important a channel is.
package enum ChannelCriterion: String, Hashable, Sendable, CaseIterable {
  /// z, dz: |mean over the image of dz z|, with dz of the image's own loss: to first order what the loss would change
  /// by without the channel (Molchanov et al., 2017).
  case taylor
  /// z: its mean over the image.
  case activation
  /// filter: sum of its absolute weights (Li et al., 2017), whatever the images.
  case weightNorm = "weight-norm"

  package var readsImages: Bool {
    switch self {
    case .taylor, .activation: true
    case .weightNorm: false
    }
  }
}

/// The importance of each channel, summed over images, is added to the scores in place.
/// scores, and what the criterion looks at -> nothing
package struct ChannelScores: UpdateOperator, SweepOperator {
  package var criterion: ChannelCriterion

  package init(_ criterion: ChannelCriterion) {
    self.criterion = criterion
  }

  package static var kind: OperatorKind { .channelScores }
  package var text: String { "channel_scores[\(criterion.rawValue)]" }
  package var operandCounts: ClosedRange<Int> {
    switch criterion {
    case .activation, .weightNorm: 2...2
    case .taylor: 3...3
    }
  }
  package func fault(_ types: OperandTypes) -> String? {
    let inputs = types.inputs
    switch criterion {
    case .taylor: return types.same([inputs[1], inputs[2]]) ?? types.perChannel(inputs[1], [inputs[0]])
    case .activation: return types.perChannel(inputs[1], [inputs[0]])
    case .weightNorm:
      guard inputs[1].element == .float32, case .filter(_, _, let outChannels) = inputs[1].extent,
        inputs[0] == .vector(outChannels)
      else {
        return "a score for each filter"
      }
      return nil
    }
  }
  package var mutatedOperands: [Int] { [0] }
  package var sweep: WorkKind.Sweep { .elementwise }
  package var runsWithLastPieceAlone: Bool { false }
}
