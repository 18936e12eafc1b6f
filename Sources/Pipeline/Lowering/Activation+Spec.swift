internal import CostModel
internal import SpecLanguage

extension NetworkSpec {
  /// The function behind every layer.
  var activationFunction: Activation {
    switch activation.kind.value {
    case .relu: .relu
    case .leakyRelu: .leakyRelu(slope: Float(activation.slope?.value ?? 0.01))
    case .gelu: .gelu
    case .silu: .silu
    }
  }
}
