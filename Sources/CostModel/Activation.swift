/// The elementwise function behind an operation: fused into its sweep over memory, or an operation of its own.
package enum Activation: Hashable, Sendable {
  case none
  /// max(0, z).
  case relu
  /// z, and below zero `slope` of it, which lies between 0 and 1 (Maas et al., 2013).
  case leakyRelu(slope: Float)
  /// z Φ(z), with the normal distribution itself (Hendrycks and Gimpel, 2016): no approximation by a hyperbolic tangent.
  case gelu
  /// z / (1 + exp(-z)) (Elfwing et al., 2017).
  case silu

  /// As texts and model files have it: one word. The slope is the shortest that reads as the same number.
  package var word: String {
    switch self {
    case .none: "none"
    case .relu: "relu"
    case .leakyRelu(let slope): "leaky-relu(\(slope))"
    case .gelu: "gelu"
    case .silu: "silu"
    }
  }

  /// Nil for another word than `word` makes, and for a slope that no spec has.
  package init?(word: String) {
    switch word {
    case "none": self = .none
    case "relu": self = .relu
    case "gelu": self = .gelu
    case "silu": self = .silu
    default:
      guard word.hasPrefix("leaky-relu("), word.hasSuffix(")"),
        let slope = Float(word.dropFirst("leaky-relu(".count).dropLast()), slope > 0, slope < 1
      else { return nil }
      self = .leakyRelu(slope: slope)
    }
  }

  /// Whether f'(z) follows from f(z): then what it reads need not be kept for the backward pass, and it is fused into whatever is
  /// in front of it. Of the others only batch norm computes what they read again.
  package var gradientFollowsFromOutput: Bool {
    switch self {
    case .none, .relu, .leakyRelu: true
    case .gelu, .silu: false
    }
  }

  /// ` relu` behind an operation's attributes; nothing where there is none.
  package var suffix: String { self == .none ? "" : " \(word)" }

  /// `step, relu`: steps of a network's wiring.
  package func steps(behind step: String) -> [String] { self == .none ? [step] : [step, word] }
}
