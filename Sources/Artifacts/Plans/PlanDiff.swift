internal import Diagnostics
package import Planning
package import Text

/// A plan's document as it is compared: of a file as it stands, stale or not, or made of a plan in memory.
package struct PlanRecord {
  /// How the user called it.
  package let name: String
  let document: JSON
  let specText: String

  /// - Throws: what is wrong with the file as a plan.
  package init(path: String, bytes: [UInt8]) throws(StoredPlanError) {
    let stored = try StoredPlan(path: path, bytes: bytes)
    specText = stored.specText
    name = path
    document = stored.document
  }

  package init(_ plan: Plan, name: String, document: JSON) {
    self.name = name
    self.document = document
    specText = plan.specText
  }
}

/// What differs between two plans: what alters results apart from what alters the cost, and both from names.
package struct PlanDiff {
  package struct Figure {
    /// `memory.peakBytes`, `stages[2].steps`.
    package var path: String
    package var old, new: JSON?
  }

  private let old, new: PlanRecord
  private let changes: [SpecDifference.Change]
  private let figures: [Figure]
  private let dataHasChanged: Bool
  /// SHA-256 of the weights that training starts from; nil: not from stored ones.
  private let starts: [String?]
  /// Whether stages start from features of other modules, or from none where the other plan's do.
  private let featuresHaveChanged: Bool
  private let keepsFeatures: Bool
  private let hasSmallScratch: Bool

  /// Members that say where things lie, repeat the spec or follow from it, are told in words of their own, or are times of one machine.
  private static func isSkipped(_ path: String) -> Bool {
    ["schema", "name", "data.fingerprint", "data.path", "start.path", JSON.sealKey].contains(path)
      || path.hasPrefix("spec.") || path.hasSuffix("].index")
      || path.hasPrefix("memory.attribution") || path.hasPrefix("learningRates")
      || path.hasPrefix("choiceEffects")
      || PlanDocument.isOfPrinting(path)
  }

  /// A figure as it is compared: an operation without the file and the line that it comes from.
  private static func compared(_ value: JSON, _ path: String) -> String {
    guard path == "memory.peakOperation", let operation = value.string else { return JSONWriter.line(value) }
    return operation.lastIndex(of: "(").map { String(operation[..<$0]) } ?? operation
  }

  package init(_ old: PlanRecord, _ new: PlanRecord) {
    self.old = old
    self.new = new
    changes = SpecDifference(from: old.specText, to: new.specText).changes
    let (before, after) = (old.document.leaves(), new.document.leaves())
    let present = Dictionary(after.map { ($0.path, $0.value) }, uniquingKeysWith: { first, _ in first })
    let known = Set(before.map(\.path))
    figures =
      before.compactMap { path, value in
        guard !Self.isSkipped(path) else { return nil }
        let other = present[path]
        return other.map { Self.compared($0, path) } == Self.compared(value, path)
          ? nil : Figure(path: path, old: value, new: other)
      }
      + after.filter { !known.contains($0.path) && !Self.isSkipped($0.path) }.map {
        Figure(path: $0.path, old: nil, new: $0.value)
      }
    let prints = [old, new].map { $0.document["data"]?["fingerprint"]?.string }
    dataHasChanged = prints[0] != nil && prints[1] != nil && prints[0] != prints[1]
    starts = [old, new].map { $0.document["start"]?["sha256"]?.string }
    let kept = [old, new].map { record in
      (record.document["stages"]?.elements ?? []).map { $0["features"]?["module"]?.integer }
    }
    featuresHaveChanged = kept[0] != kept[1]
    keepsFeatures = kept.joined().contains { $0 != nil }
    hasSmallScratch = [old, new].contains {
      $0.document["choices"]?["scratch"]?.string == PlanChoices.ConvolutionScratch.small.rawValue
    }
  }

  package var isEmpty: Bool { changes.isEmpty && figures.isEmpty && !dataHasChanged }

  /// Whether the two come to other weights.
  package var altersResults: Bool {
    dataHasChanged || startHasChanged || featuresHaveChanged
      || changes.contains { effect(of: $0) == .results }
      || !choiceFigures.isEmpty
      || figures.contains { ["data.train", "data.test", "data.source"].contains($0.path) }
  }

  private var startHasChanged: Bool { starts[0] != starts[1] }

  /// What a change of the spec does between these two: weights are what they are, wherever they lie.
  private func effect(of change: SpecDifference.Change) -> SpecDifference.Effect {
    change.key == "network.from" && starts[0] != nil && !startHasChanged ? .cosmetic : change.effect
  }

  /// Of how the plan meets its budget, what changes the weights, be it in their last bits.
  private var choiceFigures: [Figure] { figures.filter(altersResults) }

  // MARK: - Text

  package func text(_ style: TextStyle) -> String {
    var parts = ["  a: \(old.name)\n  b: \(new.name)\n"]
    if isEmpty { return parts[0] + "\nthe plans are equal: the same spec, layout and figures\n" }
    let groups: [(SpecDifference.Effect, String)] = [
      (.results, "changes the results"), (.cost, "changes the cost, not the results"),
      (.cosmetic, "changes names alone"),
    ]
    for (effect, title) in groups {
      var rows = changes.filter { self.effect(of: $0) == effect }.map {
        [$0.key, $0.old ?? "-", $0.new ?? "-"]
      }
      if effect == .results {
        if dataHasChanged { rows.append(["the data's content", fingerprint(old), fingerprint(new)]) }
        if startHasChanged { rows.append(["the weights to start from"] + starts.map(shortHash)) }
        // What the spec says is told already.
        let told = Set(changes.map(\.key))
        let facts = figures.filter { $0.path.hasPrefix("data.") && !told.contains($0.path) }
        rows += (choiceFigures + facts).map(row)
      }
      if effect == .cost {
        rows += figures.filter { $0.path == "threads" || isOtherChoice($0) }.map(row)
      }
      if !rows.isEmpty { parts.append(style.bold(title) + "\n" + table(rows, style)) }
    }
    parts += [numbers(style, "network", ["network.", "batch", "modules"]), memory(style), schedule(style)]
      .compactMap(\.self)
    let rest = figures.filter { figure in
      !Self.toldPrefixes.contains { figure.path.hasPrefix($0) }
    }
    if !rest.isEmpty { parts.append(style.bold("more") + "\n" + table(rest.map(row), style)) }
    if !altersResults { parts.append("both come to the same weights\n") }
    return parts.joined(separator: "\n")
  }

  private static let toldPrefixes = [
    "network.", "batch", "modules", "memory.", "stages", "threads", "layoutSha256", "comparison", "data.",
    "choices", "compression", "start.sha256",
  ]

  private func altersResults(_ choice: Figure) -> Bool {
    switch choice.path {
    // Pieces of a batch have batch-norm statistics of their own, modules learn apart, and other algorithms round otherwise.
    case "choices.microBatch", "choices.modules", "choices.scratch", "choices.scratchThreads": true
    // Which convolutions do with little scratch hangs on it.
    case "choices.recomputeAboveBytes": hasSmallScratch
    // Where a picture lies in its batch decides how products round; where features lie does not.
    case "choices.features", "choices.featureStages": featuresHaveChanged
    case "choices.forwardBatch": keepsFeatures
    case _: false
    }
  }

  private func isOtherChoice(_ figure: Figure) -> Bool {
    figure.path.hasPrefix("choices") && !altersResults(figure)
  }

  private func row(_ figure: Figure) -> [String] {
    [figure.path, figure.old?.words ?? "-", figure.new?.words ?? "-"]
  }

  private func fingerprint(_ record: PlanRecord) -> String {
    shortHash(record.document["data"]?["fingerprint"]?.string)
  }

  private func shortHash(_ hash: String?) -> String { hash.map { String($0.prefix(12)) } ?? "-" }

  private func table(_ rows: [[String]], _ style: TextStyle) -> String {
    var table = Table([.left(""), .right("a"), .right("b")])
    for row in rows { table.add(row) }
    return table.text(style, indentation: 2)
  }

  /// Figures with what they grew or shrank by.
  private func numbers(_ style: TextStyle, _ title: String, _ prefixes: [String]) -> String? {
    let told = figures.filter { figure in prefixes.contains { figure.path.hasPrefix($0) } }
    guard !told.isEmpty else { return nil }
    var table = Table([.left(""), .right("a"), .right("b"), .right("difference"), .right("")])
    let limit = 24
    let counts = [old, new].map { $0.document["modules"]?.elements.count ?? 0 }
    if counts[0] != counts[1] {
      table.add(
        ["modules", "\(counts[0])", "\(counts[1])"] + difference(.integer(counts[0]), .integer(counts[1])))
    }
    for figure in told.prefix(limit) { table.add(row(figure) + difference(figure.old, figure.new)) }
    if told.count > limit {
      table.add(["and \(told.count - limit) more (--json lists them)", "", "", "", ""])
    }
    return style.bold(title) + "\n" + table.text(style, indentation: 2)
  }

  private func difference(_ old: JSON?, _ new: JSON?) -> [String] {
    guard let before = old?.integer, let after = new?.integer else { return ["", ""] }
    let (change, isTooLarge) = after.subtractingReportingOverflow(before)
    guard !isTooLarge else { return ["-", ""] }
    let sign = change > 0 ? "+" : ""
    return [
      sign + grouped(change), before == 0 ? "" : sign + percentage(Double(change) / Double(before)),
    ]
  }

  /// The whole plan's figures, the unchanged ones of note too, so that the change has its frame.
  private func memory(_ style: TextStyle) -> String? {
    guard figures.contains(where: { $0.path.hasPrefix("memory.") }) else {
      return figures.contains { $0.path == "layoutSha256" }
        ? style.bold("memory") + "\n  the same figures, laid out otherwise\n" : nil
    }
    var table = Table([.left(""), .right("a"), .right("b"), .right("difference"), .right("")])
    let frame = ["peakBytes", "arenaBytes"]
    let changed = figures.filter { $0.path.hasPrefix("memory.") }.map { String($0.path.dropFirst(7)) }
    for key in frame + changed.filter({ !frame.contains($0) && $0 != "peakOperation" }) {
      let (a, b) = (old.document["memory"]?[key], new.document["memory"]?[key])
      table.add([key, a?.words ?? "-", b?.words ?? "-"] + difference(a, b))
    }
    var text = style.bold("memory") + "\n" + table.text(style, indentation: 2)
    if changed.contains("peakOperation") {
      let operations = [old, new].map { $0.document["memory"]?["peakOperation"]?.string ?? "-" }
      text += "  the peak of a is made by \(operations[0])\n  the peak of b is made by \(operations[1])\n"
    }
    return text
  }

  private func schedule(_ style: TextStyle) -> String? {
    guard figures.contains(where: { $0.path.hasPrefix("stages") || $0.path.hasPrefix("comparison") }) else {
      return nil
    }
    let (before, after) = (old.document["stages"]?.elements ?? [], new.document["stages"]?.elements ?? [])
    var table = Table([.left(""), .right("a"), .right("b"), .right("difference"), .right("")])
    func add(_ name: String, _ a: Int?, _ b: Int?) {
      guard a != b else { return }
      let values: [JSON?] = [a, b].map { $0.map { JSON.integer($0) } }
      table.add([name] + values.map { $0?.words ?? "-" } + difference(values[0], values[1]))
    }
    func sum(_ stages: [JSON]) -> Int? {
      var sum = 0
      for steps in stages.compactMap({ $0["steps"]?.integer }) {
        let (next, isTooLarge) = sum.addingReportingOverflow(steps)
        if isTooLarge { return nil }
        sum = next
      }
      return sum
    }
    add("stages", before.count, after.count)
    add("steps in all", sum(before), sum(after))
    add("MACs in all", trainingMultiplyAdds(old), trainingMultiplyAdds(new))
    let limit = 12
    var told = 0
    for index in 0..<max(before.count, after.count) {
      let a: JSON? = index < before.count ? before[index] : nil
      let b: JSON? = index < after.count ? after[index] : nil
      guard a.map({ JSONWriter.line($0) }) != b.map({ JSONWriter.line($0) }) else { continue }
      told += 1
      guard told <= limit else { continue }
      let names = [a, b].map { $0?["modules"].map { rangeText($0.elements.compactMap(\.integer)) } ?? "-" }
      let strategies = [a, b].map { $0?["strategy"]?.string ?? "-" }
      let name = "stage \(index + 1)"
      if strategies[0] != strategies[1] { table.add(["\(name), strategy"] + strategies + ["", ""]) }
      if names[0] != names[1] { table.add(["\(name), learns"] + names + ["", ""]) }
      for key in ["epochs", "steps"] { add("\(name), \(key)", a?[key]?.integer, b?[key]?.integer) }
      for key in ["peakBytes", "arenaBytes"] {
        add("\(name), \(key)", a?["memory"]?[key]?.integer, b?["memory"]?[key]?.integer)
      }
    }
    if told > limit { table.add(["and \(told - limit) more stages (--json lists them)", "", "", "", ""]) }
    let text = table.text(style, indentation: 2)
    return text.split(separator: "\n").count > 1 ? style.bold("schedule") + "\n" + text : nil
  }

  private func trainingMultiplyAdds(_ record: PlanRecord) -> Int? {
    record.document.comparisonRowOfPlan?["trainingMacs"]?.integer
  }

  // MARK: - JSON

  /// `strata.diff/1`.
  package var json: JSON {
    let spec = changes.map { change in
      JSON.object([
        ("key", .string(change.key)), ("a", .optional(change.old, JSON.string)),
        ("b", .optional(change.new, JSON.string)), ("effect", .string(effect(of: change).rawValue)),
      ])
    }
    let list = figures.map { figure in
      JSON.object([("path", .string(figure.path)), ("a", figure.old ?? .null), ("b", figure.new ?? .null)])
    }
    return .object([
      ("schema", "strata.diff/1"), ("a", .string(old.name)), ("b", .string(new.name)),
      ("equal", .bool(isEmpty)), ("altersResults", .bool(altersResults)),
      ("dataChanged", .bool(dataHasChanged)), ("spec", .array(spec)), ("figures", .array(list)),
    ])
  }
}

extension JSON {
  /// Of a plan's document: the row of its comparison that is the plan itself, whatever others of its strategy there are.
  var comparisonRowOfPlan: JSON? {
    self["comparison"]?.elements.first { row in
      if case .bool(true) = row["isPlan"] { true } else { false }
    }
  }
}
