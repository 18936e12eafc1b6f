/// The candidate that was most likely meant by `word`, or nil where none is near: the smallest edit distance wins
/// if it is at most a third of the word (at least 1), then a candidate that `word` is the beginning of.
/// - Complexity: O(word x candidate) for every candidate.
package func nearest(to word: String, among candidates: [String]) -> String? {
  let limit = max(1, word.count / 3)
  var best: (candidate: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(word, candidate)
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  if let best { return best.candidate }
  guard word.count >= 2 else { return nil }
  let continuations = candidates.filter { $0.hasPrefix(word) }
  return continuations.count == 1 ? continuations[0] : nil
}

/// Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment).
package func editDistance(_ first: String, _ second: String) -> Int {
  let a = Array(first)
  let b = Array(second)
  var rowBefore: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, row[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rowBefore[j - 1] + 1) }
      row.append(cost)
    }
    (rowBefore, previous) = (previous, row)
  }
  return previous[b.count]
}
