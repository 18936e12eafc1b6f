import CostModel
import Glibc
import GraphIR
import Operators
import TestSupport

/// A forward graph computed in Double, node by node: what the engine's programs are held against. Knows nothing of
/// differentiation, fusion into convolutions, memory or algorithms.
struct ReferenceProgram {
  private let graph: Graph
  private let labels: [Int]
  private let ensembleMean: EnsembleMean
  /// Parameters and running statistics by name, in the engine's layouts.
  var tensors: [String: [Double]]
  /// Running statistics as the last run leaves them.
  private(set) var movedStatistics: [String: [Double]] = [:]
  private(set) var values: [ValueID: Images] = [:]
  /// Mean losses as metrics tell them, by the metric's value.
  private(set) var losses: [ValueID: Double] = [:]
  /// Right answers.
  private(set) var top1: [ValueID: Int] = [:]
  /// How far the numbers keep from where a tiny change makes another branch: ReLU's kink, ties of max-pools, channels
  /// that do not vary.
  private(set) var margin = Double.infinity

  /// - Parameter ensembleMean: what the spec wants the mean of.
  init(
    _ graph: Graph, tensors: [String: [Double]], images: Images, labels: [Int],
    ensembleMean: EnsembleMean = .logits
  ) {
    self.ensembleMean = ensembleMean
    self.graph = graph
    self.tensors = tensors
    self.labels = labels
    values[graph.images] = images
  }

  /// Computes the nodes of `modules` in order; others keep their values.
  ///
  /// - Parameter watched: what detached nodes read in place of the present values.
  /// - Returns: what the modules minimise, the sum over them.
  @discardableResult
  mutating func run(modules: [Int], watched: [ValueID: Images] = [:]) -> Double {
    var objective = 0.0
    for node in graph.nodes where modules.contains(node.module) {
      let first = node.operands[0]
      let input = node.isDetached ? watched[first] ?? values[first] : values[first]
      guard let input else { preconditionFailure("the verifier lets no value be read before it is there") }
      objective += compute(node, input)
    }
    return objective
  }

  /// What the node adds to its module's objective.
  private mutating func compute(_ node: Node, _ x: Images) -> Double {
    // A ring has one slot here: what was passed on last.
    if node.op.is(RingWrite.self) {
      values[node.operands[2]] = x
      return 0
    }
    let result = node.results[0]
    switch node.op.definition {
    case let c as Convolution:
      let convolution = ReferenceConvolution(
        outChannels: c.outChannels, kernelSize: c.kernelSize, stride: c.stride, padding: c.padding)
      let y = Reference.convolutionForward(
        x, filter: tensor(node.operands[1]), bias: node.operands.count > 2 ? tensor(node.operands[2]) : nil,
        convolution)
      set(result, y, c.activation)
    case let linear as Linear:
      let rows = Images(rows: x.batch, channels: x.height * x.width * x.channels, values: x.values)
      let y = Reference.linearForward(
        rows, weight: tensor(node.operands[1]),
        bias: node.operands.count > 2 ? tensor(node.operands[2]) : nil, outFeatures: linear.outFeatures)
      set(result, y, linear.activation)
    case let norm as BatchNorm: set(result, normalized(x, node, norm.mode), norm.activation)
    case let activate as Activate: set(result, x, activate.activation)
    case let addition as Addition:
      guard let other = values[node.operands[1]] else { preconditionFailure("both are there") }
      set(
        result, x.with(values: Reference.addForward(x.values, other.values)), addition.activation)
    case let pool as MaxPool: set(result, pooled(x, pool))
    case let pool as AveragePool:
      let y =
        pool.window.map { Reference.averagePoolForward(x, side: $0) }
        ?? Reference.adaptiveAveragePoolForward(x, outHeight: pool.height, outWidth: pool.width)
      set(result, y)
    case is RingRead: set(result, x)
    case is SpaceToDepth: set(result, Reference.spaceToDepth(x))
    case let subsample as Subsample:
      set(result, x.subsampled(stride: subsample.stride, channels: subsample.channels))
    case is SpatialDeviation: set(result, deviations(x))
    case let entropy as SoftmaxCrossEntropy:
      let loss = Reference.softmaxCrossEntropy(x, labels: labels, smoothing: entropy.smoothing)
      losses[result] = loss.loss
      top1[result] = loss.top1
      return entropy.weight * loss.loss
    case let similarity as SimilarityLoss:
      let rows = Images(rows: x.batch, channels: x.height * x.width * x.channels, values: x.values)
      let loss = Reference.similarityLoss(rows, labels: labels, classes: similarity.classes).loss
      losses[result] =
        (1 - similarity.weight) * (losses[node.operands[2]] ?? .nan) + similarity.weight * loss
      top1[result] = top1[node.operands[2]]
      return similarity.weight * loss
    case is Ensemble: set(result, ensemble(result))
    default: preconditionFailure("no reference for '\(node.op.text)' in a forward graph before folding")
    }
    return 0
  }

