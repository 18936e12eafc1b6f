import CostModel
import Glibc
import Kernels
import Synchronization
import Testing

/// Loss, optimisers and the pool of threads.
struct KernelTrainingTests {
  @Test(arguments: [(1, 3), (37, 10), (300, 100), (5, 256), (3, 1_003)])
  func crossEntropy(_ size: (rows: Int, classes: Int)) {
    let (rows, classes) = size
    var generator = Mixer(state: 1)
    // Steps of 1/4, so that there are ties.
    let logits = Floats(count: rows * classes) { _ in (generator.uniform() * 20).rounded() / 4 }
    let labels = (0..<rows).map { Int32($0 * 7 % classes) }
    var (loss, top1, top5) = (0.0, 0, 0)
    var gradient = [Double]()
    for r in 0..<rows {
      let row = Array(logits.doubles[r * classes..<(r + 1) * classes])
      let label = Int(labels[r])
      let sum = row.map { exp($0) }.reduce(0, +)
      loss += log(sum) - row[label]
      let order = (0..<classes).sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
      let rank = order.firstIndex(of: label)!
      top1 += rank == 0 ? 1 : 0
      top5 += rank < 5 ? 1 : 0
      gradient += (0..<classes).map { (exp(row[$0]) / sum - ($0 == label ? 1 : 0)) / Double(rows) }
    }
    let got = sameBits(
      KernelScratch.softmaxCrossEntropy(rows: rows, classes: classes),
      outputs: [Floats(count: rows * classes), Floats(count: 3)]
    ) {
      softmaxCrossEntropy(
        logits: logits.pointer, labels: labels, logitGradient: $0[0].pointer, metrics: $0[1].pointer,
        rows: rows,
        classes: classes, context: $1)
    }
    #expect(relativeError(got[0], gradient) < 1e-5)
    #expect(abs(Double(got[1][0]) / loss - 1) < 1e-6)
    #expect(got[1][1] == Float(top1))
    #expect(got[1][2] == Float(top5))
  }

  /// A row of so many classes is gone through by vectors: ties on both sides of the label, powers that are zero, and a NaN anywhere.
  @Test(arguments: [256, 300, 1_003])
  func manyClasses(_ classes: Int) {
    let label = classes / 2
    for (ties, top1, top5) in [(0, 1, 1), (1, 0, 1), (5, 0, 0)] {
      // Of equal logits the lower class comes first, so that those behind the label do not count.
      let best = Set((0..<ties).map { 3 + 17 * $0 } + [label, label + 9])
      let logits = Floats(count: classes) { best.contains($0) ? 2 : $0 % 3 == 0 ? -200 : -1 }
      let metrics = Floats(count: 3)
      withContext(workers: 1, KernelScratch.softmaxCrossEntropy(rows: 1, classes: classes)) {
        softmaxCrossEntropy(
          logits: logits.pointer, labels: [Int32(label)], logitGradient: logits.pointer,
          metrics: metrics.pointer,
          rows: 1, classes: classes, context: $0)
      }
      let small = (0..<classes).count { !best.contains($0) && $0 % 3 != 0 }
      let sum = Double(best.count) + Double(small) * exp(-3)
      #expect(abs(Double(metrics.float[0]) - log(sum)) < 1e-5 * log(sum))
      #expect(metrics.float[1] == Float(top1) && metrics.float[2] == Float(top5), "\(ties) ties")
      #expect(abs(Double(logits.float[label]) - (1 / sum - 1)) < 1e-6)
      #expect(abs(Double(logits.float[label + 9]) - 1 / sum) < 1e-6)
      let zeros = (0..<classes).filter { !best.contains($0) && $0 % 3 == 0 }
      #expect(zeros.allSatisfy { logits.float[$0] == 0 })
    }
    for place in [0, 5, label, classes - 1] {
      let logits = Floats(count: classes) { $0 == place ? .nan : 1 }
      let metrics = Floats(count: 3)
      withContext(workers: 1, KernelScratch.softmaxCrossEntropy(rows: 1, classes: classes)) {
        softmaxCrossEntropy(
          logits: logits.pointer, labels: [Int32(label)], logitGradient: nil, metrics: metrics.pointer,
          rows: 1,
          classes: classes, context: $0)
      }
      #expect(metrics.float[0].isNaN && metrics.float[1] == 0 && metrics.float[2] == 0, "NaN at \(place)")
    }
  }

