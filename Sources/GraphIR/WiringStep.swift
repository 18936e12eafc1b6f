/// One step of a `NetworkWiring`, as operations write it (`OperatorDefinition.steps`), read back.
package enum WiringStep: Hashable, Sendable {
  /// Which part a classifier stands behind.
  case behind(String)
  case convolution(kernel: Int, stride: Int, padding: Int, hasBias: Bool, isShortcut: Bool)
  case linear
  case batchNorm
  case activation(String)
  case add
  case maxPool(window: Int, stride: Int, padding: Int)
  /// Squares beside each other.
  case averagePool(window: Int)
  case adaptiveAveragePool(height: Int, width: Int)
  case fold
  case zeroPad(stride: Int)
  case flatten

  /// Nil where no release of Strata writes such a step.
  package init?(_ text: String) {
    var words = text.split(separator: " ").map(String.init)[...]
    func take(_ word: String) -> Bool {
      guard words.first == word else { return false }
      words.removeFirst()
      return true
    }
    func number() -> Int? {
      guard let word = words.first, let number = Int(word), number >= 0, number < 1 << 20 else { return nil }
      words.removeFirst()
      return number
    }
    /// `3x3`: equal sides.
    func square() -> Int? { sides().flatMap { $0.count == 2 && $0[0] == $0[1] ? $0[0] : nil } }
    func sides() -> [Int]? {
      guard let word = words.first else { return nil }
      let sides = word.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard sides.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else { return nil }
      words.removeFirst()
      return sides
    }
    /// The number behind a word, or what holds without it.
    func named(_ word: String, or usual: Int) -> Int? { take(word) ? number() : usual }

    if take("behind") {
      guard words.count == 1, let name = words.first else { return nil }
      self = .behind(name)
      return
    }
    let isShortcut = take("shortcut")
    guard let kind = words.popFirst() else { return nil }
    switch kind {
    case "conv":
      guard let kernel = square(), let stride = named("stride", or: 1), let padding = named("padding", or: 0)
      else { return nil }
      let hasBias = take("with") && take("bias")
      self = .convolution(
        kernel: kernel, stride: stride, padding: padding, hasBias: hasBias, isShortcut: isShortcut)
    case "zero-pad" where isShortcut:
      guard let stride = named("stride", or: 1) else { return nil }
      self = .zeroPad(stride: stride)
    case "linear": self = .linear
    case "batch-norm": self = .batchNorm
    case "add": self = .add
    case "max-pool":
      guard let window = square(), let stride = named("stride", or: window),
        let padding = named("padding", or: 0)
      else { return nil }
      self = .maxPool(window: window, stride: stride, padding: padding)
    case "average-pool":
      guard let window = square() else { return nil }
      self = .averagePool(window: window)
    case "adaptive-average-pool":
      guard sides()?.count == 2, take("to"), let sides = sides(), sides.count == 2 else { return nil }
      self = .adaptiveAveragePool(height: sides[0], width: sides[1])
    case "fold":
      guard square() == 2 else { return nil }
      self = .fold
    case "flatten":
      guard sides()?.count == 3 else { return nil }
      self = .flatten
    default: self = .activation(kind)
    }
    guard words.isEmpty else { return nil }
  }
}
