package import GraphIR
internal import Operators

/// Ties a group of modules to its neighbours on other ranks: what the module before it outputs comes out of receive buffers, and
/// what its last module outputs goes into send buffers, right behind that module's layers. Runs on a stage that begins with the
/// group.
package struct RankLinks: Pass {
  package static let name = "ranks"

  private let modules: ClosedRange<Int>
  private let output: ValueID?
  /// Batches that each end of a link holds.
  private let buffers: Int

  /// - Parameter output: what the last module passes on; nil: there is no rank behind it.
  package init(modules: ClosedRange<Int>, output: ValueID?, buffers: Int) {
    self.modules = modules
    self.output = output
    self.buffers = buffers
  }

  package func run(_ graph: Graph) -> Graph {
    var linked = graph
    if modules.lowerBound > 1, let first = graph.nodes.first {
      let ring = buffers(
        named: "receive", module: modules.lowerBound - 1, features: graph.images, labels: graph.labels,
        in: &linked)
      var node = first
      node.op = Op(RingRead(.rank))
      node.operands = ring
      node.results = [graph.images, graph.labels]
      node.part = .layers
      node.isDetached = false
      for (batch, name) in [(graph.images, "received"), (graph.labels, "received_labels")] {
        linked[batch].category = .activation
        linked[batch].name = name
        linked[batch].module = modules.lowerBound
      }
      linked.nodes.insert(node, at: 0)
    }
    guard let output,
      let last = linked.nodes.lastIndex(where: { $0.module == modules.upperBound && $0.part == .layers })
    else { return linked }
    let ring = buffers(
      named: "send", module: modules.upperBound, features: output, labels: graph.labels, in: &linked)
    var node = linked.nodes[last]
    node.op = Op(RingWrite(.rank))
    node.operands = [output, graph.labels] + ring
    node.results = []
    node.isDetached = false
    linked.nodes.insert(node, at: last + 1)
    return linked
  }

  /// Of features and of labels.
  private func buffers(
    named name: String, module: Int, features: ValueID, labels: ValueID, in graph: inout Graph
  ) -> [ValueID] {
    var shape = graph.shape(features)
    shape.batch *= buffers
    return [("features", TensorType.images(shape)), ("labels", .labels(batch: shape.batch))].map {
      graph.addValue(
        Value(name: "\(name).\(module).\($0)", type: $1, category: .replay, module: module))
    }
  }
}
