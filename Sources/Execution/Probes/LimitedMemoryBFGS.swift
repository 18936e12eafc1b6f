/// Minimises a smooth function by L-BFGS (Liu and Nocedal 1989): the last steps and their changes of the gradient stand
/// for the curvature; the step length is halved until it pays (Armijo 1966).
package struct LimitedMemoryBFGS {
  /// Steps that are remembered.
  private static let memory = 10
  /// As long as the point, at once and at most: the memory with the pair that comes in; point, gradient and direction; the
  /// next point with its gradient.
  static let vectorCount = 2 * (memory + 1) + 3 + 2
  private static let sufficientDecrease = 1e-4
  private static let longestSearch = 30

  package struct Outcome: Sendable {
    package var point: [Double]
    package var value: Double
    package var iterations: Int
    /// Whether no component of the gradient is above the tolerance.
    package var isConverged: Bool
  }

  let iterationLimit: Int
  /// Of the gradient's largest component.
  let tolerance: Double

  package init(iterationLimit: Int, tolerance: Double) {
    self.iterationLimit = iterationLimit
    self.tolerance = tolerance
  }

  package func minimize(
    from start: [Double], _ function: (_ point: [Double]) -> (value: Double, gradient: [Double])
  ) -> Outcome {
    var point = start
    var (value, gradient) = function(point)
    var steps: [(step: [Double], change: [Double], curvature: Double)] = []
    for iteration in 0..<iterationLimit {
      guard largest(gradient) > tolerance else {
        return Outcome(point: point, value: value, iterations: iteration, isConverged: true)
      }
      var direction = descent(gradient, steps)
      var slope = dot(direction, gradient)
      if slope >= 0 {
        // Rounding has spoilt the memory: begin anew with the steepest descent.
        steps = []
        direction = gradient.map { -$0 }
        slope = -dot(gradient, gradient)
      }
      var length = steps.isEmpty ? 1 / max(1, dot(gradient, gradient).squareRoot()) : 1
      var next: (point: [Double], value: Double, gradient: [Double])?
      for _ in 0..<Self.longestSearch {
        let candidate = zip(point, direction).map { $0 + length * $1 }
        let (candidateValue, candidateGradient) = function(candidate)
        if candidateValue <= value + Self.sufficientDecrease * length * slope {
          next = (candidate, candidateValue, candidateGradient)
          break
        }
        length /= 2
      }
      // No step is short enough to pay: the value is as low as its rounding lets it be.
      guard let next else {
        return Outcome(point: point, value: value, iterations: iteration, isConverged: false)
      }
      let step = zip(next.point, point).map { $0 - $1 }
      let change = zip(next.gradient, gradient).map { $0 - $1 }
      let curvature = dot(step, change)
      if curvature > 1e-12 * dot(change, change) {
        steps.append((step, change, curvature))
        if steps.count > Self.memory { steps.removeFirst() }
      }
      (point, value, gradient) = next
    }
    return Outcome(
      point: point, value: value, iterations: iterationLimit, isConverged: largest(gradient) <= tolerance)
  }

  /// Minus the approximate inverse Hessian times the gradient, by the two-loop recursion.
  private func descent(
    _ gradient: [Double], _ steps: [(step: [Double], change: [Double], curvature: Double)]
  ) -> [Double] {
    var direction = gradient.map { -$0 }
    var weights: [Double] = []
    for (step, change, curvature) in steps.reversed() {
      let weight = dot(step, direction) / curvature
      weights.append(weight)
      for index in direction.indices { direction[index] -= weight * change[index] }
    }
    if let last = steps.last {
      let scale = last.curvature / dot(last.change, last.change)
      for index in direction.indices { direction[index] *= scale }
    }
    for ((step, change, curvature), weight) in zip(steps, weights.reversed()) {
      let correction = weight - dot(change, direction) / curvature
      for index in direction.indices { direction[index] += correction * step[index] }
    }
    return direction
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  private func largest(_ vector: [Double]) -> Double {
    vector.reduce(0) { max($0, $1.magnitude) }
  }
}
