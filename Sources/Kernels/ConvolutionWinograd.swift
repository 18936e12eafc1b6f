internal import CostModel

// 3x3 convolutions of stride 1 whose padding keeps the size, by Winograd's minimal filtering (Lavin and Gray, 2016).

/// Which filter a forward pass applies: the convolution's own, or, for its input gradient, the same turned by half a circle
/// with its channels swapped.
enum FilterOrientation {
  case forward
  case turned
}

/// `cost.geometry` is that of this pass: for an input gradient, with the channels swapped.
func winogradForward<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, filter: UnsafePointer<Float>, _ orientation: FilterOrientation,
  bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>, relu: Bool, _ cost: WinogradCost,
  _ scratch: ScratchFloats, _ workers: Workers
) {
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  if cost.isStriped {
    stripedForward(
      Tile.self, x: x, filter: filter, orientation, bias: bias, y: y, relu: relu, cost, scratch, workers)
    return
  }
  let (ins, outs) = (cost.geometry.inChannels, cost.geometry.outChannels)
  let transformed = scratch.shared + cost.zerosCount
  let filterRows = Blocks(count: ins, size: 8)
  workers.forEach(filterRows.blockCount) { item, _ in
    transform(
      Tile.self, filter, orientation, ins: ins, outs: outs, rows: filterRows[item], columns: 0..<outs,
      into: transformed, stride: cost.filterStride)
  }
  let (inputs, outputs) = (TiledPictures(cost, channels: ins), TiledPictures(cost, channels: outs))
  let blocks = cost.blocks
  workers.forEach(blocks.blockCount) { item, worker in
    let tiles = blocks[item]
    let v = scratch.worker(worker)
    let m = v + cost.planes * cost.inputStride
    transformInput(Tile.self, x, inputs, tiles: tiles, zeros: zeros, into: v, stride: cost.inputStride)
    for plane in 0..<cost.planes {
      multiply(
        v + plane * cost.inputStride, leading: ins, transformed + plane * cost.filterStride, leading: outs,
        into: m + plane * cost.outputStride, leading: outs, m: tiles.count, n: outs, k: ins)
    }
    transformOutput(
      Tile.self, m, stride: cost.outputStride, outputs, tiles: tiles, channels: 0..<outs, bias: bias,
      relu: relu,
      into: y)
  }
}

/// Block after block of tiles: all workers transform the input; then each takes stripes of output channels, from the
/// transform of the filter to that of the output.
private func stripedForward<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, filter: UnsafePointer<Float>, _ orientation: FilterOrientation,
  bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>, relu: Bool, _ cost: WinogradCost,
  _ scratch: ScratchFloats, _ workers: Workers
) {
  let (ins, outs) = (cost.geometry.inChannels, cost.geometry.outChannels)
  let (inputs, outputs) = (TiledPictures(cost, channels: ins), TiledPictures(cost, channels: outs))
  let zeros = scratch.shared
  let v = zeros + cost.zerosCount
  let (blocks, stripes) = (cost.blocks, cost.stripes)
  for block in 0..<blocks.blockCount {
    let tiles = blocks[block]
    let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
    workers.forEach(groups.blockCount) { item, _ in
      let group = groups[item]
      transformInput(
        Tile.self, x, inputs,
        tiles: tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound,
        zeros: zeros, into: v + group.lowerBound * ins, stride: cost.inputStride)
    }
    workers.forEach(stripes.blockCount) { item, worker in
      let channels = stripes[item]
      let u = scratch.worker(worker)
      let m = u + cost.planes * cost.filterStride
      transform(
        Tile.self, filter, orientation, ins: ins, outs: outs, rows: 0..<ins, columns: channels, into: u,
        stride: cost.filterStride)
      for plane in 0..<cost.planes {
        multiply(
          v + plane * cost.inputStride, leading: ins, u + plane * cost.filterStride, leading: channels.count,
          into: m + plane * cost.outputStride, leading: channels.count, m: tiles.count, n: channels.count,
          k: ins)
      }
      transformOutput(
        Tile.self, m, stride: cost.outputStride, outputs, tiles: tiles, channels: channels, bias: bias,
        relu: relu,
        into: y)
    }
  }
}

@inline(__always)
private func transform<Tile: WinogradTile>(
  _: Tile.Type, _ filter: UnsafePointer<Float>, _ orientation: FilterOrientation, ins: Int, outs: Int,
  rows: Range<Int>, columns: Range<Int>, into planes: UnsafeMutablePointer<Float>, stride: Int
) {
  switch orientation {
  case .forward:
    transformFilter(
      Tile.self, filter, ins: ins, outs: outs, rows: rows, columns: columns, into: planes, stride: stride)
  case .turned:
    // The pass's input channels are the filter's output channels.
    transformTurnedFilter(
      Tile.self, filter, ins: outs, outs: ins, rows: rows, columns: columns, into: planes, stride: stride)
  }
}

/// dFilter = sum over tiles of G^T [(B^T d B) (A dy A^T)] G. Block after block, all workers transform the tiles, then each
/// takes planes: one accumulator a plane, whoever fills it.
func winogradWeightGradient<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dFilter: UnsafeMutablePointer<Float>,
  _ cost: WinogradCost, _ scratch: ScratchFloats, _ workers: Workers
) {
  let (ins, outs) = (cost.geometry.inChannels, cost.geometry.outChannels)
  let (inputs, outputs) = (TiledPictures(cost, channels: ins), TiledPictures(cost, channels: outs))
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  let v = zeros + cost.zerosCount
  let d = v + cost.planes * cost.gradientInputStride
  let u = d + cost.planes * cost.gradientOutputStride
  let blocks = cost.gradientBlocks
  for block in 0..<blocks.blockCount {
    let tiles = blocks[block]
    let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
    workers.forEach(groups.blockCount) { item, _ in
      let group = groups[item]
      let range = tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound
      transformInput(
        Tile.self, x, inputs, tiles: range, zeros: zeros, into: v + group.lowerBound * ins,
        stride: cost.gradientInputStride)
      transformOutputGradient(
        Tile.self, dy, outputs, tiles: range, zeros: zeros, into: d + group.lowerBound * outs,
        stride: cost.gradientOutputStride)
    }
    workers.forEach(cost.planes) { plane, _ in
      multiply(
        v + plane * cost.gradientInputStride, .transposed, leading: ins,
        d + plane * cost.gradientOutputStride, leading: outs,
        into: u + plane * cost.gradientFilterStride, leading: outs, m: ins, n: outs, k: tiles.count,
        accumulating: block > 0)
    }
  }
  let rows = Blocks(count: ins, size: 8)
  workers.forEach(rows.blockCount) { item, _ in
    transformFilterGradient(
      Tile.self, u, stride: cost.gradientFilterStride, ins: ins, outs: outs, rows: rows[item], into: dFilter)
  }
}
