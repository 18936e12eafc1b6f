internal import CostModel

// 3x3 convolutions of stride 1 whose padding keeps the size, by Winograd's minimal filtering (Lavin and Gray, 2016).
// `WinogradCost` says how the work is cut.

/// Which filter a forward pass applies: the convolution's own, or, for its input gradient, the same turned by half a circle
/// with its channels swapped.
enum FilterOrientation {
  case forward
  case turned
}

/// One pass over one stripe of output channels. `cost.geometry` is that of this pass: for an input gradient, with the
/// channels swapped.
private struct WinogradPass {
  let cost: WinogradCost
  let channels: Range<Int>
  let inputs, outputs: TiledPictures
  let zeros, x: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let u, y: UnsafeMutablePointer<Float>
  let relu: Bool

  func transformFilter<Tile: WinogradTile>(
    _: Tile.Type, _ filter: UnsafePointer<Float>, _ orientation: FilterOrientation, _ workers: Workers
  ) {
    let (ins, outs) = (inputs.channels, outputs.channels)
    let rows = Blocks(count: ins, size: 16)
    workers.forEach(rows.blockCount) { item, _ in
      switch orientation {
      case .forward:
        Kernels.transformFilter(
          Tile.self, filter, ins: ins, outs: outs, rows: rows[item], columns: channels, into: u,
          stride: cost.filterStride)
      case .turned:
        // The pass's input channels are the filter's output channels.
        transformTurnedFilter(
          Tile.self, filter, ins: outs, outs: ins, rows: rows[item], columns: channels, into: u,
          stride: cost.filterStride)
      }
    }
  }

  /// `v` points at the block's first plane.
  @inline(__always)
  func transformInput<Tile: WinogradTile>(
    _: Tile.Type, tiles: Range<Int>, into v: UnsafeMutablePointer<Float>, row: Int
  ) {
    Kernels.transformInput(
      Tile.self, x, inputs, tiles: tiles, zeros: zeros, into: v + row * inputs.channels,
      stride: cost.inputStride)
  }

  @inline(__always)
  func multiplyPlane(
    _ plane: Int, _ v: UnsafePointer<Float>, into m: UnsafeMutablePointer<Float>, tiles: Int
  ) {
    multiply(
      v + plane * cost.inputStride, leading: inputs.channels, u + plane * cost.filterStride,
      leading: channels.count, into: m + plane * cost.outputStride, leading: channels.count, m: tiles,
      n: channels.count, k: inputs.channels)
  }

  @inline(__always)
  func transformOutput<Tile: WinogradTile>(
    _: Tile.Type, _ m: UnsafePointer<Float>, row: Int, tiles: Range<Int>
  ) {
    Kernels.transformOutput(
      Tile.self, m + row * channels.count, stride: cost.outputStride, outputs, tiles: tiles,
      channels: channels,
      bias: bias, relu: relu, into: y)
  }
}

/// y = x * filter + bias, or its positive part.
func winogradForward<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, filter: UnsafePointer<Float>, _ orientation: FilterOrientation,
  bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>, relu: Bool, _ cost: WinogradCost,
  _ scratch: ScratchFloats, _ workers: Workers
) {
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  let u = zeros + cost.zerosCount
  for stripe in 0..<cost.stripes.blockCount {
    let pass = WinogradPass(
      cost: cost, channels: cost.stripes[stripe],
      inputs: TiledPictures(cost, channels: cost.geometry.inChannels),
      outputs: TiledPictures(cost, channels: cost.geometry.outChannels), zeros: zeros, x: x, bias: bias, u: u,
      y: y,
      relu: relu)
    pass.transformFilter(Tile.self, filter, orientation, workers)
    if cost.isShared {
      runShared(Tile.self, pass, block: u + cost.planes * cost.filterStride, workers)
    } else {
      runApart(Tile.self, pass, scratch, workers)
    }
  }
}

/// Each worker takes blocks of tiles from the input to the output.
private func runApart<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass, _ scratch: ScratchFloats, _ workers: Workers
) {
  let cost = pass.cost
  workers.forEach(cost.blocks.blockCount) { item, worker in
    let tiles = cost.blocks[item]
    let v = scratch.worker(worker)
    let m = v + cost.planes * cost.inputStride
    pass.transformInput(Tile.self, tiles: tiles, into: v, row: 0)
    for plane in 0..<cost.planes { pass.multiplyPlane(plane, v, into: m, tiles: tiles.count) }
    pass.transformOutput(Tile.self, m, row: 0, tiles: tiles)
  }
}

