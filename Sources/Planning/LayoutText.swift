internal import GraphIR

extension Plan {
  /// The place of every value and every node's scratch, a line each, in order: what `strata show --layout` lists and a
  /// plan file's `layoutSha256` is taken over.
  package var layoutText: String {
    var lines: [String] = []
    for stage in stages {
      lines += stage.training.layoutLines(title: "stage \(stage.index) training")
      if let feeding = stage.feeding { lines += feeding.layoutLines(title: "stage \(stage.index) feeding") }
      if let narrowing = stage.narrowing {
        lines += narrowing.ranking.layoutLines(title: "stage \(stage.index) ranking")
      }
      lines += stage.evaluation.layoutLines(title: "stage \(stage.index) evaluation")
      if let all = stage.depthEvaluation {
        lines += all.layoutLines(title: "stage \(stage.index) evaluation of all depths")
      }
      if let features = stage.features {
        lines += features.fromPictures.layoutLines(title: "stage \(stage.index) features")
        lines +=
          features.fromPrevious?.layoutLines(
            title: "stage \(stage.index) features from those of the stage before") ?? []
      }
    }
    lines += evaluation.layoutLines(title: "evaluation")
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Program {
  fileprivate func layoutLines(title: String) -> [String] {
    var lines = ["\(title): \(arenaBytes) bytes"]
    if let features { lines.append("  \(features.lowerBound) +\(features.count) features of all pictures") }
    for (index, value) in graph.values.enumerated() {
      lines.append(
        "  \(offsets[index]) +\(value.type.byteCount) %\(index) \(value.category.rawValue) \(value.name)")
    }
    for node in graph.nodes.indices {
      guard let bytes = scratch(ofNode: node) else { continue }
      lines.append("  \(bytes.lowerBound) +\(bytes.count) workspace of node \(node)")
    }
    return lines
  }
}
