package import CostModel
import Foundation

extension Activation {
  /// f(z) and f'(z) in double precision, as the papers have them.
  package var reference: (value: (Double) -> Double, derivative: (Double) -> Double) {
    switch self {
    case .none: return ({ $0 }, { _ in 1 })
    case .relu: return ({ max(0, $0) }, { $0 > 0 ? 1 : 0 })
    case .leakyRelu(let slope):
      let slope = Double(slope)
      return ({ $0 < 0 ? slope * $0 : $0 }, { $0 > 0 ? 1 : slope })
    case .gelu:
      func distribution(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }
      return (
        { $0 * distribution($0) },
        { distribution($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
      )
    case .silu:
      func logistic(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
      return ({ $0 * logistic($0) }, { logistic($0) * (1 + $0 * (1 - logistic($0))) })
    }
  }
}
