package import GraphIR

/// One step of compilation: a graph in, a graph out. Never fails on a checked spec: what a user can get wrong is found
/// before, by lowering.
package protocol Pass: Sendable {
  /// As `strata ir --after NAME` takes it.
  static var name: String { get }
  func run(_ graph: Graph) -> Graph
}

/// Runs passes one after another, verifies after each, and keeps the graph that a reader asked for.
package struct PassPipeline {
  /// What the passes started from.
  package let first: Graph
  package private(set) var graph: Graph
  /// The graph after each pass so far, in order; kept only on request, since graphs of deep networks are large.
  package private(set) var snapshots: [(pass: String, graph: Graph)] = []
  package let keepsSnapshots: Bool

  package init(_ graph: Graph, keepsSnapshots: Bool = false) {
    first = graph
    self.graph = graph
    self.keepsSnapshots = keepsSnapshots
    Self.verify(graph, after: "lowering")
  }

  package mutating func run(_ pass: some Pass) {
    graph = pass.run(graph)
    Self.verify(graph, after: type(of: pass).name)
    if keepsSnapshots { snapshots.append((type(of: pass).name, graph)) }
  }

  private static func verify(_ graph: Graph, after pass: String) {
    do {
      try GraphVerifier(graph).verify()
    } catch {
      preconditionFailure("the graph is malformed after '\(pass)': \(error)")
    }
  }
}
