internal import CostModel
package import Diagnostics

/// The graph as text: one node a line, in order, with types, module, part and the spec's line. Debugger, golden file and
/// `strata ir` at once.
package struct GraphPrinter {
  private let graph: Graph
  private let place: (SourceSpan) -> String

  /// - Parameter place: `net.yaml:14` for a span.
  package init(_ graph: Graph, place: @escaping (SourceSpan) -> String) {
    self.graph = graph
    self.place = place
  }

  package var text: String {
    var lines: [String] = []
    var module = -1
    for node in graph.nodes {
      if node.module != module {
        module = node.module
        lines.append(module == 0 ? "whole network:" : "module \(module):")
      }
      lines.append("  " + line(node))
    }
    if !graph.moduleOutputs.isEmpty {
      lines.append("hands on: " + graph.moduleOutputs.map(name).joined(separator: ", "))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ node: Node) -> String {
    let results = node.results.map { "\(name($0)): \(graph[$0].type)" }.joined(separator: ", ")
    let arguments = node.operands.enumerated().map { position, id in
      position == node.overwrites ? "\(name(id))!" : name(id)
    }.joined(separator: ", ")
    let left = results.isEmpty ? "" : results + " = "
    let flags = (node.isDetached ? " detached" : "") + (node.isRecomputed ? " recomputed" : "")
    return "\(left)\(node.op.text)(\(arguments))  ; \(node.part.rawValue)\(flags) \(place(node.origin))"
  }

  private func name(_ id: ValueID) -> String {
    let value = graph[id]
    switch value.category {
    case .parameter, .statistics, .replay: return value.name
    case .batch: return value.name
    case .activation, .gradient, .optimizer, .accumulator: return "%\(id.index)"
    }
  }
}

extension Op {
  /// Name and attributes, as `strata ir` prints them.
  package var text: String {
    switch self {
    case .convolution(let c): "convolution\(c.text)"
    case .linear(let outFeatures, let relu): "linear[\(outFeatures)\(relu ? " relu" : "")]"
    case .batchNorm(let norm):
      "batch_norm[\(norm.mode.rawValue)\(norm.relu ? " relu" : "")]"
    case .foldBatchNorm: "fold_batch_norm"
    case .relu: "relu"
    case .add(let relu): relu ? "add[relu]" : "add"
    case .maxPool(let pool): "max_pool\(pool.text)"
    case .averagePool(let height, let width, let window):
      "average_pool[\(height)x\(width)" + (window.map { " by \($0)x\($0)" } ?? "") + "]"
    case .spaceToDepth: "space_to_depth[2x2]"
    case .subsample(let stride, let channels): "subsample[s\(stride) c\(channels)]"
    case .spatialDeviation: "spatial_deviation"
    case .softmaxCrossEntropy(let weight):
      weight == 1 ? "softmax_cross_entropy" : "softmax_cross_entropy[weight \(weight)]"
    case .similarityLoss(let weight, _): "similarity_loss[weight \(weight)]"
    case .ensemble(.logits, let share): "ensemble[share \(share)]"
    case .ensemble(.probabilities, let share): "ensemble[probabilities share \(share)]"
    case .recall: "recall"
    case .remember: "remember"
    case .convolutionInputGradient(let c): "convolution_input_gradient\(c.text)"
    case .convolutionWeightGradient(let c): "convolution_weight_gradient\(c.text)"
    case .biasGradient: "bias_gradient"
    case .zeroGradient: "zero_gradient"
    case .linearInputGradient: "linear_input_gradient"
    case .linearWeightGradient: "linear_weight_gradient"
    case .batchNormBackward(let relu): relu ? "batch_norm_backward[relu]" : "batch_norm_backward"
    case .reluBackward: "relu_backward"
    case .maxPoolBackward(let pool): "max_pool_backward\(pool.text)"
    case .averagePoolBackward(let window):
      "average_pool_backward" + (window.map { "[by \($0)x\($0)]" } ?? "")
    case .depthToSpace: "depth_to_space[2x2]"
    case .subsampleBackward(let stride): "subsample_backward[s\(stride)]"
    case .spatialDeviationBackward: "spatial_deviation_backward"
    case .accumulate: "accumulate"
    case .channelScores(let criterion): "channel_scores[\(criterion.rawValue)]"
    case .update(.sgd(let momentum, let weightDecay, let nesterov)):
      "sgd[momentum \(momentum) decay \(weightDecay)\(nesterov ? " nesterov" : "")]"
    case .update(.adam(let beta1, let beta2, let epsilon, let weightDecay)):
      "adam[beta1 \(beta1) beta2 \(beta2) epsilon \(epsilon) decay \(weightDecay)]"
    }
  }
}

extension Convolution {
  fileprivate var text: String {
    "[\(kernelSize)x\(kernelSize) s\(stride) p\(padding) \(algorithm.rawValue)\(relu ? " relu" : "")]"
  }
}

extension MaxPool {
  fileprivate var text: String { "[\(window)x\(window) s\(stride) p\(padding)]" }
}
