/// `count` things cut into blocks of `size`, the last of which may be smaller. How a kernel cuts its work depends on
/// shapes alone, never on the number of workers: that is what makes results the same bits for any number of them.
package struct Blocks: Hashable, Sendable {
  package let count: Int
  package let size: Int

  package init(count: Int, size: Int) {
    self.count = count
    self.size = max(1, size)
  }

  /// At most `limit` equal blocks, each of `minimum` or more (but for a last or only one).
  package init(count: Int, atMost limit: Int, minimum: Int) {
    self.init(count: count, size: max(minimum, (count + limit - 1) / limit))
  }

  package var blockCount: Int { (count + size - 1) / size }

  package subscript(index: Int) -> Range<Int> { index * size..<min(count, (index + 1) * size) }
}

extension Blocks {
  /// Element-wise kernels: 64 KiB of each operand, which stays in the second-level cache.
  package static func elements(_ count: Int) -> Blocks { Blocks(count: count, size: 16_384) }

  /// Row-wise kernels without sums: rows of about 64 KiB.
  package static func rows(_ rows: Int, columns: Int) -> Blocks {
    Blocks(count: rows, size: 16_384 / max(1, columns))
  }

  /// Sums over rows: blocks of at least 256 KiB, at most 256 of them, because each leaves a partial sum.
  package static func sums(rows: Int, columns: Int) -> Blocks {
    Blocks(count: rows, atMost: maximumSumBlocks, minimum: minimumSumRows(columns: columns))
  }

  /// No fewer than `sums(rows:columns:).blockCount`, and never falling while `rows` grows: what scratch is planned for.
  package static func sumBlockLimit(rows: Int, columns: Int) -> Int {
    min(maximumSumBlocks, Blocks(count: rows, size: minimumSumRows(columns: columns)).blockCount)
  }

  private static let maximumSumBlocks = 256
  private static func minimumSumRows(columns: Int) -> Int { max(16, 65_536 / max(1, columns)) }
}
