/// Rows of text in aligned columns, two blanks apart, in lines of at most `widthLimit` characters.
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

  /// What people's tables fit, with their indentation: two of them side by side on a screen, or one in a mail.
  package static let widthLimit = 100
  /// Between two columns.
  private static let gap = 2
  /// Cells of words are broken into lines no shorter than this, unless nothing else helps.
  private static let leastWords = 20

  private let columns: [Column]
  private let keyCount: Int
  private var rows: [Row] = []

  /// - Parameter keyCount: of the first columns, those that say what a row is: a table that is too wide is printed in
  ///   parts one below the other, each of which begins with them.
  package init(_ columns: [Column], keyCount: Int = 1) {
    precondition(keyCount >= 0 && keyCount <= columns.count, "keys are columns")
    self.columns = columns
    self.keyCount = keyCount
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

  /// Titles and rows, each ended by a line end; no line ends in blanks, and none is longer than `limit` characters. What is
  /// too wide gets its titles broken into lines, then its words, and is then printed in parts.
  package func text(_ style: TextStyle, indentation: Int = 0, limit: Int = widthLimit) -> String {
    let limit = max(1, limit - indentation)
    return blocks(limit).map { text(of: $0, style, indentation: indentation) }.joined(separator: "\n")
  }

  // MARK: - Widths

  /// Columns that are printed beside each other, with the width of each.
  private struct Block {
    var columns: [Int] = []
    var widths: [Int] = []

    var width: Int { widths.reduce(0, +) + Table.gap * max(0, widths.count - 1) }

    mutating func add(_ column: Int, _ width: Int) {
      columns.append(column)
      widths.append(width)
    }
  }

  private func cellWidth(_ column: Int) -> Int {
    rows.reduce(0) { width, row in
      switch row {
      case .cells(let cells): max(width, cells[column].count)
      case .rule: width
      }
    }
  }

  private func blocks(_ limit: Int) -> [Block] {
    let cellWidths = columns.indices.map(cellWidth)
    var block = Block()
    for (column, width) in cellWidths.enumerated() {
      block.add(column, max(width, columns[column].title.count))
    }
    if block.width <= limit { return [block] }
    let least = cellWidths.enumerated().map { max($0.element, longestWord(columns[$0.offset].title)) }
    narrow(&block, to: least, by: block.width - limit)
    if block.width <= limit { return [block] }
    let whole = block.widths
    let words = columns.indices.map { column in
      columns[column].alignment == .left
        ? min(least[column], max(Self.leastWords, longestWord(columns[column].title))) : least[column]
    }
    narrow(&block, to: words, by: block.width - limit)
    if block.width <= limit { return [block] }
    return parts(whole, limit)
  }

  /// Takes width from the columns that have the most to give, as far as they have any.
  private func narrow(_ block: inout Block, to least: [Int], by excess: Int) {
    for _ in 0..<max(0, excess) {
      let spare = block.widths.indices.map { block.widths[$0] - least[$0] }
      guard let column = spare.indices.max(by: { spare[$0] < spare[$1] }), spare[column] > 0 else { return }
      block.widths[column] -= 1
    }
  }

  /// As many columns beside each other as fit, behind the keys.
  private func parts(_ widths: [Int], _ limit: Int) -> [Block] {
    var keys = Block()
    for column in 0..<keyCount { keys.add(column, min(widths[column], limit)) }
    // Something has to fit beside them.
    let least = columns.indices.dropFirst(keyCount).map { min(widths[$0], limit / 2) }.max() ?? 0
    let excess = keys.width + (least > 0 ? Self.gap + least : 0) - limit
    for _ in 0..<max(0, excess) {
      guard let widest = keys.widths.indices.max(by: { keys.widths[$0] < keys.widths[$1] }),
        keys.widths[widest] > 1
      else { break }
      keys.widths[widest] -= 1
    }
    var blocks: [Block] = []
    var block = keys
    for column in columns.indices.dropFirst(keyCount) {
      let room = max(1, limit - keys.width - (keys.widths.isEmpty ? 0 : Self.gap))
      let width = min(widths[column], room)
      let isAlone = block.columns.count == keyCount
      if !isAlone, block.width + Self.gap + width > limit {
        blocks.append(block)
        block = keys
      }
      block.add(column, width)
    }
    return blocks + [block]
  }

  private func longestWord(_ text: String) -> Int { text.split(separator: " ").map(\.count).max() ?? 0 }

  // MARK: - Lines

  private func text(of block: Block, _ style: TextStyle, indentation: Int) -> String {
    let margin = String(repeating: " ", count: indentation)
    let hasTitles = columns.contains { !$0.title.isEmpty }
    let head =
      hasTitles
      ? lines(columns.map(\.title), block, fromBelow: true).map { margin + style.bold($0) + "\n" }.joined()
      : ""
    return rows.reduce(into: head) { text, row in
      switch row {
      case .cells(let cells):
        for line in lines(cells, block, fromBelow: false) { text += margin + line + "\n" }
      case .rule: text += margin + style.dim(String(repeating: "─", count: block.width)) + "\n"
      }
    }
  }

  /// A row: one line, or several where a cell is broken.
  ///
  /// - Parameter fromBelow: cells of fewer lines stand in the last ones, as titles do.
  private func lines(_ cells: [String], _ block: Block, fromBelow: Bool) -> [String] {
    let broken = zip(block.columns, block.widths).map { column, width in
      cells[column].count <= width ? [cells[column]] : Self.broken(cells[column], width: width)
    }
    let count = broken.map(\.count).max() ?? 1
    return (0..<count).map { index in
      let line = zip(block.columns, block.widths).enumerated().map { place, column in
        let index = index - (fromBelow ? count - broken[place].count : 0)
        let text = broken[place].indices.contains(index) ? broken[place][index] : ""
        return switch columns[column.0].alignment {
        case .left: padRight(text, to: column.1)
        case .right: padLeft(text, to: column.1)
        }
      }.joined(separator: String(repeating: " ", count: Self.gap))
      return String(line[..<(line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex)])
    }
  }

  /// At blanks, or within a word that is longer than a line.
  private static func broken(_ text: String, width: Int) -> [String] {
    wrapped(text, width: width).flatMap { line -> [String] in
      var rest = Substring(line)
      var lines: [String] = []
      while rest.count > width {
        lines.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      return lines + [String(rest)]
    }
  }
}
