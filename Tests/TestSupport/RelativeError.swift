/// `‖actual − expected‖₂ / ‖expected‖₂`; the plain norm of the difference where `expected` is all zero. Not a number where
/// either side holds one, so that every comparison with a bound fails. Traps when the counts differ.
package func relativeL2(_ actual: [Double], _ expected: [Double]) -> Double {
  precondition(
    actual.count == expected.count, "relative error of \(actual.count) values against \(expected.count)")
  var difference = 0.0
  var norm = 0.0
  for (a, e) in zip(actual, expected) {
    difference += (a - e) * (a - e)
    norm += e * e
  }
  return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}

/// The same with a kernel's results on the left.
package func relativeL2(_ actual: [Float], _ expected: [Double]) -> Double {
  relativeL2(actual.map(Double.init), expected)
}

/// What float32 may lose in sums of `reductionLength` products, as a bound for `relativeL2`.
///
/// Rounding errors of a sum of n terms grow like a random walk: about sqrt(n) half-ulps in relative L2. `slack` is the
/// room above that; it has to cover algorithms that compute in more steps than the plain sum.
package func roundingBound(reductionLength: Int, slack: Double = 8) -> Double {
  slack * Double(Float.ulpOfOne) / 2 * Double(max(reductionLength, 1)).squareRoot()
}

/// `Σ aᵢ bᵢ`, added in order.
package func innerProduct(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count)
  return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}
