package import Diagnostics
internal import GraphIR
package import Planning
package import Text

/// What is live at a moment of a plan: every block, from which operation to which, and the spec's line behind it.
package struct MomentText {
  private let moment: Moment
  private let plan: Plan
  private let places: SourcePlaces

  package init(_ moment: Moment, of plan: Plan, places: SourcePlaces) {
    self.moment = moment
    self.plan = plan
    self.places = places
  }

  private var graph: Graph { moment.memory.program.graph }
  private var live: MemoryBreakdown { moment.memory.live[moment.node] }

  /// Operations count from 1, as `--at step=` does.
  private var operation: String {
    let node = graph.nodes[moment.node]
    let module = node.module > 0 ? " of module \(node.module), \(node.part.rawValue)" : ""
    return "\(node.op.text)\(module) (\(places.origin(node.origin)))"
  }

  /// Where the stage's features lie: those in a file are no memory.
  private var features: String {
    moment.id.stage.flatMap { plan.stages[$0 - 1].features }.map {
      "  features of module \($0.module): \($0.placeWords { byteSize($0) })\n"
    } ?? ""
  }

  package func text(_ style: TextStyle) -> String {
    [
      "\(style.bold(plan.name)), \(moment.id.words), operation \(moment.node + 1) of \(graph.nodes.count):\n"
        + paragraph(operation, indentation: 2, hanging: 2) + features,
      values(style), categories(style),
      style.bold("who holds it") + "\n"
        + PeakAttribution(moment.memory, node: moment.node, of: plan, places: places).text(style, limit: 12),
    ].joined(separator: "\n")
  }

  // MARK: - Values

  private func values(_ style: TextStyle) -> String {
    var table = Table([
      .right("size"), .left("category"), .left("what"), .left("type"), .right("offset"), .right("from"),
      .right("to"), .left("spec"),
    ])
    for row in rows {
      table.add([
        byteSize(row.byteCount), row.category.rawValue, row.what, row.type, grouped(row.offset), row.from,
        row.to, row.place,
      ])
    }
    table.addRule()
    table.add([
      byteSize(live.total), "", "live, of an arena of \(byteSize(plan.arenaBytes))", "", "", "", "", "",
    ])
    return table.text(style)
  }

  private struct Row {
    var byteCount: Int
    var category: MemoryCategory
    var what, type: String
    var offset: Int
    var from, to: String
    var place: String
  }

  /// Blocks of the step one by one; what outlives it together, by module, part and category.
  private var rows: [Row] {
    var rows: [Row] = []
    var groups: [String: Int] = [:]
    var counts: [Int: Int] = [:]
    for block in moment.memory.blocks(at: moment.node) {
      let tenant = block.tenant(at: moment.node)
      let place = place(block, tenant)
      if let nodes = block.nodes {
        rows.append(
          Row(
            byteCount: block.byteCount, category: block.category, what: words(tenant),
            type: tenant.type?.description ?? "", offset: block.offset, from: "\(nodes.lowerBound + 1)",
            to: "\(nodes.upperBound + 1)", place: place))
        continue
      }
      let part = tenant.module > 0 ? "module \(tenant.module), \(tenant.part.rawValue)" : ""
      let key = "\(block.category.rawValue) \(part) \(place)"
      if let index = groups[key] {
        rows[index].byteCount += block.byteCount
        rows[index].offset = min(rows[index].offset, block.offset)
        counts[index, default: 1] += 1
        rows[index].type = "\(counts[index, default: 1]) values"
      } else {
        groups[key] = rows.count
        rows.append(
          Row(
            byteCount: block.byteCount, category: block.category, what: part,
            type: tenant.type?.description ?? "", offset: block.offset, from: "-", to: "-", place: place))
      }
    }
    return rows.sorted { ($1.byteCount, $0.offset) < ($0.byteCount, $1.offset) }
  }

  private func words(_ tenant: MemoryBlock.Tenant) -> String {
    tenant.value.map { "%\($0.index) \(tenant.name)" } ?? tenant.name
  }

  private func place(_ block: MemoryBlock, _ tenant: MemoryBlock.Tenant) -> String {
    switch block.category {
    case .batch: places.origin(plan.places.batch)
    case .parameter, .statistics, .gradient, .optimizer, .activation, .workspace:
      tenant.origin.map { places.origin($0) } ?? ""
    }
  }

  private func categories(_ style: TextStyle) -> String {
    var table = Table(MemoryCategory.allCases.map { .right($0.rawValue) } + [.right("together")])
    table.add(MemoryCategory.allCases.map { byteSize(live[$0]) } + [byteSize(live.total)])
    return table.text(style)
  }

  // MARK: - JSON

  /// The same with every value (`strata.moment/1`).
  package var json: JSON {
    let blocks = moment.memory.blocks(at: moment.node).map { block in
      let tenant = block.tenant(at: moment.node)
      return JSON.object([
        ("name", .string(tenant.name)), ("value", .optional(tenant.value) { .integer($0.index) }),
        ("category", .string(block.category.rawValue)),
        ("type", .optional(tenant.type) { .string($0.description) }), ("module", .integer(tenant.module)),
        ("part", .string(tenant.part.rawValue)), ("bytes", .integer(block.byteCount)),
        ("offset", .integer(block.offset)),
        ("from", .optional(block.nodes) { .integer($0.lowerBound + 1) }),
        ("to", .optional(block.nodes) { .integer($0.upperBound + 1) }),
        ("place", .string(place(block, tenant))),
      ])
    }
    let categories = MemoryCategory.allCases.map {
      (key: "\($0.rawValue)Bytes", value: JSON.integer(live[$0]))
    }
    return .object([
      ("schema", "strata.moment/1"), ("name", .string(plan.name)), ("program", .string(moment.id.words)),
      ("operation", .integer(moment.node + 1)), ("operations", .integer(graph.nodes.count)),
      ("words", .string(operation)), ("arenaBytes", .integer(plan.arenaBytes)),
      ("liveBytes", .integer(live.total)), ("live", .object(categories)), ("blocks", .array(blocks)),
      ("features", .optional(moment.id.stage.flatMap { plan.stages[$0 - 1].features }) { $0.json }),
      (
        "attribution",
        PeakAttribution(moment.memory, node: moment.node, of: plan, places: places).json
      ),
    ])
  }
}
