package import CostModel

/// Output tiles of one product each. Fixed by the shape, so a result does not depend on who computes it.
private func tiles(rows: Int, columns: Int) -> (rows: Blocks, columns: Blocks) {
  (Blocks(count: rows, size: 256), Blocks(count: columns, size: 128))
}

/// y = f(x weight^T + bias). `x` [rows, inFeatures], `weight` [outFeatures, inFeatures] (PyTorch's
/// layout), `y` [rows, outFeatures].
package func linearForward(
  x: UnsafePointer<Float>, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
  y: UnsafeMutablePointer<Float>, rows: Int, inFeatures: Int, outFeatures: Int, activation: Activation,
  context: KernelContext
) {
  let (rowBlocks, columnBlocks) = tiles(rows: rows, columns: outFeatures)
  context.workers.forEach(rowBlocks.blockCount * columnBlocks.blockCount) { item, _ in
    let rows = rowBlocks[item % rowBlocks.blockCount]
    let columns = columnBlocks[item / rowBlocks.blockCount]
    let target = y + (rows.lowerBound * outFeatures + columns.lowerBound)
    multiply(
      x + rows.lowerBound * inFeatures, leading: inFeatures,
      weight + columns.lowerBound * inFeatures, .transposed, leading: inFeatures,
      into: target, leading: outFeatures, m: rows.count, n: columns.count, k: inFeatures)
    addBias(
      bias.map { $0 + columns.lowerBound }, to: target, leading: outFeatures, rows: rows.count,
      columns: columns.count, activation: activation)
  }
}

/// dx = dy weight. `dy` [rows, outFeatures], `dx` [rows, inFeatures].
package func linearInputGradient(
  dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, rows: Int,
  inFeatures: Int, outFeatures: Int, context: KernelContext
) {
  let (rowBlocks, columnBlocks) = tiles(rows: rows, columns: inFeatures)
  context.workers.forEach(rowBlocks.blockCount * columnBlocks.blockCount) { item, _ in
    let rows = rowBlocks[item % rowBlocks.blockCount]
    let columns = columnBlocks[item / rowBlocks.blockCount]
    multiply(
      dy + rows.lowerBound * outFeatures, leading: outFeatures,
      weight + columns.lowerBound, leading: inFeatures,
      into: dx + (rows.lowerBound * inFeatures + columns.lowerBound), leading: inFeatures,
      m: rows.count, n: columns.count, k: outFeatures)
  }
}

/// dWeight = dy^T x [outFeatures, inFeatures].
package func linearWeightGradient(
  x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dWeight: UnsafeMutablePointer<Float>, rows: Int,
  inFeatures: Int, outFeatures: Int, context: KernelContext
) {
  let (rowBlocks, columnBlocks) = tiles(rows: outFeatures, columns: inFeatures)
  context.workers.forEach(rowBlocks.blockCount * columnBlocks.blockCount) { item, _ in
    let outs = rowBlocks[item % rowBlocks.blockCount]
    let ins = columnBlocks[item / rowBlocks.blockCount]
    multiply(
      dy + outs.lowerBound, .transposed, leading: outFeatures,
      x + ins.lowerBound, leading: inFeatures,
      into: dWeight + (outs.lowerBound * inFeatures + ins.lowerBound), leading: inFeatures,
      m: outs.count, n: ins.count, k: rows)
  }
}

/// y = f(y + bias) in each row: the end of a product, while its result is in the cache.
func addBias(
  _ bias: UnsafePointer<Float>?, to y: UnsafeMutablePointer<Float>, leading: Int, rows: Int, columns: Int,
  activation: Activation
) {
  guard bias != nil || activation != .none else { return }
  activation.runFused(BiasedRows(bias: bias, y: y, leading: leading, rows: rows, columns: columns))
}

private struct BiasedRows: ActivatedWork {
  let bias: UnsafePointer<Float>?
  let y: UnsafeMutablePointer<Float>
  let leading, rows, columns: Int

  func run<Function: ActivationFunction>(_ function: Function) {
    for row in 0..<rows {
      let y = y + row &* leading
      var i = 0
      while i &+ 8 <= columns {
        var value = load(y, i)
        if let bias { value += load(bias, i) }
        store(function.value(value), y, i)
        i &+= 8
      }
      while i < columns {
        var value = y[i]
        if let bias { value += bias[i] }
        y[i] = function.value(value)
        i &+= 1
      }
    }
  }
}
