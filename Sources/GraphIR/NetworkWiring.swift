/// What the names and shapes of a network's tensors leave open: the steps of each layer, block and classifier, in order, without
/// channels that shapes tell. With equal tensors and steps that are equal as far as `comparable` goes two parts compute the
/// same, whatever the size of the image, the batch and the partition.
package struct NetworkWiring: Hashable, Sendable {
  /// By the name that a part's tensors begin with: `layers.2`, `blocks.1`, `stem`, `auxiliaries.1`, `head`. A classifier's first
  /// step is the part that it stands behind.
  package private(set) var steps: [String: [String]] = [:]

  private static let separator = ", "

  /// Nothing is known.
  package init() {}

  /// As `texts` gives it.
  package init(texts: [String: String]) {
    steps = texts.mapValues { $0.split(separator: Self.separator).map { String($0) } }
  }

  /// One line each part.
  package var texts: [String: String] { steps.mapValues { $0.joined(separator: Self.separator) } }

  /// - Parameter graph: forward, with its classifiers.
  package init(_ graph: Graph) {
    var layers: [(item: Int, nodes: [Node])] = []
    /// By module: where it ends.
    var lastItem: [Int: Int] = [:]
    for node in graph.nodes where node.part == .layers {
      if layers.last?.item != node.item { layers.append((node.item, [])) }
      layers[layers.count - 1].nodes.append(node)
      lastItem[node.module] = node.item
    }
    var names: [Int: String] = [:]
    for (item, nodes) in layers {
      guard let name = graph.partName(of: nodes) else { continue }
      names[item] = name
      steps[name] = nodes.flatMap { $0.op.definition.steps($0, in: graph) }
    }
    for metric in graph.metrics {
      let nodes = graph.classifierNodes(of: metric)
      guard let name = graph.partName(of: nodes), let end = lastItem[metric.module].flatMap({ names[$0] })
      else { continue }
      steps[name] = ["behind \(end)"] + Self.classifierSteps(nodes, in: graph)
    }
  }

  /// The first linear layer reads its input by channel, row and column.
  private static func classifierSteps(_ nodes: [Node], in graph: Graph) -> [String] {
    var steps: [String] = []
    var isFlat = false
    for node in nodes {
      if node.op.kind == .linear, !isFlat {
        let input = graph.shape(node.operands[0])
        steps.append("\(flattenStep)\(input.channels)x\(input.height)x\(input.width)")
        isFlat = true
      }
      steps += node.op.definition.steps(node, in: graph)
    }
    return steps
  }

  /// Whether a name is built as those of a network's tensors are.
  package static func isTensorName(_ name: String) -> Bool {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    switch words[0] {
    case "layers", "blocks", "auxiliaries": return words.count > 2 && Int(words[1]) != nil
    case "stem", "head": return words.count > 1
    default: return false
    }
  }

  /// Steps without those that depend on the size of the image alone, which files of earlier releases do not have: with the
  /// same weights behind it a classifier averages to the same size.
  package static func comparable(_ steps: [String]) -> [String] {
    steps.filter { !$0.hasPrefix(averageStep) && !$0.hasPrefix(flattenStep) }
  }

  package static let averageStep = "adaptive-average-pool "
  fileprivate static let flattenStep = "flatten "

  /// Of the layer, block or classifier that a tensor belongs to, by the tensor's name: `layers.2` of `layers.2.conv.weight`.
  package static func partName(ofTensor name: String) -> String {
    let words = name.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count > 1, Int(words[1]) != nil else { return String(words[0]) }
    return "\(words[0]).\(words[1])"
  }
}

extension Graph {
  /// The nodes that make a module's logits from what the module outputs, in order: its loss may look at more.
  package func classifierNodes(of metric: Metric) -> [Node] {
    var needed: Set<ValueID> = [metric.logits]
    var kept: [Node] = []
    for node in nodes.reversed() where node.module == metric.module && node.part == .auxiliary {
      guard node.results.contains(where: needed.contains) else { continue }
      needed.formUnion(node.operands)
      kept.append(node)
    }
    return kept.reversed()
  }

  /// Nil where none of them has a parameter.
  fileprivate func partName(of nodes: [Node]) -> String? {
    for node in nodes {
      for operand in node.operands where self[operand].category == .parameter {
        return NetworkWiring.partName(ofTensor: self[operand].name)
      }
    }
    return nil
  }
}
