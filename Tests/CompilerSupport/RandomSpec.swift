internal import TestSupport

/// A small spec drawn from a seed, out of everything that the language has for networks and their training. Always one
/// that compiles.
package struct RandomSpec: Sendable {
  /// What a test can afford.
  package enum Size: Sendable {
    /// To be planned.
    case planned
    /// To be run: no head of 4096 neurons, few channels.
    case run
  }

  package let text: String
  /// Training images that leave no last batch of one.
  package let images: Int

  /// - Parameter strategy: nil: drawn as well.
  package init(seed: Int, size: Size = .planned, strategy: String? = nil) {
    var drawing = Drawing(random: SplitMix64(seed: UInt64(seed)), size: size, strategy: strategy)
    text = drawing.text()
    images = 4 * drawing.batch
  }
}

/// Draws one spec, section by section.
private struct Drawing {
  var random: SplitMix64
  let size: RandomSpec.Size
  let strategy: String?
  private(set) var batch = 0
  /// How often the image can be halved before the last module.
  private var halvings = 0
  private var side = 0
  /// Of a vgg's layers.
  private var widths: [Int] = []

  init(random: SplitMix64, size: RandomSpec.Size, strategy: String?) {
    self.random = random
    self.size = size
    self.strategy = strategy
  }

  mutating func text() -> String {
    batch = size == .planned ? int(2...9) : int(4...6)
    let sides = [(8, 3), (12, 2), (6, 1), (10, 1), (4, 2), (16, 4)]
    (side, halvings) = pick(size == .planned ? sides : sides.dropLast())
    let drawn = pick(
      ["parallel", "sequential", "end-to-end"] + (size == .planned ? ["asynchronous"] : []))
    let strategy = strategy ?? drawn
    let isVGG = chance(2)
    let (network, itemCount) = isVGG ? vgg() : resnet()
    let moduleCount = isVGG ? itemCount : itemCount + 1
    let text = """
      strata: 1
      name: random
      data: {source: synthetic}
      \(network)
      \(auxiliary())
      \(training(strategy: strategy, moduleCount: moduleCount, isVGG: isVGG))
      numerics: \(pick(["fast", "strict"]))

      """
    // Last, so that all else is drawn as it was before.
    let isLayerByLayer = strategy == "sequential" && isVGG && text.contains("partition: per-layer")
    let whole = isLayerByLayer && widths.contains { $0 > 1 } ? text + compression() : text
    guard chance(3) else { return whole }
    let activation = pick(["leaky-relu", "{kind: leaky-relu, slope: 0.2}", "gelu", "silu"])
    return whole.replacing("network:\n", with: "network:\n  activation: \(activation)\n")
  }

  // MARK: - Networks

  private mutating func vgg() -> (text: String, itemCount: Int) {
    let count = int(1...4)
    widths = (0..<count).map { _ in int(1...(size == .planned ? 20 : 10)) }
    let kernels =
      chance(2) ? "\(pick([1, 3, 3, 3, 5]))" : list((0..<count).map { _ in pick([1, 3, 5]) })
    let batchNorm = chance(3) ? list((0..<count).map { _ in chance(2) }) : "\(!chance(3))"
    let bias = chance(3) ? list((0..<count).map { _ in chance(2) }) : "\(chance(2))"
    let positions = (1...count).filter { _ in chance(2) }.prefix(halvings)
    let kinds = ["max-pool", "average-pool", "stride", "invertible"]
    var downsampling = "downsampling: {kind: \(pick(kinds)), before: ["
    downsampling +=
      positions.map { chance(3) ? "{at: \($0), kind: \(pick(kinds))}" : "\($0)" }.joined(separator: ", ")
      + "]}"
    if positions.isEmpty { downsampling = "" }
    let text = """
      network:
        family: vgg
        input: \(int(1...3))x\(side)x\(side)
        classes: \(int(2...12))
        ensemble: \(pick(["logits", "probabilities"]))
        widths: \(list(widths))
        kernel: \(kernels)
        bias: \(bias)
        batch-norm: \(batchNorm)
        head: \(head())
        init: {weights: \(pick(["default", "he-fan-out"])), batch-norm: \(pick(["ones", "uniform"]))}
      \(downsampling)
      """
    return (text, count)
  }

