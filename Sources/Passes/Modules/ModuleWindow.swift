package import GraphIR

extension Graph {
  /// Some of a network's modules as a network of their own, whose images are what the module before them outputs. The first of
  /// them is module 1. Names and places of the spec are left out, so that equal stretches of a network are equal.
  ///
  /// - Parameters:
  ///   - ranges: nodes of each of this network's modules.
  /// - Returns: nil where the modules read what comes from others than that one.
  package func window(_ modules: ClosedRange<Int>, nodes ranges: [Range<Int>]) -> Graph? {
    let before = modules.lowerBound - 1
    let input = before == 0 ? images : moduleOutputs[before - 1]
    func bare(_ id: ValueID) -> Value {
      var value = self[id]
      value.name = ""
      value.module = max(0, value.module - before)
      return value
    }
    var batch = bare(input)
    batch.category = .batch
    batch.module = 0
    var window = Graph(images: batch, labels: bare(labels))
    var moved = [input: window.images, labels: window.labels]
    for node in nodes[ranges[modules.lowerBound - 1].lowerBound..<ranges[modules.upperBound - 1].upperBound] {
      var node = node
      for id in node.operands where moved[id] == nil {
        switch self[id].category {
        case .parameter, .statistics: moved[id] = window.addValue(bare(id))
        case .batch, .gradient, .optimizer, .replay, .accumulator, .activation: return nil
        }
      }
      for id in node.results { moved[id] = window.addValue(bare(id)) }
      node.operands = node.operands.compactMap { moved[$0] }
      node.results = node.results.compactMap { moved[$0] }
      node.module -= before
      node.item = 0
      node.origin = nodes[0].origin
      window.nodes.append(node)
    }
    for module in modules {
      guard let output = moved[moduleOutputs[module - 1]] else { return nil }
      window.moduleOutputs.append(output)
    }
    for metric in metrics where modules.contains(metric.module) {
      guard let value = moved[metric.value], let logits = moved[metric.logits] else { return nil }
      window.metrics.append(
        Metric(module: metric.module - before, isEnsemble: metric.isEnsemble, value: value, logits: logits))
    }
    return window
  }
}
