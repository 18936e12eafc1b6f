import CostModel
import Foundation
import Kernels
import TestSupport
import Testing

/// What `ElementwiseMatchesReferenceTests` leaves out of the loss: ranks where logits tie, rows that are gone through by vectors, NaN.
@Suite struct CrossEntropyTests {
  private func loss(
    _ logits: [Double], labels: [Int], rows: Int, classes: Int
  ) -> (metrics: [Float], gradient: [Float]) {
    let targets = AlignedBuffer<Int32>(labels.map { Int32($0) })
    let outputs = run(
      KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes),
      writing: [.fresh(3), .holding(logits)]
    ) {
      softmaxCrossEntropy(
        logits: $0[1], labels: targets.pointer, logitGradient: $0[1], metrics: $0[0], rows: rows,
        classes: classes, context: $1)
    }
    return (outputs[0], outputs[1])
  }

  @Test(arguments: [(1, 3), (37, 10), (300, 100), (5, 256), (3, 1_003)])
  func ranksAmongTies(rows: Int, classes: Int) {
    var random = SplitMix64(seed: UInt64(rows + classes))
    // Steps of a quarter, so that there are ties: of equal logits the lower class comes first.
    let logits = random.uniform(count: rows * classes, in: -5...5).map { ($0 * 4).rounded() / 4 }
    let labels = (0..<rows).map { $0 * 7 % classes }
    var (top1, top5) = (0, 0)
    for (row, label) in labels.enumerated() {
      let values = Array(logits[row * classes..<(row + 1) * classes])
      let order = (0..<classes).sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
      let rank = order.firstIndex(of: label) ?? classes
      top1 += rank == 0 ? 1 : 0
      top5 += rank < 5 ? 1 : 0
    }
    let found = loss(logits, labels: labels, rows: rows, classes: classes)
    let expected = Reference.softmaxCrossEntropy(
      Images(rows: rows, channels: classes, values: logits), labels: labels)
    #expect(abs(Double(found.metrics[0]) / Double(rows) - expected.loss) < 1e-6 * max(1, expected.loss))
    #expect(found.metrics[1] == Float(top1) && found.metrics[2] == Float(top5))
    expectClose(
      found.gradient, expected.logitGradient.values, reductionLength: classes, slack: 4,
      "cross entropy gradient")
  }

  /// Ties on both sides of the label, powers that are zero, and a NaN anywhere.
  @Test(arguments: [256, 300, 1_003])
  func manyClasses(_ classes: Int) {
    let label = classes / 2
    for (ties, top1, top5) in [(0, 1, 1), (1, 0, 1), (5, 0, 0)] {
      // Of equal logits those behind the label do not count.
      let best = Set((0..<ties).map { 3 + 17 * $0 } + [label, label + 9])
      let logits = (0..<classes).map { best.contains($0) ? 2.0 : $0 % 3 == 0 ? -200 : -1 }
      let (metrics, gradient) = loss(logits, labels: [label], rows: 1, classes: classes)
      let small = (0..<classes).count { !best.contains($0) && $0 % 3 != 0 }
      let sum = Double(best.count) + Double(small) * exp(-3)
      #expect(abs(Double(metrics[0]) - log(sum)) < 1e-5 * log(sum))
      #expect(metrics[1] == Float(top1) && metrics[2] == Float(top5), "\(ties) ties")
      #expect(abs(Double(gradient[label]) - (1 / sum - 1)) < 1e-6)
      #expect(abs(Double(gradient[label + 9]) - 1 / sum) < 1e-6)
      let zeros = (0..<classes).filter { !best.contains($0) && $0 % 3 == 0 }
      #expect(zeros.allSatisfy { gradient[$0] == 0 })
    }
  }

  @Test(arguments: [4, 256, 300, 1_003])
  func nanLogitsGiveNaNLoss(classes: Int) {
    for place in Set([0, 1, 3, 5 % classes, classes / 2, classes - 1]) {
      let logits = (0..<classes).map { $0 == place ? Double.nan : 1 }
      let metrics = loss(logits, labels: [classes / 2], rows: 1, classes: classes).metrics
      #expect(metrics[0].isNaN && metrics[1] == 0 && metrics[2] == 0, "NaN at \(place)")
    }
  }
}
