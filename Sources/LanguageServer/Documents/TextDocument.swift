internal import Artifacts
internal import Diagnostics
internal import Text

/// A text that an editor holds open, kept in step by its edits.
struct TextDocument {
  let uri: DocumentURI
  let languageID: String
  private(set) var version: Int?
  /// Valid UTF-8.
  private(set) var bytes: [UInt8]
  /// Byte offset of each line's first byte; rising, never empty. Lines end as in `SourceFile`.
  private var lineStarts: [Int]
  /// The editor's text is not known: an edit was lost. What is here counts again when the whole text is sent.
  private(set) var isLost = false

  /// Longer texts are not kept: no spec has more than a mebibyte.
  static let largestByteCount = 4 << 20

  init(uri: DocumentURI, languageID: String, version: Int?, text: String) {
    self.uri = uri
    self.languageID = languageID
    self.version = version
    bytes = []
    lineStarts = [0]
    replaceAll(text)
  }

  /// An edit as far as places are concerned: bytes of the text before it, and how many took their place.
  struct Edit: Hashable {
    var range: Range<Int>
    var newByteCount: Int

    /// Where a place in front of the edit, in it or behind it has come to.
    func moved(_ offset: Int) -> Int {
      if offset < range.lowerBound { return offset }
      if offset >= range.upperBound { return offset + newByteCount - range.count }
      return range.lowerBound + newByteCount
    }
  }

  mutating func lose() {
    isLost = true
    bytes = []
    lineStarts = [0]
  }

  /// - Parameter changes: of `textDocument/didChange`, applied one after the other.
  /// - Returns: the edits; nil where the whole text was replaced by one of them.
  mutating func apply(
    _ changes: [JSON], version: Int?, _ encoding: PositionEncoding
  ) throws(RPCFault) -> [Edit]? {
    self.version = version
    var edits: [Edit]? = []
    for change in changes {
      guard let text = change["text"]?.string else {
        throw RPCFault(.invalidParams, "a change has a text")
      }
      guard let range = change["range"] else {
        replaceAll(text)
        edits = nil
        continue
      }
      let start = try LinePosition(range["start"])
      let end = try LinePosition(range["end"])
      guard !isLost else { continue }
      let low = offset(of: start, encoding)
      let high = max(low, offset(of: end, encoding))
      replace(low..<high, by: Array(text.utf8))
      edits?.append(Edit(range: low..<high, newByteCount: text.utf8.count))
    }
    return edits
  }

  private mutating func replaceAll(_ text: String) {
    isLost = text.utf8.count > Self.largestByteCount
    bytes = isLost ? [] : Array(text.utf8)
    lineStarts = [0]
    for start in 1..<bytes.count + 1 where isLineStart(start) { lineStarts.append(start) }
  }

  private mutating func replace(_ range: Range<Int>, by text: [UInt8]) {
    guard bytes.count - range.count + text.count <= Self.largestByteCount else { return lose() }
    bytes.replaceSubrange(range, with: text)
    // Only at the edit's ends and within can lines begin elsewhere than before.
    let before = lineStarts.partitioningIndex { $0 >= max(1, range.lowerBound) }
    let behind = lineStarts.partitioningIndex { $0 > range.upperBound }
    let delta = text.count - range.count
    let first = max(1, range.lowerBound)
    let last = range.lowerBound + text.count
    let fresh = first <= last ? (first...last).filter(isLineStart) : []
    if delta != 0 {
      for index in behind..<lineStarts.count { lineStarts[index] += delta }
    }
    lineStarts.replaceSubrange(before..<max(before, behind), with: fresh)
  }

  /// Whether a line begins at a byte, or behind the last one.
  private func isLineStart(_ offset: Int) -> Bool {
    guard offset > 0, offset <= bytes.count else { return offset == 0 }
    let last = bytes[offset - 1]
    return last == UInt8(ascii: "\n")
      || last == UInt8(ascii: "\r") && !(offset < bytes.count && bytes[offset] == UInt8(ascii: "\n"))
  }

  private func offset(of position: LinePosition, _ encoding: PositionEncoding) -> Int {
    guard position.line < lineStarts.count else { return bytes.count }
    let start = lineStarts[position.line]
    var end = position.line + 1 < lineStarts.count ? lineStarts[position.line + 1] : bytes.count
    // Its end does not belong to the line.
    if position.line + 1 < lineStarts.count {
      end -= 1
      if end > start, bytes[end] == UInt8(ascii: "\n"), bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    }
    return start + encoding.byteCount(ofUnits: position.character, in: bytes[start..<end])
  }

  /// Of YAML, by what the editor says and by its name.
  var isYAML: Bool {
    languageID == "yaml" || uri.text.hasSuffix(".yaml") || uri.text.hasSuffix(".yml")
  }
}

extension [Int] {
  /// The first index of a sorted array whose element passes; all behind it do.
  fileprivate func partitioningIndex(_ passes: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if passes(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
