internal import GraphIR

extension Plan {
  /// The place of every value and every node's scratch, a line each, in order: what `strata show --layout` lists and a
  /// plan file's `layoutSha256` is taken over.
  package var layoutText: String {
    var text = ""
    forEachLayoutLine { text += $0 + "\n" }
    return text
  }

  /// The same line by line: the lines of many stages take more memory than the plan.
  package func forEachLayoutLine(_ body: (String) -> Void) {
    for id in programIDs { program(id).forEachLayoutLine(title: id.title, body) }
    for rank in ranks?.ranks ?? [] {
      for (role, program) in rank.stage.programs.all {
        program.forEachLayoutLine(title: "rank \(rank.rank) \(role.words)", body)
      }
    }
  }
}

extension Program {
  fileprivate func forEachLayoutLine(title: String, _ body: (String) -> Void) {
    body("\(title): \(arenaBytes) bytes")
    if let features { body("  \(features.lowerBound) +\(features.count) features of all images") }
    for (index, value) in graph.values.enumerated() {
      body("  \(offsets[index]) +\(value.type.byteCount) %\(index) \(value.category.rawValue) \(value.name)")
    }
    for node in graph.nodes.indices {
      guard let bytes = scratch(ofNode: node) else { continue }
      body("  \(bytes.lowerBound) +\(bytes.count) workspace of node \(node)")
    }
  }
}
