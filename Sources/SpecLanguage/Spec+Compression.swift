package import Diagnostics

/// Layer-wise compression: each layer is trained, loses its least important channels, and is fine-tuned before the next
/// one is trained on what is left.
package struct CompressionSpec: Sendable {
  package var width: CompressionWidth
  /// Of fine-tuning.
  package var epochs: Spanned<Int>
  /// Of fine-tuning, in its first epoch; nil: as the module's own training begins.
  package var learningRate: Spanned<Double>?
  package var fineTune: Spanned<TunedPart>
  package var criterion: Spanned<CompressionCriterion>
  /// Training images that channels are ranked over; nil: all of them, or a criterion that needs none.
  package var images: Spanned<Int>?
  package var span: SourceSpan
}

/// Channels that stay.
package enum CompressionWidth: Sendable {
  /// Of every layer.
  case number(Spanned<Int>)
  /// One entry a layer.
  case explicit([Spanned<Int>])

  /// Of a layer, from 1.
  package subscript(layer layer: Int) -> Spanned<Int> {
    switch self {
    case .number(let width): width
    case .explicit(let widths): widths[min(layer, widths.count) - 1]
    }
  }
}

/// What learns once more when a layer has lost channels.
package enum TunedPart: String, Hashable, Sendable, CaseIterable {
  /// The auxiliary network, or the head; the layer stays.
  case auxiliary
  /// The layer as well.
  case module
}

/// How important a channel is.
package enum CompressionCriterion: String, Hashable, Sendable, CaseIterable {
  /// How much the loss would change without it, to first order.
  case taylor
  /// Its mean value.
  case activation
  /// The norm of its filter.
  case weightNorm = "weight-norm"
}
