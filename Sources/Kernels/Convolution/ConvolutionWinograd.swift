internal import CostModel

// Convolutions of stride 1 by Winograd's minimal filtering of 3x3 (Lavin and Gray, 2016), larger kernels in parts of 3x3.
// `WinogradCost` says how the work is cut.

/// Which filter a forward pass applies: the convolution's own, or, for its input gradient, the same turned by half a circle
/// with its channels swapped.
enum FilterOrientation {
  case forward
  case turned
}

/// One pass over one stripe of output channels. `cost.geometry` is that of this pass: for an input gradient, with the
/// channels swapped.
private struct WinogradPass<Values: PixelValues> {
  let cost: WinogradCost
  let channels: Range<Int>
  let inputs, outputs: TiledImages
  let zeros, x: UnsafePointer<Float>
  let values: Values
  let bias: UnsafePointer<Float>?
  let u, y: UnsafeMutablePointer<Float>
  let activation: Activation

  func transformFilter<Tile: WinogradTile>(
    _: Tile.Type, _ filter: UnsafePointer<Float>, _ orientation: FilterOrientation, _ workers: Workers
  ) {
    let (ins, outs) = (inputs.channels, outputs.channels)
    let rows = Blocks(count: ins, size: 16)
    workers.forEach(cost.parts * rows.blockCount) { item, _ in
      let (index, block) = item.quotientAndRemainder(dividingBy: rows.blockCount)
      let part = FilterPart(index, cost)
      let u = u + index * ins * channels.count
      switch orientation {
      case .forward:
        Kernels.transformFilter(
          Tile.self, filter, part, ins: ins, outs: outs, rows: rows[block], columns: channels, into: u,
          stride: cost.filterStride)
      case .turned:
        // The pass's input channels are the filter's output channels.
        transformTurnedFilter(
          Tile.self, filter, part, ins: outs, outs: ins, rows: rows[block], columns: channels, into: u,
          stride: cost.filterStride)
      }
    }
  }

  /// `v` points at the block's first plane.
  @inline(__always)
  func transformInput<Tile: WinogradTile>(
    _: Tile.Type, tiles: Range<Int>, parts: Range<Int>, halo: Halo = .none,
    into v: UnsafeMutablePointer<Float>, row: Int
  ) {
    Kernels.transformInput(
      Tile.self, x, values, inputs, tiles: tiles, parts: parts, cost, zeros: zeros, halo: halo,
      into: v + row * parts.count * inputs.channels, stride: cost.inputStride)
  }

  /// The products of a group of parts; the first group's are written, those of others added.
  @inline(__always)
  func multiplyPlane(
    _ plane: Int, _ v: UnsafePointer<Float>, parts: Range<Int>, into m: UnsafeMutablePointer<Float>,
    tiles: Int
  ) {
    let ins = parts.count * inputs.channels
    multiply(
      v + plane * cost.inputStride, leading: ins,
      u + (plane * cost.filterStride + parts.lowerBound * inputs.channels * channels.count),
      leading: channels.count, into: m + plane * cost.outputStride, leading: channels.count, m: tiles,
      n: channels.count, k: ins, accumulating: parts.lowerBound > 0)
  }

  @inline(__always)
  func transformOutput<Tile: WinogradTile>(
    _: Tile.Type, _ m: UnsafePointer<Float>, row: Int, tiles: Range<Int>
  ) {
    activation.runFused(
      OutputTransform<Tile>(
        planes: m + row * channels.count, stride: cost.outputStride, images: outputs, tiles: tiles,
        channels: channels, bias: bias, y: y))
  }
}

