import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct PoolingMatchesReferenceTests {
  struct Window: Sendable, CustomTestStringConvertible {
    let batch, height, width, channels, size, stride, padding: Int
    var testDescription: String {
      "\(batch)x\(height)x\(width)x\(channels) by \(size) s\(stride) p\(padding)"
    }

    init(
      _ batch: Int, _ height: Int, _ width: Int, _ channels: Int, _ size: Int, _ stride: Int, _ padding: Int
    ) {
      (self.batch, self.height, self.width, self.channels) = (batch, height, width, channels)
      (self.size, self.stride, self.padding) = (size, stride, padding)
    }
  }

  static let windows: [Window] = [
    Window(2, 8, 8, 3, 2, 2, 0), Window(2, 4, 6, 8, 2, 2, 0), Window(1, 2, 2, 17, 2, 2, 0),
    Window(3, 7, 9, 5, 3, 2, 1), Window(2, 8, 8, 64, 3, 2, 1), Window(2, 10, 11, 8, 3, 3, 0),
    Window(2, 5, 5, 9, 3, 1, 1), Window(1, 9, 7, 1, 5, 2, 2), Window(2, 7, 7, 4, 2, 3, 0),
    Window(2, 1, 1, 3, 3, 2, 1), Window(1, 6, 5, 8, 2, 2, 1), Window(3, 64, 64, 8, 2, 2, 0),
    Window(2, 16, 16, 3, 16, 16, 0), Window(2, 5, 7, 8, 2, 2, 0),
  ]

  /// Distinct values, and a few whole numbers that tie in most windows: there the first of them has to win.
  @Test(arguments: windows, [false, true])
  func maxPool(_ w: Window, ties: Bool) {
    var random = SplitMix64(seed: UInt64(w.height * w.width + w.channels))
    let count = w.batch * w.height * w.width * w.channels
    let values =
      ties ? random.uniform(count: count, in: -2...2).map { $0.rounded() } : random.distinct(count: count)
    let x = Images(batch: w.batch, height: w.height, width: w.width, channels: w.channels, values: values)
    let expected = Reference.maxPoolForward(x, kernelSize: w.size, stride: w.stride, padding: w.padding)
    let outCount = expected.output.values.count
    let dy = expected.output.with(values: random.uniform(count: outCount))
    let expectedGradient = Reference.maxPoolBackward(
      outputGradient: dy, expected, height: w.height, width: w.width)
    let (xs, dys, indices) = (x.buffer, dy.buffer, AlignedBuffer<UInt8>(count: outCount))

    let forward = Scratch.none
    for argmax in [nil, indices] {
      let y = run(forward, reading: [xs], writing: [.fresh(outCount)]) { outputs, context in
        maxPoolForward(
          x: xs.pointer, y: outputs[0], argmax: argmax?.pointer, batch: w.batch, height: w.height,
          width: w.width, channels: w.channels, window: w.size, stride: w.stride, padding: w.padding,
          context: context)
      }
      #expect(y[0].map(Double.init) == expected.output.values)  // one of the inputs: exact
    }
    #expect(indices.guardsAreIntact)
    let dx = run(
      .none,
      reading: [dys], writing: [.fresh(count)]
    ) { outputs, context in
      maxPoolBackward(
        dy: dys.pointer, argmax: indices.pointer, dx: outputs[0], batch: w.batch, height: w.height,
        width: w.width, channels: w.channels, window: w.size, stride: w.stride, padding: w.padding,
        context: context)
    }
    expectClose(
      dx[0], expectedGradient.values, reductionLength: w.size * w.size, slack: 1.5, "max pool backward")
  }

  /// Batch, height, width, channels, output height and width.
  static let adaptive = [
    (2, 8, 8, 3, 2, 2), (3, 7, 5, 8, 2, 2), (2, 5, 9, 17, 4, 3), (2, 1, 1, 8, 2, 2), (1, 4, 4, 64, 1, 1),
    (2, 32, 32, 16, 8, 8), (2, 3, 2, 5, 7, 5), (1, 33, 31, 1, 2, 2), (4, 64, 64, 9, 16, 16),
    (2, 12, 20, 1, 3, 2), (2, 14, 14, 7, 2, 2), (1, 9, 15, 3, 1, 5),
  ]

  @Test(arguments: adaptive)
  func adaptiveAveragePool(batch: Int, height: Int, width: Int, channels: Int, outHeight: Int, outWidth: Int)
  {
    var random = SplitMix64(seed: UInt64(height * width + channels))
    let x = random.images(batch, height, width, channels)
    let dy = random.images(batch, outHeight, outWidth, channels)
    let (xs, dys) = (x.buffer, dy.buffer)
    let y = run(
      .none,
      reading: [xs], writing: [.fresh(dy.values.count)]
    ) { outputs, context in
      averagePoolForward(
        x: xs.pointer, y: outputs[0], batch: batch, height: height, width: width, channels: channels,
        outHeight: outHeight, outWidth: outWidth, context: context)
    }
    let dx = run(
      .none,
      reading: [dys], writing: [.fresh(x.values.count)]
    ) { outputs, context in
      averagePoolBackward(
        dy: dys.pointer, dx: outputs[0], batch: batch, height: height, width: width, channels: channels,
        outHeight: outHeight, outWidth: outWidth, context: context)
    }
    let expected = Reference.adaptiveAveragePoolForward(x, outHeight: outHeight, outWidth: outWidth)
    let expectedGradient = Reference.adaptiveAveragePoolBackward(
      outputGradient: dy, height: height, width: width)
    let area = (height / outHeight + 1) * (width / outWidth + 1)
    expectClose(y[0], expected.values, reductionLength: area, slack: 1.5, "average pool forward")
    expectClose(dx[0], expectedGradient.values, reductionLength: 4, slack: 1.5, "average pool backward")
    // The kernels' own adjoint identity, in the numbers they gave.
    let forward = innerProduct(y[0].map(Double.init), dy.values)
    let backward = innerProduct(x.values, dx[0].map(Double.init))
    #expect(abs(forward - backward) < 1e-6 * Double(x.values.count).squareRoot())
  }

  /// Batch, height, width, channels, side of the windows: of most of them something is left over.
  @Test(arguments: [
    (2, 7, 7, 3, 2), (3, 7, 5, 8, 2), (2, 3, 9, 17, 2), (1, 33, 31, 1, 2), (2, 8, 6, 9, 2), (2, 11, 8, 16, 3),
  ])
  func averagePool(batch: Int, height: Int, width: Int, channels: Int, side: Int) {
    var random = SplitMix64(seed: UInt64(height * width + channels))
    let (outHeight, outWidth) = (height / side, width / side)
    let x = random.images(batch, height, width, channels)
    let dy = random.images(batch, outHeight, outWidth, channels)
    let (xs, dys) = (x.buffer, dy.buffer)
    let y = run(.none, reading: [xs], writing: [.fresh(dy.values.count)]) { outputs, context in
      averagePoolForward(
        x: xs.pointer, y: outputs[0], batch: batch, height: height, width: width, channels: channels,
        outHeight: outHeight, outWidth: outWidth, window: side, context: context)
    }
    let dx = run(.none, reading: [dys], writing: [.fresh(x.values.count)]) { outputs, context in
      averagePoolBackward(
        dy: dys.pointer, dx: outputs[0], batch: batch, height: height, width: width, channels: channels,
        outHeight: outHeight, outWidth: outWidth, window: side, context: context)
    }
    let expected = Reference.averagePoolForward(x, side: side)
    let gradient = Reference.averagePoolBackward(
      outputGradient: dy, side: side, height: height, width: width)
    expectClose(y[0], expected.values, reductionLength: side * side, slack: 1.5, "average pool forward")
    expectClose(dx[0], gradient.values, reductionLength: 4, slack: 1.5, "average pool backward")
    let forward = innerProduct(y[0].map(Double.init), dy.values)
    let backward = innerProduct(x.values, dx[0].map(Double.init))
    #expect(abs(forward - backward) < 1e-6 * Double(x.values.count).squareRoot())
  }

  @Test(arguments: [(1, 2, 2, 1), (2, 4, 6, 3), (3, 8, 4, 8), (2, 6, 2, 17), (5, 32, 32, 16), (1, 2, 10, 64)])
  func spaceToDepth(batch: Int, height: Int, width: Int, channels: Int) {
    var random = SplitMix64(seed: UInt64(channels))
    let x = random.images(batch, height, width, channels)
    let small = Reference.spaceToDepth(x)
    let (xs, smalls) = (x.buffer, small.buffer)
    let y = run(
      .none,
      reading: [xs],
      writing: [.fresh(x.values.count)]
    ) { outputs, context in
      Kernels.spaceToDepth(
        x: xs.pointer, y: outputs[0], batch: batch, height: height, width: width, channels: channels,
        context: context)
    }
    let back = run(
      .none,
      reading: [smalls], writing: [.fresh(x.values.count)]
    ) { outputs, context in
      depthToSpace(
        x: smalls.pointer, y: outputs[0], batch: batch, height: height, width: width, channels: channels,
        context: context)
    }
    #expect(y[0] == small.floats)
    #expect(back[0] == x.floats)
  }
}