  @Test(arguments: 0..<4)
  func nanLogitsGiveNaNLoss(_ place: Int) {
    let logits = Floats(count: 4) { $0 == place ? .nan : 1 }
    let metrics = Floats(count: 3)
    withContext(workers: 1, KernelScratch.softmaxCrossEntropy(rows: 1, classes: 4)) {
      softmaxCrossEntropy(
        logits: logits.pointer, labels: [1], logitGradient: nil, metrics: metrics.pointer, rows: 1,
        classes: 4,
        context: $0)
    }
    #expect(metrics.float[0].isNaN)
    #expect(metrics.float[1] == 0 && metrics.float[2] == 0)
  }

  @Test(arguments: [false, true], [5, 40_001])
  func sgd(_ nesterov: Bool, _ count: Int) {
    let gradient = Floats(count: count, seed: 2)
    let start = [Floats(count: count, seed: 3), Floats(count: count, seed: 4)]
    let got = sameBits(.none, outputs: start.map { $0.copy() }) { o, context in
      for _ in 0..<3 {
        sgdStep(
          weights: o[0].pointer, velocity: o[1].pointer, gradient: gradient.pointer, count: count,
          learningRate: 0.1,
          momentum: 0.9, weightDecay: 0.01, nesterov: nesterov, context: context)
      }
    }
    var (w, v) = (start[0].doubles, start[1].doubles)
    for _ in 0..<3 {
      for i in w.indices {
        let g = gradient[i] + 0.01 * w[i]
        v[i] = 0.9 * v[i] + g
        w[i] -= 0.1 * (nesterov ? g + 0.9 * v[i] : v[i])
      }
    }
    #expect(relativeError(got[0], w) < 1e-6)
    #expect(relativeError(got[1], v) < 1e-6)
  }

  @Test(arguments: [5, 40_001])
  func adam(_ count: Int) {
    let gradient = Floats(count: count, seed: 5)
    let start = Floats(count: count, seed: 6)
    let got = sameBits(
      .none, outputs: [start.copy(), Floats(count: count) { _ in 0 }, Floats(count: count) { _ in 0 }]
    ) { o, context in
      for step in 1...3 {
        adamStep(
          weights: o[0].pointer, firstMoment: o[1].pointer, secondMoment: o[2].pointer,
          gradient: gradient.pointer,
          count: count, learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.02,
          step: step,
          context: context)
      }
    }
    var w = start.doubles
    var (m, v) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    for step in 1...3 {
      for i in w.indices {
        let g = gradient[i] + 0.02 * w[i]
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        let mean = m[i] / (1 - pow(0.9, Double(step)))
        w[i] -= 0.01 * mean / ((v[i] / (1 - pow(0.999, Double(step)))).squareRoot() + 1e-8)
      }
    }
    #expect(relativeError(got[0], w) < 1e-6)
  }

  @Test(arguments: [1, 2, 3, 8])
  func everyItemRunsOnce(_ count: Int) {
    let workers = Workers(count: count)
    let runs = UnsafeMutablePointer<Int>.allocate(capacity: 1001)
    defer { runs.deallocate() }
    var eachOnce = true
    for round in 0..<2000 {
      let items = round % 40 == 0 ? 1000 : round % 40
      runs.initialize(repeating: 0, count: 1001)
      workers.forEach(items) { item, worker in
        precondition(worker >= 0 && worker < count)
        runs[item] += 1
      }
      for item in 0..<items where runs[item] != 1 { eachOnce = false }
      if runs[items] != 0 { eachOnce = false }
      if round % 500 == 0 { usleep(2000) }  // long enough for the helpers to fall asleep
    }
    #expect(eachOnce)
  }

  @Test func denormalsAreFlushedWhileWorkRuns() {
    let tiny = Float.leastNormalMagnitude
    let results = Floats(count: 64)
    let divisor = Floats(count: 64) { Float($0 + 2) }
    Workers(count: 3).forEach(64) { item, _ in results.pointer[item] = tiny / divisor.pointer[item] }
    #expect(results.values.allSatisfy { $0 == 0 })
    // The caller's own mode is back.
    #expect(tiny / divisor.float[0] != 0)
  }

  @Test func nestedWorkTraps() async {
    await #expect(processExitsWith: .failure) {
      let workers = Workers(count: 2)
      workers.forEach(2) { _, _ in workers.forEach(2) { _, _ in } }
    }
  }

  @Test func theCallersOwnWorkIsFlushedToo() {
    let tiny = Float.leastNormalMagnitude
    let divisor = Floats([2])
    #expect(Workers(count: 1).flushingDenormals { tiny / divisor.float[0] } == 0)
    #expect(tiny / divisor.float[0] != 0)
  }
}
