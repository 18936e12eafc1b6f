internal import Base

extension FolderScan {
  /// Of each split the images that a limit leaves: of every class its share, drawn by the seed, in the order that they had.
  func limited(_ limit: DatasetLimit) -> FolderScan {
    var result = self
    for (split, count) in [(DatasetSplit.train, limit.train), (.test, limit.test)] {
      guard let count, count < self[split].count else { continue }
      result[split] = Self.shares(of: self[split], count, classCount: classNames.count, seed: source.seed)
    }
    return result
  }

  private static func shares(of files: [Found], _ count: Int, classCount: Int, seed: UInt64) -> [Found] {
    var byClass = [[Int]](repeating: [], count: classCount)
    for (index, file) in files.enumerated() { byClass[Int(file.label)].append(index) }
    // Whole shares first; what is left goes to the largest fractions, and of equal ones to the first class.
    let exact = byClass.map { (count * $0.count).quotientAndRemainder(dividingBy: files.count) }
    var shares = exact.map(\.quotient)
    let rest = count - shares.reduce(0, +)
    let order = exact.indices.sorted {
      exact[$0].remainder == exact[$1].remainder ? $0 < $1 : exact[$0].remainder > exact[$1].remainder
    }
    for label in order.prefix(rest) { shares[label] += 1 }
    var kept: [Int] = []
    for (label, indices) in byClass.enumerated() {
      let random = CounterRandom(seed: seed, purpose: .subset, label)
      let drawn = indices.enumerated().sorted { a, b in
        let (first, second) = (random.uint64(at: a.offset), random.uint64(at: b.offset))
        return first == second ? a.offset < b.offset : first < second
      }
      kept += drawn.prefix(shares[label]).map(\.element)
    }
    return kept.sorted().map { files[$0] }
  }
}
