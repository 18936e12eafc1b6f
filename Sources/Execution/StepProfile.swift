internal import GraphIR
package import Planning

/// Where the time of a program's steps goes.
package struct StepProfile: Sendable {
  /// Sums over the steps, one a node of the program.
  package internal(set) var nodeSeconds: [Double]
  /// Sum over the steps of what lies outside the nodes: preparing the batch.
  package internal(set) var preparationSeconds = 0.0
  package internal(set) var stepCount = 0

  package init(_ program: Program) {
    nodeSeconds = [Double](repeating: 0, count: program.graph.nodes.count)
  }

  /// Seconds a step.
  package func seconds(ofNode node: Int) -> Double { nodeSeconds[node] / Double(max(1, stepCount)) }
  package var preparation: Double { preparationSeconds / Double(max(1, stepCount)) }
}
