package import CostModel
package import GraphIR
package import Operators

/// What the forward graph of a network is made of, before anything is fused: what every exporter has a form for.
package enum ForwardOperation {
  case convolution(Convolution)
  case linear(Linear)
  case batchNorm
  case activate(Activation)
  case add
  case maxPool(MaxPool)
  /// 2x2 windows beside each other.
  case halvingAverage
  case adaptiveAverage(height: Int, width: Int)
  case fold
  case zeroPad(stride: Int, channels: Int)
  case ensemble(Ensemble)

  package init(_ node: Node) {
    let definition = node.op.definition
    switch definition {
    case let convolution as Convolution: self = .convolution(convolution)
    case let linear as Linear: self = .linear(linear)
    case is BatchNorm: self = .batchNorm
    case let activate as Activate: self = .activate(activate.activation)
    case is Addition: self = .add
    case let pool as MaxPool: self = .maxPool(pool)
    case let average as AveragePool:
      self =
        average.window == nil
        ? .adaptiveAverage(height: average.height, width: average.width) : .halvingAverage
    case is SpaceToDepth: self = .fold
    case let subsample as Subsample: self = .zeroPad(stride: subsample.stride, channels: subsample.channels)
    case let ensemble as Ensemble: self = .ensemble(ensemble)
    default: preconditionFailure("\(node.op.text) is in no network's forward graph")
    }
  }
}

/// What an exported network says of itself, and how its input is made.
package struct ExportedModel {
  package let name: String
  /// Forward, before fusion; its one output is logits.
  package let graph: Graph
  package let input: (channels: Int, height: Int, width: Int)
  package let pixelScale: Int
  package let mean, standardDeviation: [Float]
  package let classNames: [String]
  /// Whether pixels come as they are stored, and are normalised inside.
  package let normalizes: Bool
  /// Whether answers are probabilities instead of logits.
  package let endsInSoftmax: Bool

  package init(
    name: String, graph: Graph, input: (channels: Int, height: Int, width: Int), pixelScale: Int,
    mean: [Float],
    standardDeviation: [Float], classNames: [String], normalizes: Bool, endsInSoftmax: Bool
  ) {
    self.name = name
    self.graph = graph
    self.input = input
    self.pixelScale = pixelScale
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.classNames = classNames
    self.normalizes = normalizes
    self.endsInSoftmax = endsInSoftmax
  }

  var logits: ValueID { graph.moduleOutputs[0] }
  var outputName: String { endsInSoftmax ? "probabilities" : "logits" }
  /// Whether there is anything to do to pixels.
  var changesPixels: Bool {
    normalizes && (pixelScale != 1 || mean.contains { $0 != 0 } || standardDeviation.contains { $0 != 1 })
  }

  /// Tensors of the file that the graph reads, in order of their first use.
  package var tensorNames: [String] {
    var names: [String] = []
    var seen: Set<ValueID> = []
    for node in graph.nodes {
      for operand in node.operands {
        switch graph[operand].category {
        case .parameter, .statistics:
          if seen.insert(operand).inserted { names.append(graph[operand].name) }
        case .batch, .gradient, .optimizer, .activation, .replay, .accumulator: continue
        }
      }
    }
    return names
  }
}
