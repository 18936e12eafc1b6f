import CostModel
import Kernels
import TestSupport
import Testing

@Suite struct LinearMatchesReferenceTests {
  /// Rows, input features, output features.
  static let shapes = [
    (1, 1, 1), (2, 3, 17), (6, 48, 10), (5, 64, 1), (128, 257, 130), (300, 40, 31), (7, 1030, 100),
  ]

  @Test(arguments: shapes)
  func forward(rows: Int, ins: Int, outs: Int) {
    var random = SplitMix64(seed: UInt64(rows + ins + outs))
    let (x, weight, bias) = (random.matrix(rows, ins), random.matrix(outs, ins), random.matrix(1, outs))
    let (xs, weights, biases) = (x.buffer, weight.buffer, bias.buffer)
    for (hasBias, relu) in [(false, false), (true, true), (true, false)] {
      let expected = Reference.linearForward(
        x, weight: weight.values, bias: hasBias ? bias.values : nil, outFeatures: outs, relu: relu)
      let y = run(
        KernelScratch.linearForward(rows: rows, inFeatures: ins, outFeatures: outs),
        reading: [xs, weights, biases], writing: [.fresh(rows * outs)]
      ) { outputs, context in
        linearForward(
          x: xs.pointer, weight: weights.pointer, bias: hasBias ? biases.pointer : nil, y: outputs[0],
          rows: rows,
          inFeatures: ins, outFeatures: outs, activation: relu ? .relu : .none, context: context)
      }
      expectClose(y[0], expected.values, reductionLength: ins, slack: 1.5, "linear forward")
    }
  }

  @Test(arguments: shapes)
  func gradients(rows: Int, ins: Int, outs: Int) {
    var random = SplitMix64(seed: UInt64(rows + ins + outs + 1))
    let (x, weight, dy) = (random.matrix(rows, ins), random.matrix(outs, ins), random.matrix(rows, outs))
    let (xs, weights, dys) = (x.buffer, weight.buffer, dy.buffer)
    let dx = run(
      KernelScratch.linearInputGradient(rows: rows, inFeatures: ins, outFeatures: outs),
      reading: [dys, weights], writing: [.fresh(rows * ins)]
    ) { outputs, context in
      linearInputGradient(
        dy: dys.pointer, weight: weights.pointer, dx: outputs[0], rows: rows, inFeatures: ins,
        outFeatures: outs,
        context: context)
    }
    let dWeight = run(
      KernelScratch.linearWeightGradient(rows: rows, inFeatures: ins, outFeatures: outs), reading: [xs, dys],
      writing: [.fresh(outs * ins)]
    ) { outputs, context in
      linearWeightGradient(
        x: xs.pointer, dy: dys.pointer, dWeight: outputs[0], rows: rows, inFeatures: ins, outFeatures: outs,
        context: context)
    }
    expectClose(
      dx[0],
      Reference.linearInputGradient(outputGradient: dy, weight: weight.values, inFeatures: ins).values,
      reductionLength: outs, slack: 1.5, "linear input gradient")
    expectClose(
      dWeight[0], Reference.linearWeightGradient(x, outputGradient: dy), reductionLength: rows, slack: 1.5,
      "linear weight gradient")
  }

  @Test(
    arguments: [(1, 1), (7, 17), (600, 3), (1000, 64), (20_000, 5), (70_001, 8)]
      + BatchNormMatchesReferenceTests.oddWidths.map { (1_029, $0) })
  func columnSums(rows: Int, columns: Int) {
    var random = SplitMix64(seed: UInt64(rows + columns))
    let x = random.matrix(rows, columns)
    let xs = x.buffer
    let sums = run(
      KernelScratch.columnSums(rows: rows, columns: columns), reading: [xs], writing: [.fresh(columns)]
    ) { outputs, context in
      Kernels.columnSums(x: xs.pointer, sums: outputs[0], rows: rows, columns: columns, context: context)
    }
    expectClose(sums[0], Reference.columnSums(x), reductionLength: rows, slack: 1.5, "column sums")
  }
}
