/// Rows of text in aligned columns, two blanks apart.
package struct Table: Sendable {
  package enum Alignment: Hashable, Sendable {
    /// For words.
    case left
    /// For numbers, so that their digits stand below each other.
    case right
  }

  package struct Column: Hashable, Sendable {
    package let title: String
    package let alignment: Alignment

    package static func left(_ title: String) -> Column { Column(title: title, alignment: .left) }
    package static func right(_ title: String) -> Column { Column(title: title, alignment: .right) }
  }

  private enum Row {
    case cells([String])
    case rule
  }

  private let columns: [Column]
  private var rows: [Row] = []

  package init(_ columns: [Column]) {
    self.columns = columns
  }

  /// Appends a row with one cell a column; cells are plain text of one line, without escapes.
  package mutating func add(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has a cell for every column")
    rows.append(.cells(cells))
  }

  /// Appends a line across the columns, as before a total.
  package mutating func addRule() {
    rows.append(.rule)
  }

  /// Titles and rows, each ended by a line end; no line ends in blanks.
  package func text(_ style: TextStyle, indentation: Int = 0) -> String {
    let widths = columns.indices.map { column in
      rows.reduce(columns[column].title.count) { width, row in
        switch row {
        case .cells(let cells): max(width, cells[column].count)
        case .rule: width
        }
      }
    }
    let margin = String(repeating: " ", count: indentation)
    let ruleWidth = widths.reduce(0, +) + 2 * (widths.count - 1)
    let hasTitles = columns.contains { !$0.title.isEmpty }
    let head = hasTitles ? margin + style.bold(line(columns.map(\.title), widths)) + "\n" : ""
    return rows.reduce(into: head) { text, row in
      switch row {
      case .cells(let cells): text += margin + line(cells, widths) + "\n"
      case .rule: text += margin + style.dim(String(repeating: "─", count: max(0, ruleWidth))) + "\n"
      }
    }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    let padded = cells.indices.map { column in
      switch columns[column].alignment {
      case .left: padRight(cells[column], to: widths[column])
      case .right: padLeft(cells[column], to: widths[column])
      }
    }
    let line = padded.joined(separator: "  ")
    return String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
  }
}
