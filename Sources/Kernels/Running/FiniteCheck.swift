/// Whether all numbers that a loop has written are finite, at two instructions a vector: x - x is 0 for every finite x and NaN
/// for all others, and a sum with NaN in it stays NaN.
struct FiniteCheck {
  private var lanes = Vector.zero
  private var rest: Float = 0

  @inline(__always)
  mutating func add(_ vector: Vector) { lanes += vector - vector }

  @inline(__always)
  mutating func add(_ value: Float) { rest += value - value }

  var isFinite: Bool { lanes == .zero && rest == 0 }
}

extension Workers {
  /// Notes what a block of work has found. Any worker may, at any time.
  @inline(__always)
  func note(_ check: FiniteCheck) {
    if !check.isFinite { noteNotFinite() }
  }
}
