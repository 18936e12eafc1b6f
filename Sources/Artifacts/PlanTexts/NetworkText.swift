package import GraphIR
package import Text

/// A network for people: a line a layer, with a bar for the size of its image, and the modules with what trains them.
package struct NetworkText {
  private let name: String
  private let outline: NetworkOutline
  private let rowNames, moduleNames: [String]
  private let kept: [Int?]
  private let classes: Int

  /// - Parameters:
  ///   - rowNames: one a row of the outline.
  ///   - moduleNames: one a module.
  ///   - kept: one a row: channels that stay of a layer that loses some while the network is trained.
  package init(
    name: String, classes: Int, outline: NetworkOutline, rowNames: [String], moduleNames: [String],
    kept: [Int?]
  ) {
    self.kept = kept
    precondition(rowNames.count == outline.rows.count && moduleNames.count == outline.modules.count)
    self.name = name
    self.classes = classes
    self.outline = outline
    self.rowNames = rowNames
    self.moduleNames = moduleNames
  }

  package func text(_ style: TextStyle) -> String {
    [headline(style), layers(style), modules(style)].joined(separator: "\n")
  }

  private func headline(_ style: TextStyle) -> String {
    "\(style.bold(name)): images of \(image(outline.input)), \(classes) classes\n"
  }

  // MARK: - Layers

  private func layers(_ style: TextStyle) -> String {
    let narrows = kept.contains { $0 != nil }
    var table = Table(
      [
        .left("layer"), .left("operations"), .right("input"), .right("output"), .left("size"),
        .right("parameters"),
        .right("MACs"), .right("module"),
      ] + (narrows ? [.right("channels kept")] : []))
    for (index, row) in outline.rows.enumerated() {
      table.add(
        [
          rowNames[index], row.operations.collapsed, image(row.input), image(row.output),
          bar(row.output.height, of: outline.input.height), grouped(row.parameters),
          grouped(row.multiplyAdds), "\(row.module)",
        ] + (narrows ? [kept[index].map { "\($0)" } ?? "all"] : []))
    }
    return table.text(style)
  }

  /// As long as the image is high: the whole bar is the input's height.
  private func bar(_ height: Int, of whole: Int) -> String {
    let width = 16
    // In eighths of a character; the smallest image still shows.
    let eighths = max(1, (height * width * 8 + whole / 2) / max(1, whole))
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let full = min(eighths / 8, 2 * width)
    return String(repeating: "█", count: full) + (full < 2 * width ? parts[eighths % 8] : "")
  }

  // MARK: - Modules

  private func modules(_ style: TextStyle) -> String {
    var table = Table([
      .right("module"), .left("made of"), .right("parameters"), .right("MACs"), .left("classifier"),
      .right("its parameters"), .right("its MACs"), .right("of the layers'"),
    ])
    for (module, name) in zip(outline.modules, moduleNames) {
      let share = Double(module.classifierMultiplyAdds) / Double(max(1, module.multiplyAdds))
      let isHead = module.index == outline.modules.count
      table.add([
        "\(module.index)", name, grouped(module.parameters), grouped(module.multiplyAdds),
        (isHead ? "head: " : "") + module.classifierOperations.collapsed,
        grouped(module.classifierParameters), grouped(module.classifierMultiplyAdds), percentage(share),
      ])
    }
    table.addRule()
    table.add([
      "", "network with head", grouped(outline.parameters), grouped(outline.multiplyAdds), "", "", "", "",
    ])
    return table.text(style)
  }

  // MARK: - For programs

  /// The same as a document (`strata.network/1`).
  package var json: JSON {
    let layers = outline.rows.enumerated().map { index, row in
      JSON.object(
        [
          ("name", .string(rowNames[index])), ("module", .integer(row.module)),
          ("operations", .array(row.operations.map(JSON.string))), ("input", .string(image(row.input))),
          ("output", .string(image(row.output))), ("parameters", .integer(row.parameters)),
          ("macs", .integer(row.multiplyAdds)),
        ] + (kept[index].map { [("kept", .integer($0))] } ?? []))
    }
    let modules = zip(outline.modules, moduleNames).map { module, name in
      JSON.object([
        ("index", .integer(module.index)), ("name", .string(name)),
        ("parameters", .integer(module.parameters)), ("macs", .integer(module.multiplyAdds)),
        (
          "auxiliary",
          .object([
            ("operations", .array(module.classifierOperations.map(JSON.string))),
            ("parameters", .integer(module.classifierParameters)),
            ("macs", .integer(module.classifierMultiplyAdds)),
          ])
        ),
      ])
    }
    return .object([
      ("schema", "strata.network/1"), ("name", .string(name)),
      (
        "network",
        .object([
          ("parameters", .integer(outline.parameters)), ("macs", .integer(outline.multiplyAdds)),
          ("input", .string(image(outline.input))), ("classes", .integer(classes)),
        ])
      ),
      ("layers", .array(layers)), ("modules", .array(modules)),
    ])
  }

  /// Channels first, as specs have it.
  private func image(_ shape: Shape) -> String { "\(shape.channels)x\(shape.height)x\(shape.width)" }
}

extension [String] {
  /// `a, a, a, b` as `3 x a, b`.
  fileprivate var collapsed: String {
    var runs: [(word: String, count: Int)] = []
    for word in self {
      if runs.last?.word == word { runs[runs.count - 1].count += 1 } else { runs.append((word, 1)) }
    }
    return runs.map { $0.count > 1 ? "\($0.count) x \($0.word)" : $0.word }.joined(separator: ", ")
  }
}
