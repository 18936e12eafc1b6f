internal import GraphIR
package import Planning
package import Text

extension Plan {
  /// The place of every value and every node's scratch (`strata.layout/1`), in bytes from the arena's start.
  package var layoutJSON: JSON {
    var programs: [JSON] = []
    for stage in stages {
      programs.append(stage.training.layoutJSON(title: "stage \(stage.index) training"))
      if let feeding = stage.feeding {
        programs.append(feeding.layoutJSON(title: "stage \(stage.index) feeding"))
      }
      if let narrowing = stage.narrowing {
        programs.append(narrowing.ranking.layoutJSON(title: "stage \(stage.index) ranking"))
      }
      programs.append(stage.evaluation.layoutJSON(title: "stage \(stage.index) evaluation"))
      if let all = stage.depthEvaluation {
        programs.append(all.layoutJSON(title: "stage \(stage.index) evaluation of all depths"))
      }
      for program in stage.features?.programs ?? [] {
        programs.append(program.layoutJSON(title: "stage \(stage.index) features"))
      }
    }
    programs.append(evaluation.layoutJSON(title: "evaluation"))
    return .object([
      ("schema", "strata.layout/1"), ("name", .string(name)), ("layoutSha256", .string(layoutSHA256)),
      ("programs", .array(programs)),
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
