internal import Diagnostics
internal import GraphIR

/// Bounds below which byte counts and multiply-adds of the largest networks the language can describe can be added up in
/// 64 bits: no machine comes near them.
enum SizeLimits {
  /// Numbers of one value, whole batch.
  static let elements = 1 << 40
  /// Multiply-adds of one layer for one image; a network has less than 2^16 layers.
  static let multiplyAdds = 1 << 46
  /// Multiply-adds of all steps of a training, forward and backward: half of what can be counted, so that there is room for
  /// values which a plan computes again.
  static let trainingMultiplyAdds = 1 << 62
  /// Bytes of what one module outputs, for all images.
  static let featureBytes = 1 << 60

  /// The fault of a value that is too large, or of a product that makes it.
  ///
  /// - Parameter patchSize: multiply-adds for each number of the value.
  static func fault(_ shape: Shape, patchSize: Int, _ what: String, at span: SourceSpan) -> Diagnostic? {
    let perImage = product([shape.height, shape.width, shape.channels])
    guard let perImage, let all = product([perImage, shape.batch]), all <= elements else {
      return .tooLarge(what, at: span)
    }
    guard let multiplyAdds = product([perImage, patchSize]), multiplyAdds <= Self.multiplyAdds else {
      return .tooMuchWork(what, at: span)
    }
    return nil
  }

  /// Nil where it can't be counted.
  static func product(_ factors: [Int]) -> Int? {
    var result = 1
    for factor in factors {
      let (next, overflow) = result.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      result = next
    }
    return result
  }
}
