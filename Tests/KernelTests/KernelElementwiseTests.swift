import CostModel
import Kernels
import Testing

/// Everything that works element by element or window by window, and the dense layers.
struct KernelElementwiseTests {
  @Test(arguments: [1, 7, 8, 100, 70_001])
  func reluAndAdd(_ count: Int) {
    let a = Floats(count: count, seed: 1)
    let b = Floats(count: count, seed: 2)
    let y = sameBits(.none, outputs: [a.copy()]) {
      reluForward(x: $0[0].pointer, y: $0[0].pointer, count: count, context: $1)
    }
    #expect(y[0] == a.values.map { max(0, $0) })
    let outputs = Floats(y[0])
    let dx = sameBits(.none, outputs: [b.copy()]) {
      reluBackward(y: outputs.pointer, dy: $0[0].pointer, dx: $0[0].pointer, count: count, context: $1)
    }
    #expect(dx[0] == zip(y[0], b.values).map { $0 > 0 ? $1 : 0 })
    for relu in [false, true] {
      let sum = sameBits(.none, outputs: [b.copy()]) {
        addForward(a: a.pointer, b: $0[0].pointer, y: $0[0].pointer, count: count, relu: relu, context: $1)
      }
      #expect(sum[0] == zip(a.values, b.values).map { relu ? max(0, $0 + $1) : $0 + $1 })
    }
  }

  @Test func reluKeepsNaN() {
    let x = Floats([1, .nan, -1, -.infinity, .nan, 0, 2, 3, .nan])
    withContext(workers: 1, .none) { reluForward(x: x.pointer, y: x.pointer, count: 9, context: $0) }
    #expect(x.values.map(\.isNaN) == [false, true, false, false, true, false, false, false, true])
  }

  @Test(arguments: [
    (2, 8, 8, 16, 2, 2, 0), (1, 9, 7, 5, 3, 2, 1), (3, 10, 10, 24, 3, 3, 0), (1, 7, 7, 8, 2, 2, 0),
    (2, 6, 5, 9, 3, 1, 1),
    (2, 5, 5, 8, 2, 3, 1),
  ])
  func maxPool(
    _ p: (batch: Int, height: Int, width: Int, channels: Int, window: Int, stride: Int, padding: Int)
  ) {
    let outHeight = (p.height + 2 * p.padding - p.window) / p.stride + 1
    let outWidth = (p.width + 2 * p.padding - p.window) / p.stride + 1
    let count = p.batch * outHeight * outWidth * p.channels
    var generator = Mixer(state: 3)
    // Few values: ties must go to the first.
    let x = Floats(count: p.batch * p.height * p.width * p.channels) { _ in Float(generator.next() % 5) - 6 }
    let dy = Floats(count: count, seed: 4)
    var y = [Float](repeating: -.infinity, count: count)
    var winners = [UInt8](repeating: 0, count: count)
    var dx = [Double](repeating: 0, count: x.count)
    for o in 0..<count {
      let (c, j) = (o % p.channels, o / p.channels % outWidth)
      let (i, n) = (o / p.channels / outWidth % outHeight, o / p.channels / outWidth / outHeight)
      var best = 0
      for ky in 0..<p.window {
        for kx in 0..<p.window {
          let (row, column) = (i * p.stride + ky - p.padding, j * p.stride + kx - p.padding)
          guard row >= 0, row < p.height, column >= 0, column < p.width else { continue }
          let index = ((n * p.height + row) * p.width + column) * p.channels + c
          if x.float[index] > y[o] {
            (y[o], winners[o], best) = (x.float[index], UInt8(ky * p.window + kx), index)
          }
        }
      }
      dx[best] += Double(dy.float[o])
    }
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    defer { bytes.deallocate() }
    let got = sameBits(.none, outputs: [Floats(count: count), Floats(count: x.count)]) {
      maxPoolForward(
        x: x.pointer, y: $0[0].pointer, argmax: bytes, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels, window: p.window, stride: p.stride, padding: p.padding, context: $1)
      maxPoolBackward(
        dy: dy.pointer, argmax: bytes, dx: $0[1].pointer, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels, window: p.window, stride: p.stride, padding: p.padding, context: $1)
    }
    #expect(got[0] == y)
    #expect(Array(UnsafeBufferPointer(start: bytes, count: count)) == winners)
    #expect(relativeError(got[1], dx) < 1e-6)
  }

