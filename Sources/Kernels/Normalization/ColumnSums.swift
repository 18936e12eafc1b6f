internal import CostModel

/// sums[c] = sum of x[r, c] over all rows: gradients of biases. `x` [rows, columns].
package func columnSums(
  x: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>, rows: Int, columns: Int, context: KernelContext
) {
  let scratch = context.layOut(KernelScratch.columnSums(rows: rows, columns: columns))
  let partial = scratch.shared
  let blocks = Blocks.sums(rows: rows, columns: columns)
  let folding = RowFolding(rows: rows, channels: columns)
  context.workers.forEach(blocks.blockCount) { item, worker in
    addRows(
      x, blocks[item], folding, into: partial + item * columns,
      wideSums: folding.isFolded ? scratch.worker(worker) : nil)
  }
  mergeSums(
    partial, blocks: blocks.blockCount, stride: columns, into: sums, columns: columns, context.workers)
}

/// sums = the columns' sums over `rows` rows. Sixty-four rows at a time are added in registers, then to the sums: that is
/// fast, and rounding errors grow with the square root of fewer terms.
func addRows(
  _ x: UnsafePointer<Float>, rows: Int, columns: Int, into sums: UnsafeMutablePointer<Float>
) {
  clear(sums, count: columns)
  var row = 0
  while row < rows {
    let end = min(rows, row + 64)
    var i = 0
    while i &+ 16 <= columns {
      var (a, b) = (Vector.zero, Vector.zero)
      var source = x + (row &* columns &+ i)
      for _ in row..<end {
        a += load(source, 0)
        b += load(source, 8)
        source += columns
      }
      store(load(sums, i) + a, sums, i)
      store(load(sums, i &+ 8) + b, sums, i &+ 8)
      i &+= 16
    }
    while i < columns {
      var a: Float = 0
      var source = x + (row &* columns &+ i)
      for _ in row..<end {
        a += source.pointee
        source += columns
      }
      sums[i] += a
      i &+= 1
    }
    row = end
  }
}

/// Adds the blocks' sums in order, in double precision.
func mergeSums(
  _ partial: UnsafePointer<Float>, blocks: Int, stride: Int, into sums: UnsafeMutablePointer<Float>,
  columns: Int,
  _ workers: Workers
) {
  let groups = Blocks(count: columns, size: 32)
  workers.forEach(groups.blockCount) { item, _ in
    for column in groups[item] {
      var sum = 0.0
      for block in 0..<blocks { sum += Double(partial[block &* stride &+ column]) }
      sums[column] = Float(sum)
    }
  }
}
