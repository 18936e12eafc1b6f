internal import CostModel
package import GraphIR
package import Operators

/// Computes some convolutions by im2col instead of Winograd, where im2col works in less memory. Slower, and rounded otherwise.
///
/// Which ones is decided once for a plan, not for each program: features come to the same bits whether they are made of
/// images or of the features before them, and what is computed again to those of the first time.
package struct SmallScratch: Pass {
  package static let name = "small-scratch"

  private let places: Set<ConvolutionPlace>

  /// - Parameter places: see `places(in:largestTotal:workers:)`.
  package init(_ places: Set<ConvolutionPlace>) {
    self.places = places
  }

  package func run(_ graph: Graph) -> Graph {
    var result = graph
    for (index, node) in graph.nodes.enumerated() {
      guard let place = node.convolutionPlace(in: graph), places.contains(place),
        let smaller = node.withIm2col
      else { continue }
      result.nodes[index] = smaller
    }
    return result
  }

  /// Convolutions during which a program needs more than it may, and which im2col computes in less memory.
  ///
  /// - Parameters:
  ///   - largestTotal: bytes that batch, activations, gradients and scratch may take at any node.
  ///   - workers: that scratch is counted for.
  package static func places(
    in graph: Graph, largestTotal: Int, workers: Int
  ) -> Set<ConvolutionPlace> {
    let live = LiveBytes(graph, workers: workers)
    var places: Set<ConvolutionPlace> = []
    for (index, node) in graph.nodes.enumerated() where live.byNode[index] > largestTotal {
      guard let place = node.convolutionPlace(in: graph), let smaller = node.withIm2col,
        smaller.scratch(in: graph).byteCount(workers: workers)
          < node.scratch(in: graph).byteCount(workers: workers)
      else { continue }
      places.insert(place)
    }
    return places
  }
}

extension Node {
  /// A convolution of any direction by the algorithm that has the least working memory; nil for what has no other.
  fileprivate var withIm2col: Node? {
    guard let definition = convolutionOperator else { return nil }
    switch definition.convolution.algorithm {
    case .im2col, .pointwise: return nil
    case .winograd2x2, .winograd4x4:
      var node = self
      node.op = definition.computed(by: .im2col)
      return node
    }
  }
}
