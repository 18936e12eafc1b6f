internal import GraphIR
package import Planning
package import Text

extension Plan {
  /// The place of every value and every node's scratch (`strata.layout/1`), in bytes from the arena's start.
  package var layoutJSON: JSON {
    return .object([
      ("schema", "strata.layout/1"), ("name", .string(name)), ("layoutSha256", .string(layoutSHA256)),
      ("programs", .array(programIDs.map { program($0).layoutJSON(title: $0.title) })),
    ])
  }
}

extension Program {
  fileprivate func layoutJSON(title: String) -> JSON {
    let values = graph.values.enumerated().map { index, value in
      JSON.object([
        ("value", .integer(index)), ("name", .string(value.name)),
        ("category", .string(value.category.rawValue)), ("offset", .integer(offsets[index])),
        ("byteCount", .integer(value.type.byteCount)),
      ])
    }
    let workspaces = graph.nodes.indices.compactMap { node in
      scratch(ofNode: node).map { bytes in
        JSON.object([
          ("node", .integer(node)), ("offset", .integer(bytes.lowerBound)),
          ("byteCount", .integer(bytes.count)),
        ])
      }
    }
    return .object([
      ("title", .string(title)), ("arenaBytes", .integer(arenaBytes)),
      (
        "features",
        .optional(features) {
          .object([("offset", .integer($0.lowerBound)), ("byteCount", .integer($0.count))])
        }
      ), ("values", .array(values)),
      ("workspaces", .array(workspaces)),
    ])
  }
}