  private func tensor(_ id: ValueID) -> [Double] {
    guard let tensor = tensors[graph[id].name] else {
      preconditionFailure("'\(graph[id].name)' is missing")
    }
    return tensor
  }

  private mutating func set(_ id: ValueID, _ y: Images, _ activation: Activation = .none) {
    switch activation {
    case .none, .gelu, .silu: break
    case .relu, .leakyRelu:
      // Zeros come from dead channels further up, which no small change wakes.
      margin = min(margin, y.values.lazy.map { $0 == 0 ? .infinity : abs($0) }.min() ?? .infinity)
    }
    values[id] = y.with(values: y.values.map(activation.reference.value))
  }

  private mutating func normalized(_ x: Images, _ node: Node, _ mode: BatchNorm.Mode) -> Images {
    var norm = ReferenceBatchNorm(
      scale: tensor(node.operands[1]), shift: tensor(node.operands[2]), runningMean: tensor(node.operands[3]),
      runningVariance: tensor(node.operands[4]))
    guard mode == .training else { return Reference.batchNormInference(x, norm) }
    margin = min(margin, Reference.moments(x).variance.min() ?? 0)
    let y = Reference.batchNormTraining(x, &norm)
    movedStatistics[graph[node.operands[3]].name] = norm.runningMean
    movedStatistics[graph[node.operands[4]].name] = norm.runningVariance
    return y
  }

  private mutating func pooled(_ x: Images, _ pool: MaxPool) -> Images {
    let y = Reference.maxPoolForward(
      x, kernelSize: pool.window, stride: pool.stride, padding: pool.padding)
    // Without its winners the windows show who came second; where both are dead nothing can change.
    var rest = x
    for (index, (row, column)) in zip(y.rows, y.columns).enumerated() {
      let (channel, place) = (index % y.output.channels, index / y.output.channels)
      rest[place / (y.output.height * y.output.width), row, column, channel] = -.infinity
    }
    let second = Reference.maxPoolForward(
      rest, kernelSize: pool.window, stride: pool.stride, padding: pool.padding)
    for (best, next) in zip(y.output.values, second.output.values) where best != 0 || next != 0 {
      margin = min(margin, best - next)
    }
    return y.output
  }

  private mutating func deviations(_ x: Images) -> Images {
    var y = Images(batch: x.batch, height: 1, width: 1, channels: x.channels)
    for n in 0..<x.batch {
      for c in 0..<x.channels {
        let pixels = (0..<x.height).flatMap { i in (0..<x.width).map { x[n, i, $0, c] } }
        let mean = pixels.reduce(0, +) / Double(pixels.count)
        let squares = pixels.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        y[n, 0, 0, c] = (squares / Double(pixels.count - 1)).squareRoot()
      }
    }
    margin = min(margin, y.values.min() ?? 0)
    return y
  }

  /// The mean with weights 2^j over the measured modules up to the ensemble's, whatever the graph says how to compute it.
  private func ensemble(_ result: ValueID) -> Images {
    guard let last = graph.metrics.first(where: { $0.isEnsemble && $0.logits == result })?.module else {
      preconditionFailure("an ensemble is measured")
    }
    let members = graph.metrics.filter { !$0.isEnsemble && $0.module <= last }
    var logits = members.compactMap { values[$0.logits] }
    if ensembleMean == .probabilities { logits = logits.map(softmax) }
    let weights = members.map { exp2(Double($0.module)) }
    var mean = logits[0].with(values: logits[0].values.map { _ in 0 })
    for (weight, logits) in zip(weights, logits) {
      for place in mean.values.indices {
        mean.values[place] += weight / weights.reduce(0, +) * logits.values[place]
      }
    }
    return ensembleMean == .probabilities ? mean.with(values: mean.values.map { log($0) }) : mean
  }

  private func softmax(_ x: Images) -> Images {
    var y = x
    for row in 0..<x.batch {
      let places = row * x.channels..<(row + 1) * x.channels
      let sum = places.map { exp(x.values[$0]) }.reduce(0, +)
      for place in places { y.values[place] = exp(x.values[place]) / sum }
    }
    return y
  }
}
