package import GraphIR
internal import Operators

/// Offsets of what outlives a run of a program. Parameters and statistics lie in order of modules, so that a stage which trains
/// module m needs only what lies before module m + 1; optimizer state of the stage's modules follows behind, in the order of
/// its parameters: not in that of updates, which depends on what is computed again, and so on the number of threads.
package struct ResidentLayout: Sendable {
  package struct Entry: Hashable, Sendable {
    package var value: Value
    package var offset: Int
  }

  package private(set) var entries: [Entry] = []
  private var indexByName: [String: Int] = [:]
  private var end = 0
  /// The first module that has a place.
  private var firstModule = 1
  /// By module from there on: where its parameters and statistics end, and what lies as far as there.
  private var moduleEnds: [Int] = []
  private var moduleBreakdowns: [MemoryBreakdown] = []

  /// Parameters and statistics of a run of modules.
  ///
  /// - Parameter modules: nil: all of them.
  package init(network graph: Graph, modules: ClosedRange<Int>? = nil) {
    let modules = modules ?? 1...graph.moduleCount
    firstModule = modules.lowerBound
    var byModule = [[Value]](repeating: [], count: graph.moduleCount + 1)
    for value in graph.values {
      switch value.category {
      case .parameter, .statistics: byModule[value.module].append(value)
      case .batch, .gradient, .optimizer, .replay, .accumulator, .activation: break
      }
    }
    var breakdown = MemoryBreakdown()
    for module in modules {
      for value in byModule[module] {
        append(value)
        breakdown[MemoryCategory(resident: value)] += paddedByteCount(value.type.byteCount)
      }
      moduleEnds.append(end)
      moduleBreakdowns.append(breakdown)
    }
  }

  /// Where what the modules up to `module` keep ends.
  func end(ofModule module: Int) -> Int { moduleEnds[module - firstModule] }

  /// Parameters and statistics of the modules up to `module`.
  func breakdown(upTo module: Int) -> MemoryBreakdown { moduleBreakdowns[module - firstModule] }

  /// The layout during a stage: modules up to `module`, and behind them what else the stage keeps from step to step:
  /// optimizer state and batches to replay, then sums of gradients.
  ///
  /// - Parameter scores: of channels, where the stage ranks any.
  func during(upTo module: Int, stateOf graph: Graph, scores: Value? = nil) -> ResidentLayout {
    var stage = self
    stage.end = end(ofModule: module)
    stage.entries = entries.filter { $0.value.module <= module }
    let network = stage.entries
    let kept = KeptByUpdates(graph)
    for entry in network {
      for state in kept.states[entry.value.name] ?? [] { stage.append(graph[state]) }
    }
    for value in graph.values where value.category == .replay { stage.append(value) }
    for entry in network {
      if let sum = kept.sums[entry.value.name] { stage.append(graph[sum]) }
    }
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

  var breakdown: MemoryBreakdown {
    entries.reduce(into: MemoryBreakdown()) { breakdown, entry in
      breakdown[MemoryCategory(resident: entry.value)] += paddedByteCount(entry.value.type.byteCount)
    }
  }
}

/// What a training program's updates keep from step to step, by the parameter that they update.
private struct KeptByUpdates {
  /// Of the optimizer.
  private(set) var states: [String: [ValueID]] = [:]
  /// Of gradients, over the pieces of a batch.
  private(set) var sums: [String: ValueID] = [:]

  init(_ graph: Graph) {
    for node in graph.nodes {
      guard node.op.is(Update.self) else { continue }
      let parameter = graph[node.operands[0]].name
      states[parameter] = Array(node.operands[2...])
      if graph[node.operands[1]].category == .accumulator { sums[parameter] = node.operands[1] }
    }
  }
}
