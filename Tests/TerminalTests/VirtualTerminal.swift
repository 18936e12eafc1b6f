/// A terminal as far as the progress display needs one: what would stand on the screen after some output.
/// Any escape that it does not know is recorded, so that a test can fail on it.
struct VirtualTerminal {
  private(set) var lines: [[Character]] = [[]]
  private(set) var cursor = (row: 0, column: 0)
  private(set) var isCursorVisible = true
  private(set) var unknownEscapes: [String] = []
  /// The longest line ever printed, in characters.
  private(set) var widest = 0

  /// The lines without blanks at their ends, without the empty line of the cursor.
  var screen: [String] {
    var texts = lines.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return String(line)
    }
    while texts.last == "" { texts.removeLast() }
    return texts
  }

  mutating func feed(_ output: String) {
    var rest = output[...]
    while let character = rest.popFirst() {
      switch character {
      case "\n":
        cursor = (cursor.row + 1, 0)
        if cursor.row == lines.count { lines.append([]) }
      case "\r": cursor.column = 0
      case "\u{1B}": escape(&rest)
      case _: put(character)
      }
    }
  }

  private mutating func put(_ character: Character) {
    while lines[cursor.row].count <= cursor.column { lines[cursor.row].append(" ") }
    lines[cursor.row][cursor.column] = character
    cursor.column += 1
    widest = max(widest, cursor.column)
  }

  private mutating func escape(_ rest: inout Substring) {
    guard rest.popFirst() == "[" else { return unknownEscapes.append("no [") }
    let parameter = String(rest.prefix { !$0.isLetter })
    rest = rest.dropFirst(parameter.count)
    switch (rest.popFirst(), parameter) {
    case ("A", let count): cursor.row = max(0, cursor.row - (Int(count) ?? 1))
    case ("K", ""): lines[cursor.row] = Array(lines[cursor.row].prefix(cursor.column))
    case ("J", ""):
      lines[cursor.row] = Array(lines[cursor.row].prefix(cursor.column))
      lines.removeSubrange((cursor.row + 1)...)
    case ("l", "?25"): isCursorVisible = false
    case ("h", "?25"): isCursorVisible = true
    case ("m", _): break
    case (let letter, _): unknownEscapes.append("\(parameter)\(letter.map(String.init) ?? "")")
    }
  }
}