  @Test(arguments: [
    (2, 8, 8, 16, 2, 2), (1, 7, 5, 9, 3, 2), (2, 3, 3, 8, 5, 4), (2, 6, 6, 3, 1, 1), (1, 9, 9, 8, 9, 9),
  ])
  func averagePool(_ p: (batch: Int, height: Int, width: Int, channels: Int, outHeight: Int, outWidth: Int)) {
    let x = Floats(count: p.batch * p.height * p.width * p.channels, seed: 5)
    let dy = Floats(count: p.batch * p.outHeight * p.outWidth * p.channels, seed: 6)
    var y = [Double](repeating: 0, count: dy.count)
    var dx = [Double](repeating: 0, count: x.count)
    for o in 0..<dy.count {
      let (c, j) = (o % p.channels, o / p.channels % p.outWidth)
      let (i, n) = (o / p.channels / p.outWidth % p.outHeight, o / p.channels / p.outWidth / p.outHeight)
      let rows = i * p.height / p.outHeight..<((i + 1) * p.height + p.outHeight - 1) / p.outHeight
      let columns = j * p.width / p.outWidth..<((j + 1) * p.width + p.outWidth - 1) / p.outWidth
      for row in rows {
        for column in columns {
          let index = ((n * p.height + row) * p.width + column) * p.channels + c
          y[o] += x[index] / Double(rows.count * columns.count)
          dx[index] += dy[o] / Double(rows.count * columns.count)
        }
      }
    }
    let got = sameBits(.none, outputs: [Floats(count: dy.count), Floats(count: x.count)]) {
      averagePoolForward(
        x: x.pointer, y: $0[0].pointer, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels,
        outHeight: p.outHeight, outWidth: p.outWidth, context: $1)
      averagePoolBackward(
        dy: dy.pointer, dx: $0[1].pointer, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels,
        outHeight: p.outHeight, outWidth: p.outWidth, context: $1)
    }
    #expect(relativeError(got[0], y) < 1e-6)
    #expect(relativeError(got[1], dx) < 1e-6)
  }

  @Test(arguments: [(2, 4, 6, 3), (1, 2, 2, 16), (3, 8, 4, 9)])
  func spaceToDepthAndBack(_ p: (batch: Int, height: Int, width: Int, channels: Int)) {
    let x = Floats(count: p.batch * p.height * p.width * p.channels, seed: 7)
    let got = sameBits(.none, outputs: [Floats(count: x.count), Floats(count: x.count)]) {
      spaceToDepth(
        x: x.pointer, y: $0[0].pointer, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels,
        context: $1)
      depthToSpace(
        x: $0[0].pointer, y: $0[1].pointer, batch: p.batch, height: p.height, width: p.width,
        channels: p.channels,
        context: $1)
    }
    for index in 0..<x.count {
      let (c, column) = (index % p.channels, index / p.channels % p.width)
      let (row, n) = (index / p.channels / p.width % p.height, index / p.channels / p.width / p.height)
      let small = ((n * p.height / 2 + row / 2) * p.width / 2 + column / 2) * 4 * p.channels
      #expect(got[0][small + (row % 2 * 2 + column % 2) * p.channels + c] == x.float[index])
    }
    #expect(got[1] == x.values)
  }

  @Test(arguments: [(1, 3, 5), (128, 64, 10), (130, 300, 290), (600, 16, 24)])
  func linear(_ size: (rows: Int, ins: Int, outs: Int)) {
    let (rows, ins, outs) = size
    let (x, w) = (Floats(count: rows * ins, seed: 8), Floats(count: outs * ins, seed: 9))
    let (bias, dy) = (Floats(count: outs, seed: 10), Floats(count: rows * outs, seed: 11))
    let (xd, wd, dyd) = (x.doubles, w.doubles, dy.doubles)
    var (y, dx) = ([Double](repeating: 0, count: rows * outs), [Double](repeating: 0, count: rows * ins))
    var dw = [Double](repeating: 0, count: outs * ins)
    for r in 0..<rows {
      for o in 0..<outs {
        var sum = bias[o]
        for i in 0..<ins {
          sum += xd[r * ins + i] * wd[o * ins + i]
          dx[r * ins + i] += dyd[r * outs + o] * wd[o * ins + i]
          dw[o * ins + i] += dyd[r * outs + o] * xd[r * ins + i]
        }
        y[r * outs + o] = max(0, sum)
      }
    }
    let got = sameBits(
      .none, outputs: [Floats(count: rows * outs), Floats(count: rows * ins), Floats(count: outs * ins)]
    ) {
      linearForward(
        x: x.pointer, weight: w.pointer, bias: bias.pointer, y: $0[0].pointer, rows: rows, inFeatures: ins,
        outFeatures: outs, relu: true, context: $1)
      linearInputGradient(
        dy: dy.pointer, weight: w.pointer, dx: $0[1].pointer, rows: rows, inFeatures: ins, outFeatures: outs,
        context: $1)
      linearWeightGradient(
        x: x.pointer, dy: dy.pointer, dWeight: $0[2].pointer, rows: rows, inFeatures: ins, outFeatures: outs,
        context: $1)
    }
    #expect(relativeError(got[0], y) < 1e-6)
    #expect(relativeError(got[1], dx) < 1e-6)
    #expect(relativeError(got[2], dw) < 1e-6)
  }
}
