/// A source text in which ⟦ and ⟧ mark the places that a test talks about.
///
///     let source = MarkedText("network:\n  ⟦widhts⟧: [8]")
///     source.text       // "network:\n  widhts: [8]"
///     source.ranges[0]  // 11..<17, UTF-8 bytes of `text`
package struct MarkedText: Hashable, Sendable {
  /// The text without its markers.
  package let text: String
  /// Half-open ranges of UTF-8 bytes of `text`, in the order in which they open; they may nest. `⟦⟧` is an empty range.
  package let ranges: [Range<Int>]

  /// Traps when the markers do not pair up: the test itself is wrong then.
  package init(_ marked: String) {
    var bytes: [UInt8] = []
    var lowerBounds: [Int] = []
    var upperBounds: [Int?] = []
    var open: [Int] = []
    for scalar in marked.unicodeScalars {
      switch scalar {
      case "⟦":
        open.append(lowerBounds.count)
        lowerBounds.append(bytes.count)
        upperBounds.append(nil)
      case "⟧":
        guard let index = open.popLast() else { preconditionFailure("⟧ without ⟦ in a marked text") }
        upperBounds[index] = bytes.count
      default:
        bytes.append(contentsOf: UTF8.encode(scalar)!)
      }
    }
    precondition(open.isEmpty, "⟦ without ⟧ in a marked text")
    text = String(decoding: bytes, as: UTF8.self)
    ranges = zip(lowerBounds, upperBounds).map { $0..<$1! }
  }

  /// The marked pieces themselves, as text.
  package var pieces: [String] {
    let bytes = Array(text.utf8)
    return ranges.map { String(decoding: bytes[$0], as: UTF8.self) }
  }
}
