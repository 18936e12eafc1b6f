/// What was probably meant by a word that does not exist.
enum Suggestions {
  /// The nearest candidate, if any is near enough: a third of the word may differ, at most three letters.
  /// Case and `_` for `-` count for nothing. Of equally near ones the first wins.
  static func closest(to word: String, among candidates: [String]) -> String? {
    let word = normalized(word)
    guard !word.isEmpty, word.count <= longestWord else { return nil }
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let target = normalized(candidate)
      let limit = min(3, max(1, max(word.count, target.count) / 3))
      guard abs(word.count - target.count) <= limit else { continue }
      let distance = distance(word, target)
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// The key of a section that was probably meant: by its name, or by a word that people use for it elsewhere.
  /// It is certain where it is one edit away, or exactly such a word.
  static func closest(to word: String, among keys: [SpecKey]) -> (key: SpecKey, isCertain: Bool)? {
    if let key = keys.first(where: { $0.alsoKnownAs.contains { normalized($0) == normalized(word) } }) {
      return (key, true)
    }
    guard let name = closest(to: word, among: keys.map(\.name)),
      let key = keys.first(where: { $0.name == name })
    else { return nil }
    return (key, distance(normalized(word), normalized(name)) <= 1)
  }

  private static let longestWord = 64

  private static func normalized(_ word: String) -> [UInt8] {
    word.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "_"), UInt8(ascii: " "): UInt8(ascii: "-")
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 32
      default: byte
      }
    }
  }

  /// Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment).
  /// - Complexity: O(a · b) time, three rows of memory.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    var current = previous
    for i in 0..<a.count {
      current[0] = i + 1
      for j in 0..<b.count {
        let substitution = previous[j] + (a[i] == b[j] ? 0 : 1)
        current[j + 1] = min(substitution, previous[j + 1] + 1, current[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          current[j + 1] = min(current[j + 1], beforePrevious[j - 1] + 1)
        }
      }
      (beforePrevious, previous, current) = (previous, current, beforePrevious)
    }
    return previous[b.count]
  }
}
