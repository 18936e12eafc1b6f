/// Types of a node's operands and results, and the relations between types that definitions of operations are made of. Each relation is nil
/// where it holds, and says what is wrong elsewhere.
package struct OperandTypes {
  package let inputs: [TensorType]
  package let outputs: [TensorType]

  package init(inputs: [TensorType], outputs: [TensorType]) {
    self.inputs = inputs
    self.outputs = outputs
  }

  package func images(
    _ x: TensorType, _ y: TensorType, _ relation: (Shape, Shape) -> Bool
  ) -> String? {
    guard let xShape = x.activation, let yShape = y.activation else { return "works on images" }
    return relation(xShape, yShape) ? nil : "\(xShape) does not go with \(yShape)"
  }

  package func perChannel(_ x: TensorType, _ vectors: [TensorType]) -> String? {
    guard let shape = x.activation else { return "works on images" }
    return vectors.allSatisfy { $0 == .vector(shape.channels) } ? nil : "needs vectors of \(shape.channels)"
  }

  package func same(_ types: [TensorType]) -> String? {
    types.allSatisfy { $0 == types[0] } ? nil : "types differ: \(types)"
  }

  /// Of the third operand, where there is one.
  package func bias(of channels: Int) -> String? {
    inputs.count < 3 || inputs[2] == .vector(channels) ? nil : "the bias is \(inputs[2])"
  }
}

extension TensorType {
  /// The extents of images, activations or gradients of them, of an element type that kernels compute with; nil for all else.
  package var activation: Shape? {
    switch (element, extent) {
    case (.float32, .images(let shape)): shape
    case (_, _): nil
    }
  }
}
