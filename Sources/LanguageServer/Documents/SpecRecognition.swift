/// Tells specs from other YAML: their first key is `strata`, or a comment in front of it names their schema, as the templates'
/// first line does.
enum SpecRecognition {
  /// No longer head is looked at.
  private static let longestHead = 1 << 16

  static func isSpec(_ bytes: [UInt8]) -> Bool {
    var namesSchema = false
    for line in lines(bytes) {
      if line.first == UInt8(ascii: "#") {
        namesSchema = namesSchema || String(decoding: line, as: UTF8.self).contains("strata.schema.json")
        continue
      }
      if line.isEmpty || line.starts(with: "---".utf8) || line.first == UInt8(ascii: "%") { continue }
      return namesSchema || isVersionKey(line)
    }
    return namesSchema
  }

  /// Whether there is nothing but comments.
  static func isEmpty(_ bytes: [UInt8]) -> Bool {
    lines(bytes).allSatisfy { $0.isEmpty || $0.first == UInt8(ascii: "#") || $0.starts(with: "---".utf8) }
  }

  /// Without blanks at their ends.
  private static func lines(_ bytes: [UInt8]) -> some Sequence<ArraySlice<UInt8>> {
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    return bytes[start..<min(bytes.count, Self.longestHead)].split(omittingEmptySubsequences: false) {
      $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
    }.lazy.map { line in
      var line = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      while line.last == UInt8(ascii: " ") || line.last == UInt8(ascii: "\t") { line.removeLast() }
      return line
    }
  }

  /// `strata:`, quoted or not, at the front of a mapping in braces or not.
  private static func isVersionKey(_ line: ArraySlice<UInt8>) -> Bool {
    var line = line
    if line.first == UInt8(ascii: "{") { line = line.dropFirst().drop { $0 == UInt8(ascii: " ") } }
    for word in ["strata", "\"strata\"", "'strata'"] where line.starts(with: word.utf8) {
      let rest = line.dropFirst(word.utf8.count).drop { $0 == UInt8(ascii: " ") }
      return rest.first == UInt8(ascii: ":")
    }
    return false
  }
}