/// y = f(x * filter + bias). `y` may be `x` where `cost` allows it in place; scratch is then `inPlaceScratch`.
func winogradForward<Tile: WinogradTile>(
  _: Tile.Type, x: UnsafePointer<Float>, _ values: some PixelValues, filter: UnsafePointer<Float>,
  _ orientation: FilterOrientation, bias: UnsafePointer<Float>?, y: UnsafeMutablePointer<Float>,
  activation: Activation, _ cost: WinogradCost,
  _ scratch: ScratchFloats, _ workers: Workers
) {
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  let u = zeros + cost.zerosCount
  for stripe in 0..<cost.stripes.blockCount {
    let pass = WinogradPass(
      cost: cost, channels: cost.stripes[stripe],
      inputs: .inputs(cost), outputs: .outputs(cost), zeros: zeros, x: x, values: values, bias: bias, u: u,
      y: y,
      activation: activation)
    pass.transformFilter(Tile.self, filter, orientation, workers)
    if cost.isShared {
      runShared(Tile.self, pass, block: u + cost.planes * cost.filterStride, workers)
    } else if UnsafePointer(y) == x && cost.blocksInTurn > 1 {
      runInPlace(Tile.self, pass, scratch, workers)
    } else {
      runApart(Tile.self, pass, scratch, workers)
    }
  }
}

/// As `runApart`, with the output written over the input: each worker takes an image's blocks in turn, and keeps the row of pixels
/// that the next block needs of the one it writes over.
private func runInPlace<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass<some PixelValues>, _ scratch: ScratchFloats, _ workers: Workers
) {
  let cost = pass.cost
  let geometry = cost.geometry
  precondition(cost.allowsInPlace, "the compiler lets no other convolution write over its input")
  let line = geometry.width * geometry.inChannels
  workers.forEach(geometry.batch) { image, worker in
    let v = scratch.worker(worker)
    let m = v + cost.planes * cost.inputStride
    let halos = m + cost.planes * cost.outputStride
    var halo = Halo.none
    for block in 0..<cost.blocksInTurn {
      let tiles = cost.blocks[image * cost.blocksInTurn + block]
      multiply(Tile.self, pass, tiles, halo, into: v)
      // The last row that this block's output takes, where another block follows.
      let last = (block + 1) * cost.blocks.size / cost.tileColumns * cost.tile - 1
      if last < geometry.height - 1 {
        let kept = halos + block % 2 * line
        copy(pass.x + (image * geometry.height + last) * line, to: kept, count: line)
        halo = Halo(row: last, pixels: kept)
      }
      pass.transformOutput(Tile.self, m, row: 0, tiles: tiles)
    }
  }
}

/// From the input of some tiles to the planes of their output, which lie behind those of the input in `v`.
@inline(__always)
private func multiply<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass<some PixelValues>, _ tiles: Range<Int>, _ halo: Halo,
  into v: UnsafeMutablePointer<Float>
) {
  let cost = pass.cost
  let m = v + cost.planes * cost.inputStride
  for group in 0..<cost.partGroups.blockCount {
    let parts = cost.partGroups[group]
    pass.transformInput(Tile.self, tiles: tiles, parts: parts, halo: halo, into: v, row: 0)
    for plane in 0..<cost.planes { pass.multiplyPlane(plane, v, parts: parts, into: m, tiles: tiles.count) }
  }
}

/// Each worker takes blocks of tiles from the input to the output.
private func runApart<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass<some PixelValues>, _ scratch: ScratchFloats, _ workers: Workers
) {
  let cost = pass.cost
  workers.forEach(cost.blocks.blockCount) { item, worker in
    let tiles = cost.blocks[item]
    let v = scratch.worker(worker)
    multiply(Tile.self, pass, tiles, .none, into: v)
    pass.transformOutput(Tile.self, v + cost.planes * cost.inputStride, row: 0, tiles: tiles)
  }
}

