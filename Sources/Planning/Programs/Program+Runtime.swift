package import CostModel
package import GraphIR
internal import Operators

extension Graph {
  /// What the process needs beside the arena to keep the graph's program and to run it.
  package var runtime: RuntimeMemory {
    RuntimeMemory(
      nodes: nodes.count, values: values.count,
      isRanking: nodes.contains { $0.op.is(ChannelScores.self) },
      productBufferBytes: nodes.map { $0.op.definition.productBufferBytes($0, in: self) }.max() ?? 0)
  }
}

extension Program {
  /// What the process needs beside the arena to keep the program and to run it.
  package var runtime: RuntimeMemory { graph.runtime }
}

extension Plan {
  /// What the process needs beside the arena to keep all the plan's programs, and to run them.
  package var runtime: RuntimeMemory {
    stages.flatMap(\.programs.allElements).reduce(into: evaluation.runtime) { $0.formUnion($1.runtime) }
  }

  /// The largest resident set of a process that runs this plan and keeps another one, of the same data.
  package func peakBytes(beside other: Plan) -> Int {
    arenaBytes + memory.dataBytes + runtime.beside(other.runtime).byteCount(threads: threads)
  }
}
