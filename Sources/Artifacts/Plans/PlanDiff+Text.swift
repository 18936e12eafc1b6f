package import Text

extension PlanDiff {
  package func text(_ style: TextStyle) -> String {
    var parts = ["  a: \(old.path)\n  b: \(new.path)\n"]
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
        if dataHasChanged { rows.append(["content of the data", fingerprint(old), fingerprint(new)]) }
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

  private func row(_ figure: Figure) -> [String] {
    [FigureWords.name(figure.path)]
      + [figure.old, figure.new].map { $0.map { FigureWords.value($0, of: figure.path) } ?? "-" }
  }

  private func difference(_ figure: Figure) -> [String] {
    difference(figure.old, figure.new, of: figure.path)
  }

  private func difference(_ old: JSON?, _ new: JSON?, of path: String) -> [String] {
    let (change, share) = FigureWords.difference(old, new, of: path)
    return [change, share]
  }

  private func fingerprint(_ record: PlanLock) -> String {
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
        ["modules", "\(counts[0])", "\(counts[1])"]
          + difference(.integer(counts[0]), .integer(counts[1]), of: "modules"))
    }
    for figure in told.prefix(limit) { table.add(row(figure) + difference(figure)) }
    if told.count > limit {
      table.add(["and \(told.count - limit) more (--json lists them)", "", "", "", ""])
    }
    return style.bold(title) + "\n" + table.text(style, indentation: 2)
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
      let figure = Figure(path: "memory.\(key)", old: a, new: b)
      table.add(row(figure) + difference(figure))
    }
    var text = style.bold("memory") + "\n" + table.text(style, indentation: 2)
    if changed.contains("peakOperation") {
      let operations = [old, new].map { $0.document["memory"]?["peakOperation"]?.string ?? "-" }
      for (name, operation) in zip(["a", "b"], operations) {
        text += paragraph("the peak of \(name) is made by \(operation)", indentation: 2, hanging: 2)
      }
    }
    return text
  }

  private func schedule(_ style: TextStyle) -> String? {
    guard figures.contains(where: { $0.path.hasPrefix("stages") || $0.path.hasPrefix("comparison") }) else {
      return nil
    }
    let (before, after) = (old.document["stages"]?.elements ?? [], new.document["stages"]?.elements ?? [])
    var table = Table([.left(""), .right("a"), .right("b"), .right("difference"), .right("")])
    func add(_ name: String, _ a: Int?, _ b: Int?, key: String = "") {
      guard a != b else { return }
      let values: [JSON?] = [a, b].map { $0.map { JSON.integer($0) } }
      table.add(
        [name] + values.map { $0.map { FigureWords.value($0, of: key) } ?? "-" }
          + difference(values[0], values[1], of: key))
    }
    func addMultiplyAdds(_ name: String, _ a: Int?, _ b: Int?) {
      guard a != b else { return }
      table.add(
        [name] + [a, b].map { $0.map { shortCount($0) } ?? "-" }
          + ["", FigureWords.share(a ?? 0, b ?? 0)])
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
    addMultiplyAdds("MACs in all", trainingMultiplyAdds(old), trainingMultiplyAdds(new))
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
        add(
          "\(name), \(FigureWords.memory(key))", a?["memory"]?[key]?.integer, b?["memory"]?[key]?.integer,
          key: key)
      }
    }
    if told > limit { table.add(["and \(told - limit) more stages (--json lists them)", "", "", "", ""]) }
    let text = table.text(style, indentation: 2)
    return text.split(separator: "\n").count > 1 ? style.bold("schedule") + "\n" + text : nil
  }

  private func trainingMultiplyAdds(_ record: PlanLock) -> Int? {
    record.document.comparisonRowOfPlan?["trainingMacs"]?.integer
  }
}
