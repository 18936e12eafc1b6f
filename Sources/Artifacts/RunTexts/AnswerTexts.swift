package import Execution
package import Text

/// Answers by class, for people and programs.
package struct AnswerTexts: Sendable {
  private let counts: AnswerCounts
  private let names: [String]

  /// - Parameter classNames: by label; nil: their numbers.
  package init(_ counts: AnswerCounts, classNames: [String]?) {
    self.counts = counts
    names = classNames ?? (0..<counts.classCount).map { "\($0)" }
  }

  /// What `summary.json` of a run says; nil where it does not say it, or there is none yet.
  package static func kept(in folder: String) throws(RunStatusError) -> AnswerTexts? {
    guard let summary = try RunDirectory.summaryIfThere(in: folder),
      let rows = summary["perClass"]?.elements
    else { return nil }
    func numbers(_ key: String) -> [Int] { rows.compactMap { $0[key]?.integer } }
    var matrix: [[Int]]?
    if case .array(let rows)? = summary["confusion"] {
      matrix = rows.map { $0.elements.compactMap(\.integer) }
    }
    guard
      let counts = AnswerCounts(
        images: numbers("images"), right: numbers("right"), answered: numbers("answers"), matrix: matrix)
    else {
      throw .malformed(
        path: "\(folder)/\(RunDirectory.summaryName)", offset: 0, expected: "answers by class",
        found: "something else")
    }
    let names = rows.compactMap { $0["class"]?.string }
    return AnswerTexts(counts, classNames: names.count == counts.classCount ? names : nil)
  }

  /// `perClass` and `confusion`, which is null where there are more than `AnswerCounts.largestMatrix` classes.
  package var members: [(key: String, value: JSON)] {
    let perClass = names.indices.map { label in
      JSON.object([
        ("class", .string(names[label])), ("images", .integer(counts.images[label])),
        ("answers", .integer(counts.answered[label])), ("right", .integer(counts.right[label])),
        ("precision", .optional(counts.precision(label), JSON.number)),
        ("recall", .optional(counts.recall(label), JSON.number)),
      ])
    }
    return [
      ("perClass", .array(perClass)),
      (
        "confusion",
        .optional(counts.confusion) { rows in .array(rows.map { .array($0.map(JSON.integer)) }) }
      ),
    ]
  }

  private static let columns: [Table.Column] = [
    .left("class"), .right("images"), .right("precision"), .right("recall"),
  ]

  private var rows: [[String]] {
    names.indices.map { label in
      [
        names[label], grouped(counts.images[label]), counts.precision(label).map { percentage($0) } ?? "-",
        counts.recall(label).map { percentage($0) } ?? "-",
      ]
    }
  }

  /// A line a class; a matrix behind it where it fits a screen.
  package func text(_ style: TextStyle) -> String {
    var table = Table(Self.columns)
    for row in rows { table.add(row) }
    var text = table.text(style)
    // Wider than a screen it helps nobody; programs get it in any case.
    guard names.count <= 12, let confusion = counts.confusion else { return text }
    var matrix = Table([.left("is, and is called")] + names.map { .right(String($0.prefix(10))) })
    for (label, row) in confusion.enumerated() {
      matrix.add([names[label]] + row.map { $0 == 0 ? "·" : grouped($0) })
    }
    text += "\n" + matrix.text(style)
    return text
  }

  /// Of a page.
  ///
  /// - Parameter who: whose answers.
  func section(_ html: inout HTML, who: String) {
    html.element("h2", text: "Answers by class")
    html.element(
      "p", [("class", "dim")],
      text:
        "test images, \(who): precision is the share of a class's answers that are right, recall the share of its "
        + "images that are answered right")
    html.table(Self.columns, rows)
    guard let confusion = counts.confusion else { return }
    html.chart(MatrixChart(title: "is (rows), and is called (columns)", names: names, rows: confusion).svg())
  }
}
