import Foundation

extension Reference {
  /// `v ← m v + (g + d w)`; `w ← w − r v`, or with Nesterov `w ← w − r (g + d w + m v)` (PyTorch's conventions).
  package static func sgdStep(
    weights: inout [Double], velocity: inout [Double], gradient: [Double], learningRate: Double,
    momentum: Double,
    weightDecay: Double, nesterov: Bool = false
  ) {
    for i in weights.indices {
      let decayed = gradient[i] + weightDecay * weights[i]
      velocity[i] = momentum * velocity[i] + decayed
      weights[i] -= learningRate * (nesterov ? decayed + momentum * velocity[i] : velocity[i])
    }
  }

  /// Adam (Kingma and Ba 2015) with L2 decay in the gradient; `step` counts from 1.
  package static func adamStep(
    weights: inout [Double], firstMoment: inout [Double], secondMoment: inout [Double], gradient: [Double],
    step: Int,
    learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false
  ) {
    for i in weights.indices {
      // Loshchilov and Hutter 2019: the weights are decayed, and the gradient is as it was.
      if isDecoupled { weights[i] -= learningRate * weightDecay * weights[i] }
      let g = isDecoupled ? gradient[i] : gradient[i] + weightDecay * weights[i]
      firstMoment[i] = beta1 * firstMoment[i] + (1 - beta1) * g
      secondMoment[i] = beta2 * secondMoment[i] + (1 - beta2) * g * g
      let mean = firstMoment[i] / (1 - pow(beta1, Double(step)))
      let square = secondMoment[i] / (1 - pow(beta2, Double(step)))
      weights[i] -= learningRate * mean / (square.squareRoot() + epsilon)
    }
  }
}
