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
    for stage in stages {
      stage.training.forEachLayoutLine(title: "stage \(stage.index) training", body)
      stage.feeding?.forEachLayoutLine(title: "stage \(stage.index) feeding", body)
      stage.narrowing?.ranking.forEachLayoutLine(title: "stage \(stage.index) ranking", body)
      stage.evaluation.forEachLayoutLine(title: "stage \(stage.index) evaluation", body)
      stage.depthEvaluation?.forEachLayoutLine(title: "stage \(stage.index) evaluation of all depths", body)
      stage.features?.fromPictures.forEachLayoutLine(title: "stage \(stage.index) features", body)
      stage.features?.fromPrevious?.forEachLayoutLine(
        title: "stage \(stage.index) features from those of the stage before", body)
    }
    evaluation.forEachLayoutLine(title: "evaluation", body)
  }
}

extension Program {
  fileprivate func forEachLayoutLine(title: String, _ body: (String) -> Void) {
    body("\(title): \(arenaBytes) bytes")
    if let features { body("  \(features.lowerBound) +\(features.count) features of all pictures") }
    for (index, value) in graph.values.enumerated() {
      body("  \(offsets[index]) +\(value.type.byteCount) %\(index) \(value.category.rawValue) \(value.name)")
    }
    for node in graph.nodes.indices {
      guard let bytes = scratch(ofNode: node) else { continue }
      body("  \(bytes.lowerBound) +\(bytes.count) workspace of node \(node)")
    }
  }
}
