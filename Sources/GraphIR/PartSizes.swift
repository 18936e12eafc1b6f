/// What a module's layers, or its classifier, come to.
package struct PartSizes: Hashable, Sendable {
  package var parameters = 0
  /// Forward, one image.
  package var multiplyAdds = 0

  package init() {}

  package static func += (sizes: inout PartSizes, more: PartSizes) {
    sizes.parameters += more.parameters
    sizes.multiplyAdds += more.multiplyAdds
  }
}

extension Node {
  func sizes(in graph: Graph) -> PartSizes {
    var sizes = PartSizes()
    for operand in operands where graph[operand].category == .parameter {
      sizes.parameters += graph[operand].type.elementCount
    }
    sizes.multiplyAdds = multiplyAddsPerImage(in: graph)
    return sizes
  }
}

extension Graph {
  /// Of a forward graph, by module from 1 at index 0.
  package func sizes(of part: Part) -> [PartSizes] {
    var all = [PartSizes](repeating: PartSizes(), count: moduleCount)
    for node in nodes where node.module > 0 && node.part == part {
      all[node.module - 1] += node.sizes(in: self)
    }
    return all
  }
}
