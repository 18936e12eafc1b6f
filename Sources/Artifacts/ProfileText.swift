package import Execution
internal import GraphIR
package import Planning
package import Text

/// A measured step for people and programs: operations by time, and by module.
package struct ProfileText {
  /// One operation of one module, all its nodes together.
  private struct Row {
    var module: Int
    var operation: String
    var seconds = 0.0
    /// By the machine's profile, where there is one.
    var foreseen = 0.0
    var multiplyAdds = 0
    var count = 0
  }

  private let rows: [Row]
  private let preparation: Double
  private let hasForesight: Bool

  /// - Parameter model: nil where the machine was never measured.
  package init(_ profile: StepProfile, of program: Program, model: TimeModel? = nil) {
    hasForesight = model != nil
    var rows: [Row] = []
    for (index, node) in program.graph.nodes.enumerated() {
      let operation = "\(node.part.rawValue): \(node.op.text)"
      let place = rows.firstIndex { $0.module == node.module && $0.operation == operation }
      if place == nil { rows.append(Row(module: node.module, operation: operation)) }
      let row = place ?? rows.count - 1
      rows[row].seconds += profile.seconds(ofNode: index)
      rows[row].foreseen += model?.seconds(ofNode: index, of: program) ?? 0
      rows[row].multiplyAdds += node.productMultiplyAdds(in: program.graph)
      rows[row].count += 1
    }
    self.rows = rows.sorted { $0.seconds > $1.seconds }
    preparation = profile.preparation
  }

  private var total: Double { rows.map(\.seconds).reduce(preparation, +) }

  package func text(_ style: TextStyle) -> String {
    var table = Table(
      [
        .right("module"), .left("operation"), .right("nodes"), .right("ms"), .right("share"),
        .right("GFLOP/s"),
      ] + (hasForesight ? [.right("foreseen ms")] : []))
    func add(_ cells: [String], foreseen: String = "") {
      table.add(cells + (hasForesight ? [foreseen] : []))
    }
    for row in rows {
      let rate =
        row.multiplyAdds == 0 ? "" : fixed(2e-9 * Double(row.multiplyAdds) / row.seconds, decimals: 0)
      add(
        [
          "\(row.module)", row.operation, "\(row.count)", fixed(row.seconds * 1000, decimals: 2),
          percentage(row.seconds / total), rate,
        ], foreseen: fixed(row.foreseen * 1000, decimals: 2))
    }
    add([
      "", "preparing the batch", "", fixed(preparation * 1000, decimals: 2), percentage(preparation / total),
      "",
    ])
    table.addRule()
    add(["", "step", "", fixed(total * 1000, decimals: 2), "", ""])
    return table.text(style)
  }

  package var json: JSON {
    .array(
      rows.map { row in
        [
          "module": .integer(row.module), "operation": .string(row.operation), "nodes": .integer(row.count),
          "seconds": .number(row.seconds), "macs": .integer(row.multiplyAdds),
          "plannedSeconds": hasForesight ? .number(row.foreseen) : .null,
        ]
      })
  }
}