  private mutating func resnet() -> (text: String, itemCount: Int) {
    let isPooled = halvings > 0 && chance(3)
    let stageCount = int(1...min(3, halvings + (isPooled ? 0 : 1)))
    let bottleneck = chance(3)
    var width = int(2...6)
    let stemWidth = chance(2) ? width : int(1...4)
    var stages: [String] = []
    var itemCount = 0
    for _ in 0..<stageCount {
      let blocks = int(1...2)
      itemCount += blocks
      stages.append("{blocks: \(blocks), width: \(width)}")
      width += int(0...4)
    }
    let kind = pick(["max-pool", "average-pool", "stride", "invertible"])
    let schedule = chance(3) ? "{accelerated: \(int(1...2))}" : "standard"
    // Zeros can be added, not taken away.
    let shortcut = kind == "invertible" || chance(2) ? "projection" : "zero-pad"
    let text = """
      network:
        family: resnet
        input: \(int(1...3))x\(side)x\(side)
        classes: \(int(2...12))
        ensemble: \(pick(["logits", "probabilities"]))
        block: \(bottleneck ? "bottleneck" : "basic")
        stem: {width: \(shortcut == "zero-pad" ? 2 : stemWidth), kernel: \(pick([1, 3, 5])), pool: \(isPooled ? "max" : "none")}
        stages: [\(stages.joined(separator: ", "))]
        shortcut: \(shortcut)
        bias: \(chance(2))
        batch-norm: \(!chance(3))
        head: \(head())
      downsampling: {kind: \(kind), schedule: \(schedule)}
      """
    return (text, itemCount)
  }

  private mutating func head() -> String {
    let heads = [
      "auxiliary", "gap", "linear", "{kind: linear, pool: \(int(1...3))}",
      "{kind: mlp, hidden: [\(int(1...9)), 7]}",
      "{kind: cnn, k: 2}", "{kind: mlp-sr, convolutions: 1, hidden: 1}",
    ]
    return size == .planned && side > 4 && halvings < 2 && chance(4) ? "vgg" : pick(heads)
  }

  private mutating func auxiliary() -> String {
    let kinds = [
      "kind: linear", "kind: linear, pool: \(int(1...3))",
      "kind: cnn, k: \(int(1...3)), width: \(pick(["same", "doubled", "6"]))",
      "kind: mlp, hidden: \(int(0...2))", "kind: mlp-sr, convolutions: \(int(1...2)), hidden: \(int(0...2))",
    ]
    return "auxiliary: {\(pick(kinds)), loss: \(pick(["cross-entropy", "cross-entropy", "sim", "predsim"]))}"
  }

  // MARK: - Training

  private mutating func training(strategy: String, moduleCount: Int, isVGG: Bool) -> String {
    let partitions = [
      isVGG ? "per-layer" : "per-block", "{modules: \(int(1...moduleCount))}",
      moduleCount > 1 && isVGG ? "{cuts: [\(int(2...moduleCount))]}" : "{cuts: [1]}",
    ]
    let optimizers = [
      "{kind: sgd, learning-rate: 0.05, momentum: 0.9}", "{kind: sgd, nesterov: true, weight-decay: 0}",
      "adam",
    ]
    let start = strategy == "parallel" && chance(3) ? "\n  start: {every: 1}" : ""
    let asynchronous = strategy == "asynchronous" ? "\n  asynchronous: {buffer: \(int(1...4))}" : ""
    return """
      training:
        strategy: \(strategy)
        partition: \(pick(partitions))
        epochs: \(int(1...3))
        batch: \(batch)
        optimizer: \(pick(optimizers))\(start)\(asynchronous)
      """
  }

  private mutating func compression() -> String {
    let widest = widths.indices.max { widths[$0] < widths[$1] }
    let kept = widths.indices.map { layer in
      // One layer at least loses a channel.
      layer == widest ? int(1...max(1, widths[layer] - 1)) : int(1...widths[layer])
    }
    return """
      compression:
        width: \(list(kept))
        epochs: \(int(1...2))
        fine-tune: \(pick(["auxiliary", "module"]))
        criterion: \(pick(["taylor", "taylor", "activation", "weight-norm"]))

      """
  }

  // MARK: - Drawing

  private mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
  /// One in `n`.
  private mutating func chance(_ n: Int) -> Bool { int(1...n) == 1 }
  private mutating func pick<T>(_ values: [T]) -> T { values[int(0...values.count - 1)] }
  private func list(_ values: [some Any]) -> String {
    "[" + values.map { "\($0)" }.joined(separator: ", ") + "]"
  }
}
