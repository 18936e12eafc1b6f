/// Images of 32-bit floats with numbers that no network is made for: a step on one of them may leave infinite weights.
package struct LargeImages: Hashable, Sendable {
  /// The first of them.
  package var path: String
  package var split: DatasetSplit
  /// From 0.
  package var index: Int
  /// Its largest number in magnitude.
  package var value: Float
  /// How many there are, of both splits.
  package var count = 1

  /// Of both splits.
  static func joined(_ train: LargeImages?, _ test: LargeImages?) -> LargeImages? {
    guard var joined = train else { return test }
    joined.count += test?.count ?? 0
    return joined
  }
}

extension Dataset {
  /// Normalised images stay in the range of some units.
  package static let largestExpectedMagnitude: Float = 1e6
}

extension DatasetSplit {
  /// `the training set`.
  package var words: String {
    switch self {
    case .train: "the training set"
    case .test: "the test set"
    }
  }
}

/// Looks at the numbers of float images as they are read.
struct FloatCheck {
  let path: String
  let split: DatasetSplit
  private(set) var large: LargeImages?

  init(path: String, split: DatasetSplit, large: LargeImages? = nil) {
    self.path = path
    self.split = split
    self.large = large
  }

  /// - Parameters:
  ///   - index: of the image in its split.
  ///   - offset: of its first number in the file.
  mutating func check(_ pixels: borrowing RawSpan, index: Int, offset: Int) throws(DatasetError) {
    let count = pixels.byteCount / 4
    var (least, most, zero): (Float, Float, Float) = (0, 0, 0)
    for place in 0..<count {
      let value = unsafe pixels.unsafeLoadUnaligned(fromByteOffset: 4 * place, as: Float.self)
      zero += 0 * value
      least = min(least, value)
      most = max(most, value)
    }
    if zero != 0 {
      for place in 0..<count {
        let value = unsafe pixels.unsafeLoadUnaligned(fromByteOffset: 4 * place, as: Float.self)
        guard value.isFinite else {
          throw .notFinite(path: path, offset: offset + 4 * place, split: split, index: index, value: value)
        }
      }
    }
    let largest = -least > most ? least : most
    guard largest.magnitude > Dataset.largestExpectedMagnitude else { return }
    if large == nil {
      large = LargeImages(path: path, split: split, index: index, value: largest)
    } else {
      large?.count += 1
    }
  }
}