/// All workers take one block of tiles after the other from the input to the output, step by step.
private func runShared<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass, block v: UnsafeMutablePointer<Float>, _ workers: Workers
) {
  let cost = pass.cost
  let m = v + cost.planes * cost.inputStride
  for block in 0..<cost.blocks.blockCount {
    let tiles = cost.blocks[block]
    let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
    workers.forEach(groups.blockCount) { item, _ in
      let group = groups[item]
      pass.transformInput(
        Tile.self, tiles: tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound, into: v,
        row: group.lowerBound)
    }
    workers.forEach(cost.planes) { plane, _ in pass.multiplyPlane(plane, v, into: m, tiles: tiles.count) }
    workers.forEach(groups.blockCount) { item, _ in
      let group = groups[item]
      pass.transformOutput(
        Tile.self, m, row: group.lowerBound,
        tiles: tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound)
    }
  }
}

/// dFilter = sum over tiles of G^T [(B^T d B) (A dy A^T)] G: products of planes again, with the tiles as the inner dimension.
func winogradWeightGradient<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  _ cost: WinogradCost, _ scratch: ScratchFloats, _ workers: Workers
) {
  let (ins, outs) = (cost.geometry.inChannels, cost.geometry.outChannels)
  let (inputs, outputs) = (TiledPictures(cost, channels: ins), TiledPictures(cost, channels: outs))
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  let u = zeros + cost.zerosCount
  let accumulatorSize = cost.planes * cost.gradientFilterStride
  let chunks = cost.gradientChunks

  func transform(_ tiles: Range<Int>, into v: UnsafeMutablePointer<Float>, row: Int) {
    let d = v + cost.planes * cost.gradientInputStride
    transformInput(
      Tile.self, x, inputs, tiles: tiles, zeros: zeros, into: v + row * ins, stride: cost.gradientInputStride)
    transformOutputGradient(
      Tile.self, dy, outputs, tiles: tiles, zeros: zeros, into: d + row * outs,
      stride: cost.gradientOutputStride)
  }
  func multiplyPlane(
    _ plane: Int, _ v: UnsafePointer<Float>, tiles: Int, into accumulator: UnsafeMutablePointer<Float>,
    accumulating: Bool
  ) {
    let d = v + cost.planes * cost.gradientInputStride
    multiply(
      v + plane * cost.gradientInputStride, .transposed, leading: ins,
      d + plane * cost.gradientOutputStride, leading: outs,
      into: accumulator + plane * cost.gradientFilterStride, leading: outs, m: ins, n: outs, k: tiles,
      accumulating: accumulating)
  }

  if cost.isShared {
    let v = u + accumulatorSize
    let blocks = Blocks(count: cost.tiles, size: cost.gradientBlockTiles)
    for block in 0..<blocks.blockCount {
      let tiles = blocks[block]
      let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
      workers.forEach(groups.blockCount) { item, _ in
        let group = groups[item]
        transform(
          tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound, into: v,
          row: group.lowerBound)
      }
      workers.forEach(cost.planes) { plane, _ in
        multiplyPlane(plane, v, tiles: tiles.count, into: u, accumulating: block > 0)
      }
    }
  } else {
    workers.forEach(chunks.blockCount) { item, worker in
      let chunk = chunks[item]
      let v = scratch.worker(worker)
      var start = chunk.lowerBound
      while start < chunk.upperBound {
        let tiles = start..<min(chunk.upperBound, start + cost.gradientBlockTiles)
        transform(tiles, into: v, row: 0)
        for plane in 0..<cost.planes {
          multiplyPlane(
            plane, v, tiles: tiles.count, into: u + item * accumulatorSize,
            accumulating: start > chunk.lowerBound)
        }
        start = tiles.upperBound
      }
    }
  }
  let rows = Blocks(count: ins, size: 4)
  workers.forEach(rows.blockCount) { item, _ in
    transformFilterGradient(
      Tile.self, u, stride: cost.gradientFilterStride, accumulators: chunks.blockCount,
      accumulatorStride: accumulatorSize, ins: ins, outs: outs, rows: rows[item], into: dFilter)
  }
}
