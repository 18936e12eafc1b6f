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
      lines.append("outputs: " + graph.moduleOutputs.map(name).joined(separator: ", "))
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
