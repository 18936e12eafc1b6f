package import GraphIR

/// Offsets of what outlives a run of a program. Parameters and statistics lie in order of modules, so that a stage which trains
/// module m needs only what lies before module m + 1; optimizer state of the stage's modules follows behind.
package struct ResidentLayout: Sendable {
  package struct Entry: Hashable, Sendable {
    package var value: Value
    package var offset: Int
  }

  package private(set) var entries: [Entry] = []
  private var indexByName: [String: Int] = [:]
  private var end = 0
  /// By module from 1: where its parameters and statistics end.
  private var moduleEnds: [Int] = []

  /// Parameters and statistics of all modules.
  package init(network graph: Graph) {
    for module in 1...graph.moduleCount {
      for value in graph.values where value.module == module {
        switch value.category {
        case .parameter, .statistics: append(value)
        case .batch, .gradient, .optimizer, .replay, .accumulator, .activation: break
        }
      }
      moduleEnds.append(end)
    }
  }

  /// Where what the modules up to `module` keep ends.
  func end(ofModule module: Int) -> Int { moduleEnds[module - 1] }

  /// The layout during a stage: modules up to `module`, and behind them what else the stage keeps from step to step:
  /// optimizer state and batches to replay, then sums of gradients.
  ///
  /// - Parameter scores: of channels, where the stage ranks any.
  func during(upTo module: Int, stateOf graph: Graph, scores: Value? = nil) -> ResidentLayout {
    var stage = self
    stage.end = end(ofModule: module)
    stage.entries = entries.filter { $0.value.module <= module }
    for value in graph.values where value.category == .optimizer || value.category == .replay {
      stage.append(value)
    }
    for value in graph.values where value.category == .accumulator { stage.append(value) }
    if let scores { stage.append(scores) }
    return stage
  }

  var endOffset: Int { end }

  /// Of parameters and statistics of all modules, and whatever follows them.
  package var byteCount: Int { end }

  private mutating func append(_ value: Value) {
    precondition(
      indexByName[value.name].map { $0 >= entries.count } ?? true, "'\(value.name)' is laid out twice")
    indexByName[value.name] = entries.count
    entries.append(Entry(value: value, offset: end))
    end += paddedByteCount(value.type.byteCount)
  }

  func offset(of name: String) -> Int { entry(name).offset }

  /// Traps where there is none.
  package func entry(_ name: String) -> Entry {
    guard let index = indexByName[name], index < entries.count, entries[index].value.name == name else {
      preconditionFailure("'\(name)' has no place")
    }
    return entries[index]
  }

  /// What lies below `limit`, by category.
  func breakdown(below limit: Int) -> MemoryBreakdown {
    var breakdown = MemoryBreakdown()
    for entry in entries where entry.offset < limit {
      let byteCount = paddedByteCount(entry.value.type.byteCount)
      switch entry.value.category {
      case .parameter: breakdown[.parameter] += byteCount
      case .statistics: breakdown[.statistics] += byteCount
      case .optimizer: breakdown[.optimizer] += byteCount
      case .replay:
        switch entry.value.type {
        case .labels: breakdown[.batch] += byteCount
        case .pictures, .filter, .matrix, .vector, .windowIndices, .metrics:
          breakdown[.activation] += byteCount
        }
      case .accumulator: breakdown[.gradient] += byteCount
      case .batch, .gradient, .activation: preconditionFailure("not resident")
      }
    }
    return breakdown
  }
}
