package import CostModel

package enum Phase: String, Hashable, Sendable, CaseIterable {
  case forward, backward, update
}

/// All that the compiler asks about one operation. The value holds the operation's attributes; operands and results are the
/// node's. A family of operations is one file of definitions; verifier, printer, passes, planner and time model ask members, and none
/// of them lists operations.
///
/// No member has a default here, so that a definition can't forget one. What is the same in a whole family (backward passes
/// have no gradient; elementwise operations need no scratch) stands in the protocols that refine this one.
package protocol OperatorDefinition: Hashable, Sendable {
  static var kind: OperatorKind { get }

  // MARK: Text

  /// Name and attributes, as `strata ir` prints them; the name ends at the first `[`.
  var text: String { get }
  /// What a forward operation does to shapes, for people: `conv 3x3 128 /2`; nil for what changes no shape, and for losses.
  func words(_ node: Node, in graph: Graph) -> String?
  /// Of a network's forward graph, for `NetworkWiring`; a fused activation is a step of its own. None for averaging in front of a
  /// classifier, whose size the weights behind it have, and for losses.
  func steps(_ node: Node, in graph: Graph) -> [String]

  // MARK: Signature

  var operandCounts: ClosedRange<Int> { get }
  var resultCounts: ClosedRange<Int> { get }
  /// How types of operands and results fail to go together; nil where they do. Their numbers fit.
  func fault(_ types: OperandTypes) -> String?
  var phase: Phase { get }

  // MARK: Memory

  /// Operands that the operation changes in place and that stay (unlike an overwritten activation).
  var mutatedOperands: [Int] { get }
  /// Operands over which the kernel may write its first result, best first.
  func overwritableOperands(_ node: Node, in graph: Graph) -> [Int]
  /// Working memory of the kernel.
  func scratch(_ node: Node, in graph: Graph) -> Scratch
  /// What each thread touches of the buffer of the library that multiplies matrices.
  func productBufferBytes(_ node: Node, in graph: Graph) -> Int

  // MARK: Work

  /// Multiply-adds of a convolution or fully connected layer, forward, for one image, padding included; zero for
  /// everything else.
  func multiplyAddsPerImage(_ node: Node, in graph: Graph) -> Int
  /// Multiply-adds of the node's product over so many images, in whatever direction; zero for what is no such product.
  func productMultiplyAdds(_ node: Node, in graph: Graph, batch: Int) -> Int
  /// What one run of the kernel does at least.
  ///
  /// - Parameters:
  ///   - batch: images at hand.
  ///   - isLastPiece: of a step's batch: only then weights move.
  func executedWork(_ node: Node, in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork
  /// What the kernel does, for the time model.
  func work(_ node: Node, in graph: Graph) -> [Work]
  /// Of a batch that passes in pieces the last one alone has it run.
  var runsWithLastPieceAlone: Bool { get }

  // MARK: Transformations

  /// The node as training runs it, with the further results that backward nodes read.
  func saving(_ node: Node, in builder: inout GradientBuilder) -> Node
  /// Appends the node's backward pass.
  ///
  /// - Parameter outer: the gradient of the first result.
  func differentiate(_ node: Node, _ outer: ValueID, in builder: inout GradientBuilder)
  /// The node as it computes its first result a second time, and nothing else; nil where it can't.
  func recomputed(_ node: Node) -> Node?
  /// With running statistics in place of the batch's.
  var asInference: Op { get }
  /// The operation with an activation behind it, in the same sweep over memory; nil where the kernel has no such form.
  func fused(with activation: Activation) -> Op?
  /// What becomes of a change of the input's channels; nil where no layer of a network is such an operation.
  var channelFlow: ChannelFlow? { get }
  /// A constant that is added to every element of a channel of operand 0 does not change the result.
  var absorbsConstant: Bool { get }
}

/// What an operation makes of channels that its input has lost.
package enum ChannelFlow: Hashable, Sendable {
  /// The result has lost them as well.
  case passes
  /// The result has lost them as well, and so have the vectors among the operands.
  case passesWithVectors
  /// The weight (operand 1) reads fewer channels; the result is as it was.
  case ends
}

/// An operation of a graph, whatever its definition.
package struct Op: Hashable, Sendable {
  package let definition: any OperatorDefinition

  package init(_ definition: any OperatorDefinition) {
    self.definition = definition
  }

  /// The definition, where it is of that type.
  package func `as`<Definition: OperatorDefinition>(_ type: Definition.Type) -> Definition? {
    definition as? Definition
  }

  package func `is`<Definition: OperatorDefinition>(_ type: Definition.Type) -> Bool {
    definition is Definition
  }

  package static func == (a: Op, b: Op) -> Bool { a.definition.isEqual(to: b.definition) }
  package func hash(into hasher: inout Hasher) { definition.hash(into: &hasher) }

  package var kind: OperatorKind { type(of: definition).kind }
  package var text: String { definition.text }
  package var phase: Phase { definition.phase }
  package var mutatedOperands: [Int] { definition.mutatedOperands }
  package var runsWithLastPieceAlone: Bool { definition.runsWithLastPieceAlone }
}

extension OperatorDefinition {
  fileprivate func isEqual(to other: any OperatorDefinition) -> Bool { (other as? Self) == self }
}

/// What a node's kernel does at least: the products that its algorithm forms, and the bytes that it moves.
package struct ExecutedWork: Hashable, Sendable {
  /// Zero for all that multiplies no matrices.
  package var multiplyAdds: Int
  /// If every operand is read once and every result written once. Zero for convolutions and fully connected layers, which
  /// products alone bound.
  package var byteCount: Int

  package init(multiplyAdds: Int = 0, byteCount: Int = 0) {
    self.multiplyAdds = multiplyAdds
    self.byteCount = byteCount
  }
}

extension Node {
  /// Operands over which the kernel may write the first result, best first.
  package func overwritableOperands(in graph: Graph) -> [Int] {
    op.definition.overwritableOperands(self, in: graph)
  }

  /// Operands and results, what changes in place twice: if everything is read once and written once.
  package func movedBytes(in graph: Graph, batch: Int) -> Int {
    func bytes(_ id: ValueID) -> Int { graph[id].type.byteCount(images: batch) }
    return operands.reduce(0) { $0 + bytes($1) } + results.reduce(0) { $0 + bytes($1) }
      + op.mutatedOperands.reduce(0) { $0 + bytes(operands[$1]) }
  }

  /// Operands and results over the whole batch, once.
  package func touchedBytes(in graph: Graph) -> Int {
    (operands + results).reduce(0) { $0 + graph[$1].type.byteCount }
  }

  package func scratch(in graph: Graph) -> Scratch { op.definition.scratch(self, in: graph) }

  package func multiplyAddsPerImage(in graph: Graph) -> Int {
    op.definition.multiplyAddsPerImage(self, in: graph)
  }

  /// Multiply-adds of the node's product over the whole batch, in whatever direction; what its speed is measured by.
  package func productMultiplyAdds(in graph: Graph) -> Int {
    productMultiplyAdds(in: graph, batch: graph.batch)
  }

  package func productMultiplyAdds(in graph: Graph, batch: Int) -> Int {
    op.definition.productMultiplyAdds(self, in: graph, batch: batch)
  }

  package func executedWork(in graph: Graph, batch: Int, isLastPiece: Bool) -> ExecutedWork {
    op.definition.executedWork(self, in: graph, batch: batch, isLastPiece: isLastPiece)
  }

  package func work(in graph: Graph) -> [Work] { op.definition.work(self, in: graph) }

  /// The node with running statistics in place of the batch's.
  package var asInference: Node {
    var node = self
    node.op = op.definition.asInference
    return node
  }
}
