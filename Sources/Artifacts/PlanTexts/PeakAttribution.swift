package import Diagnostics
internal import GraphIR
package import Planning
package import Text

/// Who holds how much of a moment's memory: every byte of the process is some line's of the spec, or the program's own.
package struct PeakAttribution {
  package struct Row {
    /// `net.yaml:14`; nil for what the spec does not write and what is nobody's.
    package var place: String?
    /// Dotted path of the spec's key, or, where nothing is written, what it is.
    package var what: String
    /// By category, for what lies in the arena.
    package var breakdown: MemoryBreakdown
    package var byteCount: Int
  }

  /// The largest first.
  package let rows: [Row]
  /// What the rows add up to: the process at that moment.
  package let byteCount: Int

  /// Of the plan's peak.
  package init(_ plan: Plan, places: SourcePlaces) {
    self.init(plan.memory(of: plan.peakProgram), node: plan.memory.peak.node, of: plan, places: places)
  }

  /// Of the moment when a node runs.
  package init(_ memory: ProgramMemory, node: Int, of plan: Plan, places: SourcePlaces) {
    var table = AttributionTable(places)
    for block in memory.blocks where block.isLive(at: node) {
      let tenant = block.tenant(at: node)
      switch block.category {
      case .batch: table.add(block, at: plan.places.batch, written: "training.batch")
      case .parameter, .statistics, .gradient, .optimizer, .activation, .workspace:
        table.add(block, at: tenant.origin, unwritten: tenant.part.rawValue)
      }
    }
    let figures = plan.memory
    table.add(figures.dataBytes, at: plan.places.data, written: "data.source")
    table.add(figures.arenaBytes - memory.live[node].total, what: "not in use at this moment")
    table.add(figures.runtimeBytes, what: "the program itself")
    rows = table.rows.filter { $0.byteCount > 0 }.sorted {
      $0.byteCount == $1.byteCount
        ? ($0.place ?? "", $0.what) < ($1.place ?? "", $1.what) : $0.byteCount > $1.byteCount
    }
    byteCount = figures.peakBytes
  }

  package func share(_ row: Row) -> Double { Double(row.byteCount) / Double(max(1, byteCount)) }

  /// One object a line of the spec.
  package var json: JSON {
    .array(
      rows.map { row in
        .object([
          ("place", .optional(row.place, JSON.string)), ("what", .string(row.what)),
          ("bytes", .integer(row.byteCount)),
          // Four decimals say enough, and keep plan files short.
          ("share", .number((share(row) * 10000).rounded() / 10000)),
        ])
      })
  }

  /// - Parameter limit: rows to print; the others become one.
  package func text(_ style: TextStyle, limit: Int) -> String {
    var table = Table([.right(""), .right(""), .left(""), .left("")])
    for row in rows.prefix(limit) {
      table.add([percentage(share(row)), byteSize(row.byteCount), row.place ?? "", row.what])
    }
    let rest = rows.dropFirst(limit)
    if !rest.isEmpty {
      let bytes = rest.map(\.byteCount).reduce(0, +)
      table.add([
        percentage(Double(bytes) / Double(max(1, byteCount))), byteSize(bytes), "",
        "\(rest.count) more line\(rest.count == 1 ? "" : "s")",
      ])
    }
    return table.text(style, indentation: 2)
  }
}

/// Adds bytes up by line and key.
private struct AttributionTable {
  private(set) var rows: [PeakAttribution.Row] = []
  private var indices: [String: Int] = [:]
  private let places: SourcePlaces
  /// Asking for a key reads the spec's text: once a span.
  private var known: [SourceSpan: (place: String?, key: String?)] = [:]

  init(_ places: SourcePlaces) {
    self.places = places
  }

  /// - Parameters:
  ///   - key: the one whose value `span` is, written or by default.
  ///   - unwritten: what to call bytes that no written key stands for.
  mutating func add(
    _ block: MemoryBlock, at span: SourceSpan?, written key: String? = nil, unwritten: String = ""
  ) {
    let index = index(span, key: key, unwritten: unwritten)
    rows[index].breakdown[block.category] += block.byteCount
    rows[index].byteCount += block.byteCount
  }

  mutating func add(
    _ byteCount: Int, at span: SourceSpan? = nil, written key: String? = nil, what: String = ""
  ) {
    rows[index(span, key: key, unwritten: what)].byteCount += byteCount
  }

  private mutating func index(_ span: SourceSpan?, key: String?, unwritten: String) -> Int {
    let (place, found) = span.map { look($0) } ?? (nil, nil)
    let what: String
    if let key {
      what = found == key ? key : "\(key) (default)"
    } else {
      what = found ?? (span == nil ? unwritten : "\(unwritten) (default)")
    }
    let writtenPlace = found == nil || (key != nil && found != key) ? nil : place
    let name = "\(writtenPlace ?? "")\n\(what)"
    if let index = indices[name] { return index }
    rows.append(
      PeakAttribution.Row(place: writtenPlace, what: what, breakdown: MemoryBreakdown(), byteCount: 0))
    indices[name] = rows.count - 1
    return rows.count - 1
  }

  private mutating func look(_ span: SourceSpan) -> (place: String?, key: String?) {
    if let answer = known[span] { return answer }
    let answer = (place: places.place(span), key: places.key(span))
    known[span] = answer
    return answer
  }
}
