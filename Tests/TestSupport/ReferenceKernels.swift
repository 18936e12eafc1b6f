/// Every operation of training once more, in Double and naive loops, forward and backward: what the kernels are held
/// against. Nothing here is fast, and nothing is shared with the kernels.
///
/// Images are NHWC, filters `[k*k*C, K]` (kernel row, kernel column, input channel; output channel), linear weights
/// `[out, in]`. A backward takes the gradient of a scalar loss with respect to the output and returns that with respect to
/// an input or parameter.
package enum Reference {
  /// `Σ` over the rows, one sum a channel: the gradient of a bias.
  package static func columnSums(_ x: Images) -> [Double] {
    var sums = [Double](repeating: 0, count: x.channels)
    for row in 0..<x.rows {
      for c in 0..<x.channels { sums[c] += x[row, c] }
    }
    return sums
  }

  package static func reluForward(_ x: [Double]) -> [Double] {
    x.map { $0 > 0 ? $0 : 0 }
  }

  /// The gradient passes where the output `y` is positive; at 0 the derivative counts as 0, as PyTorch has it.
  package static func reluBackward(outputGradient: [Double], y: [Double]) -> [Double] {
    zip(outputGradient, y).map { $1 > 0 ? $0 : 0 }
  }

  package static func addForward(_ a: [Double], _ b: [Double], relu: Bool = false) -> [Double] {
    let sum = zip(a, b).map { $0 + $1 }
    return relu ? reluForward(sum) : sum
  }
}
