package import CostModel
package import GraphIR

/// Which of a network's products a convolution's node forms, over how many images. Equal for all nodes that form the same one:
/// in other programs of a plan, and where it is formed once more.
package struct ConvolutionPlace: Hashable, Sendable {
  package var module: Int
  package var part: Part
  package var item: Int
  package var operation: ConvolutionOperation
  /// With the batch. What one block has twice of one size is one place.
  package var geometry: ConvolutionGeometry
}

extension Node {
  /// Nil for what is no convolution of any direction.
  package var convolutionOperator: (any ConvolutionOperator)? {
    op.definition as? any ConvolutionOperator
  }

  /// Nil for what is no convolution.
  package func convolutionPlace(in graph: Graph) -> ConvolutionPlace? {
    convolutionOperator.map { definition in
      ConvolutionPlace(
        module: module, part: part, item: item, operation: type(of: definition).operation,
        geometry: definition.geometry(self, in: graph, batch: graph.batch))
    }
  }
}