/// All workers take one block of tiles after the other from the input to the output, step by step.
private func runShared<Tile: WinogradTile>(
  _: Tile.Type, _ pass: WinogradPass<some PixelValues>, block v: UnsafeMutablePointer<Float>,
  _ workers: Workers
) {
  let cost = pass.cost
  let m = v + cost.planes * cost.inputStride
  for block in 0..<cost.blocks.blockCount {
    let tiles = cost.blocks[block]
    let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
    for index in 0..<cost.partGroups.blockCount {
      let parts = cost.partGroups[index]
      workers.forEach(groups.blockCount) { item, _ in
        let group = groups[item]
        pass.transformInput(
          Tile.self, tiles: tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound,
          parts: parts, into: v, row: group.lowerBound)
      }
      workers.forEach(cost.planes) { plane, _ in
        pass.multiplyPlane(plane, v, parts: parts, into: m, tiles: tiles.count)
      }
    }
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
  _: Tile.Type, x: UnsafePointer<Float>, _ values: some PixelValues, dy: UnsafePointer<Float>,
  dFilter: UnsafeMutablePointer<Float>,
  _ cost: WinogradCost, _ scratch: ScratchFloats, _ workers: Workers
) {
  let (ins, outs) = (cost.geometry.inChannels, cost.geometry.outChannels)
  let (inputs, outputs) = (TiledImages.inputs(cost), TiledImages.outputs(cost))
  let zeros = scratch.shared
  clear(zeros, count: cost.zerosCount)
  let u = zeros + cost.zerosCount
  let accumulatorSize = cost.planes * cost.gradientFilterStride
  let chunks = cost.gradientChunks
  let partGroups = cost.partGroups

  func transform(_ tiles: Range<Int>, parts: Range<Int>, into v: UnsafeMutablePointer<Float>, row: Int) {
    transformInput(
      Tile.self, x, values, inputs, tiles: tiles, parts: parts, cost, zeros: zeros,
      into: v + row * parts.count * ins,
      stride: cost.gradientInputStride)
    // The gradient's planes serve all groups of parts.
    guard parts.lowerBound == 0 else { return }
    let d = v + cost.planes * cost.gradientInputStride
    transformOutputGradient(
      Tile.self, dy, outputs, tiles: tiles, zeros: zeros, into: d + row * outs,
      stride: cost.gradientOutputStride)
  }
  func multiplyPlane(
    _ plane: Int, _ v: UnsafePointer<Float>, parts: Range<Int>, tiles: Int,
    into accumulator: UnsafeMutablePointer<Float>, accumulating: Bool
  ) {
    let d = v + cost.planes * cost.gradientInputStride
    let rows = parts.count * ins
    multiply(
      v + plane * cost.gradientInputStride, .transposed, leading: rows,
      d + plane * cost.gradientOutputStride, leading: outs,
      into: accumulator + (plane * cost.gradientFilterStride + parts.lowerBound * ins * outs), leading: outs,
      m: rows, n: outs, k: tiles, accumulating: accumulating)
  }

  if cost.isShared {
    let v = u + accumulatorSize
    let blocks = Blocks(count: cost.tiles, size: cost.gradientBlockTiles)
    for place in 0..<blocks.blockCount * partGroups.blockCount {
      let (block, index) = place.quotientAndRemainder(dividingBy: partGroups.blockCount)
      let (tiles, parts) = (blocks[block], partGroups[index])
      let groups = Blocks(count: tiles.count, size: WinogradCost.tilesPerItem)
      workers.forEach(groups.blockCount) { item, _ in
        let group = groups[item]
        transform(
          tiles.lowerBound + group.lowerBound..<tiles.lowerBound + group.upperBound, parts: parts, into: v,
          row: group.lowerBound)
      }
      workers.forEach(cost.planes) { plane, _ in
        multiplyPlane(plane, v, parts: parts, tiles: tiles.count, into: u, accumulating: block > 0)
      }
    }
  } else {
    workers.forEach(chunks.blockCount) { item, worker in
      let chunk = chunks[item]
      let v = scratch.worker(worker)
      var start = chunk.lowerBound
      while start < chunk.upperBound {
        let tiles = start..<min(chunk.upperBound, start + cost.gradientBlockTiles)
        for group in 0..<partGroups.blockCount {
          transform(tiles, parts: partGroups[group], into: v, row: 0)
          for plane in 0..<cost.planes {
            multiplyPlane(
              plane, v, parts: partGroups[group], tiles: tiles.count, into: u + item * accumulatorSize,
              accumulating: start > chunk.lowerBound)
          }
        }
        start = tiles.upperBound
      }
    }
  }
  let rows = Blocks(count: ins, size: 4)
  workers.forEach(cost.parts * rows.blockCount) { item, _ in
    let (index, block) = item.quotientAndRemainder(dividingBy: rows.blockCount)
    transformFilterGradient(
      Tile.self, u + index * ins * outs, FilterPart(index, cost), stride: cost.gradientFilterStride,
      accumulators: chunks.blockCount, accumulatorStride: accumulatorSize, ins: ins, outs: outs,
      rows: rows[block], into: dFilter)
  }
}
