/// Reads a text line by line, and brackets within lines.
struct OutlineScanner {
  private(set) var nodes = [SpecOutline.Node(range: 0..<0, path: "")]
  private let bytes: [UInt8]
  private var offset = 0
  /// Blocks that are open, the outermost first.
  private var blocks: [Block] = []

  private struct Block {
    var isSequence: Bool
    var column: Int
    var node: Int
  }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private var lineEnd: Int { bytes[offset...].firstIndex(where: Self.isLineEnd) ?? bytes.count }
  private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
  private func isBlank(_ offset: Int) -> Bool {
    offset >= bytes.count || bytes[offset] == 0x20 || bytes[offset] == 0x09 || Self.isLineEnd(bytes[offset])
  }
  private func byte(_ offset: Int) -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func run() {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    while offset < bytes.count, nodes.count < SpecOutline.mostNodes {
      line()
      if offset < bytes.count, Self.isLineEnd(bytes[offset]) { offset += 1 }
    }
    for index in nodes.indices.reversed() { closeRange(index) }
  }

  /// Collections in blocks reach to the end of their last child.
  private mutating func closeRange(_ index: Int) {
    guard !nodes[index].isFlow else { return }
    let children: [Range<Int>]
    switch nodes[index].content {
    case .mapping(let entries):
      children = entries.map {
        $0.keyRange.lowerBound..<max($0.keyRange.upperBound, nodes[$0.value].range.upperBound)
      }
    case .sequence(let items): children = items.map { nodes[$0].range }
    case .scalar, .absent: return
    }
    guard let first = children.first, let last = children.last else { return }
    nodes[index].range = first.lowerBound..<max(first.lowerBound, last.upperBound)
  }

  /// A line of block style; brackets may take more of them.
  private mutating func line() {
    let start = offset
    while let byte = byte(offset), byte == 0x20 || byte == 0x09 { offset += 1 }
    guard let first = byte(offset), !Self.isLineEnd(first) else { return }
    if first == UInt8(ascii: "#") || bytes[offset...].starts(with: "---".utf8) && offset == start {
      offset = lineEnd
      return
    }
    item(column: offset - start, lineStart: start)
  }

  /// What stands at a column: an entry of a list, a key, or anything else.
  private mutating func item(column: Int, lineStart: Int) {
    if bytes[offset] == UInt8(ascii: "-"), isBlank(offset + 1) {
      while let last = blocks.last,
        last.column > column || last.column == column && !last.isSequence && !canHoldSequence(last)
      {
        blocks.removeLast()
      }
      let sequence = openSequence(column: column)
      let place = offset
      offset += 1
      while let byte = byte(offset), byte == 0x20 || byte == 0x09 { offset += 1 }
      let node = append(path: nodes[sequence].path + "[]", parent: sequence, at: min(offset, lineEnd))
      addItem(node, to: sequence)
      blocks.append(Block(isSequence: false, column: offset - lineStart, node: node))
      guard offset < bytes.count, !Self.isLineEnd(bytes[offset]), bytes[offset] != UInt8(ascii: "#") else {
        // Its keys may follow in the next lines, at any column behind the dash's.
        blocks[blocks.count - 1].column = place - lineStart + 1
        offset = lineEnd
        return
      }
      content(of: node, column: offset - lineStart, lineStart: lineStart)
      return
    }
    guard let key = blockKey() else {
      fragment(column: column)
      return
    }
    let mapping = openMapping(column: column)
    addKey(key, to: mapping, column: column, lineStart: lineStart)
  }

  /// Lists may stand at their key's own column.
  private func canHoldSequence(_ block: Block) -> Bool {
    guard case .mapping(let entries) = nodes[block.node].content, let last = entries.last, last.hasColon
    else {
      return false
    }
    switch nodes[last.value].content {
    case .absent, .sequence: return !nodes[last.value].isFlow
    case .mapping, .scalar: return false
    }
  }

  private mutating func openSequence(column: Int) -> Int {
    if let last = blocks.last, last.isSequence, last.column == column { return last.node }
    let node = valueOfLastKey()
    if case .sequence = nodes[node].content {} else { nodes[node].content = .sequence([]) }
    blocks.append(Block(isSequence: true, column: column, node: node))
    return node
  }

  /// The node that a new block belongs to.
  private func valueOfLastKey() -> Int {
    guard let last = blocks.last else { return 0 }
    guard case .mapping(let entries) = nodes[last.node].content, let entry = entries.last else {
      return last.node
    }
    return entry.value
  }

  private mutating func openMapping(column: Int) -> Int {
    while let last = blocks.last, last.column > column || last.column == column && last.isSequence {
      blocks.removeLast()
    }
    if let last = blocks.last, !last.isSequence {
      if last.column == column { return mapping(last.node) }
      if case .absent = nodes[last.node].content {
        // An entry of a list whose keys begin in a line of their own.
        blocks[blocks.count - 1].column = column
        return mapping(last.node)
      }
    }
    let node = valueOfLastKey()
    blocks.append(Block(isSequence: false, column: column, node: node))
    return mapping(node)
  }

  private mutating func mapping(_ node: Int) -> Int {
    if case .mapping = nodes[node].content { return node }
    nodes[node].content = .mapping([])
    nodes[node].isFlow = false
    nodes[node].column = blocks.last?.column ?? 0
    return node
  }

  /// A key with its colon in this line; nil: there is none. The offset is behind the colon then.
  private mutating func blockKey() -> (text: String, range: Range<Int>)? {
    let end = lineEnd
    var index = offset
    if let quote = byte(offset), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
      guard let close = bytes[(offset + 1)..<end].firstIndex(of: quote) else { return nil }
      index = close + 1
    } else if let first = byte(offset), "{}[],#&*!|>%@`".utf8.contains(first) {
      return nil
    }
    while index < end {
      if bytes[index] == UInt8(ascii: ":"), isBlank(index + 1) {
        let range = trimmed(offset..<index)
        offset = index + 1
        return (text(range), range)
      }
      if bytes[index] == UInt8(ascii: "#"), index > 0, isBlank(index - 1) { return nil }
      index += 1
    }
    return nil
  }

  private mutating func addKey(
    _ key: (text: String, range: Range<Int>), to mapping: Int, column: Int, lineStart: Int
  ) {
    let path = nodes[mapping].path.isEmpty ? key.text : nodes[mapping].path + "." + key.text
    while let byte = byte(offset), byte == 0x20 || byte == 0x09 { offset += 1 }
    let value = append(path: path, parent: mapping, at: min(offset, lineEnd))
    add(SpecOutline.Entry(key: key.text, keyRange: key.range, hasColon: true, value: value), to: mapping)
    guard offset < bytes.count, !Self.isLineEnd(bytes[offset]), bytes[offset] != UInt8(ascii: "#") else {
      nodes[value].range = key.range.upperBound + 1..<key.range.upperBound + 1
      offset = lineEnd
      return
    }
    self.value(of: value, column: column)
  }

  private mutating func add(_ entry: SpecOutline.Entry, to mapping: Int) {
    guard case .mapping(var entries) = nodes[mapping].content else { return }
    // One owner, so that appending does not copy.
    nodes[mapping].content = .absent
    entries.append(entry)
    nodes[mapping].content = .mapping(entries)
  }

  private mutating func addItem(_ item: Int, to sequence: Int) {
    guard case .sequence(var items) = nodes[sequence].content else { return }
    nodes[sequence].content = .absent
    items.append(item)
    nodes[sequence].content = .sequence(items)
  }

  private mutating func append(path: String, parent: Int, at offset: Int) -> Int {
    nodes.append(SpecOutline.Node(range: offset..<offset, path: path, parent: parent))
    return nodes.count - 1
  }

  /// An entry of a list, in the dash's line.
  private mutating func content(of node: Int, column: Int, lineStart: Int) {
    if let key = blockKey() {
      addKey(key, to: mapping(node), column: column, lineStart: lineStart)
    } else {
      value(of: node, column: column - 1)
    }
  }

  /// A word alone in a line: a key that is still typed, or a value behind its key's line.
  private mutating func fragment(column: Int) {
    if bytes[offset] == UInt8(ascii: "{") || bytes[offset] == UInt8(ascii: "[") {
      let node = valueOfLastKey()
      if case .absent = nodes[node].content {
        value(of: node, column: -1)
      } else {
        offset = lineEnd
      }
      return
    }
    let range = plainRange(inFlow: false)
    let mapping = openMapping(column: column)
    let path = nodes[mapping].path.isEmpty ? text(range) : nodes[mapping].path + "." + text(range)
    let value = append(path: path, parent: mapping, at: range.upperBound)
    add(SpecOutline.Entry(key: text(range), keyRange: range, hasColon: false, value: value), to: mapping)
    offset = lineEnd
  }

  /// A value behind its key, or an entry of a list.
  ///
  /// - Parameter column: of the key: lines further to the right go on in brackets and in block scalars.
  private mutating func value(of node: Int, column: Int) {
    switch bytes[offset] {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      flow(node, column: column, depth: 1)
      offset = lineEnd
    case UInt8(ascii: "|"), UInt8(ascii: ">"):
      let start = offset
      nodes[node].content = .scalar("")
      offset = lineEnd
      passOverBlockScalar(column: column)
      nodes[node].range = start..<offset
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      quoted(node)
      offset = lineEnd
    case _:
      let range = plainRange(inFlow: false)
      nodes[node].range = range
      nodes[node].content = range.isEmpty ? .absent : .scalar(text(range))
      offset = lineEnd
    }
  }

  private mutating func passOverBlockScalar(column: Int) {
    while offset < bytes.count {
      let start = offset + 1
      guard start <= bytes.count else { return }
      var index = start
      while let byte = byte(index), byte == 0x20 { index += 1 }
      if index < bytes.count, !Self.isLineEnd(bytes[index]), index - start <= column { return }
      offset = start
      if offset >= bytes.count { return }
      offset = lineEnd
    }
  }

  private mutating func quoted(_ node: Int) {
    let quote = bytes[offset]
    let start = offset
    offset += 1
    while offset < bytes.count, bytes[offset] != quote, !Self.isLineEnd(bytes[offset]) {
      offset += bytes[offset] == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") ? 2 : 1
    }
    offset = min(offset, bytes.count)
    let inner = start + 1..<max(start + 1, offset)
    if offset < bytes.count, bytes[offset] == quote { offset += 1 }
    nodes[node].range = start..<offset
    nodes[node].content = .scalar(text(inner))
  }

  /// To the end of the line, a comment, or, in brackets, to what ends an entry; without blanks at its ends.
  private func plainRange(inFlow: Bool) -> Range<Int> {
    var index = offset
    while index < bytes.count, !Self.isLineEnd(bytes[index]) {
      let byte = bytes[index]
      if byte == UInt8(ascii: "#"), index > 0, isBlank(index - 1) { break }
      if inFlow {
        if ",{}[]".utf8.contains(byte) { break }
        if byte == UInt8(ascii: ":"), isBlank(index + 1) || ",{}[]\"'".utf8.contains(bytes[index + 1]) {
          break
        }
      }
      index += 1
    }
    return trimmed(offset..<index)
  }

  private func trimmed(_ range: Range<Int>) -> Range<Int> {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    return range.lowerBound..<end
  }

  private func text(_ range: Range<Int>) -> String {
    var slice = bytes[range]
    if slice.count >= 2, let first = slice.first, first == slice.last, first == 0x22 || first == 0x27 {
      slice = slice.dropFirst().dropLast()
    }
    return String(decoding: slice, as: UTF8.self)
  }

  // MARK: - Brackets

  /// Passes over blanks, line ends and comments within brackets.
  ///
  /// - Returns: false where the bracket was forgotten: a line begins with a key that stands no further to the right than `column`.
  private mutating func skipInFlow(column: Int) -> Bool {
    while let byte = byte(offset) {
      if byte == UInt8(ascii: "#"), offset == 0 || isBlank(offset - 1) {
        offset = lineEnd
      } else if Self.isLineEnd(byte) {
        var index = offset + 1
        while let byte = self.byte(index), byte == 0x20 { index += 1 }
        if column >= 0, index - offset - 1 <= column, let next = self.byte(index),
          !Self.isLineEnd(next), !"]}#".utf8.contains(next)
        {
          return false
        }
        offset += 1
      } else if byte == 0x20 || byte == 0x09 {
        offset += 1
      } else {
        return true
      }
    }
    return false
  }

  private mutating func flow(_ node: Int, column: Int, depth: Int) {
    let start = offset
    let isMapping = bytes[offset] == UInt8(ascii: "{")
    let close = isMapping ? UInt8(ascii: "}") : UInt8(ascii: "]")
    nodes[node].isFlow = true
    nodes[node].content = isMapping ? .mapping([]) : .sequence([])
    offset += 1
    while nodes.count < SpecOutline.mostNodes, skipInFlow(column: column), let byte = byte(offset) {
      if byte == close {
        offset += 1
        break
      }
      if byte == UInt8(ascii: ",") {
        offset += 1
      } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
        // The wrong bracket closes something around this, if anything.
        if depth > 1 { break }
        offset += 1
      } else if isMapping {
        flowEntry(of: node, column: column, depth: depth)
      } else {
        let item = append(path: nodes[node].path + "[]", parent: node, at: offset)
        addItem(item, to: node)
        flowValue(item, column: column, depth: depth)
      }
    }
    nodes[node].range = start..<max(start + 1, min(offset, bytes.count))
  }

  private mutating func flowEntry(of mapping: Int, column: Int, depth: Int) {
    let start = offset
    if bytes[offset] == UInt8(ascii: "{") || bytes[offset] == UInt8(ascii: "[") {
      // No key: passed over with what it holds.
      let stray = append(path: nodes[mapping].path + ".?", parent: mapping, at: offset)
      flowValue(stray, column: column, depth: depth)
      return
    }
    var range: Range<Int>
    if bytes[offset] == 0x22 || bytes[offset] == 0x27 {
      let scratch = append(path: "", parent: mapping, at: offset)
      quoted(scratch)
      range = start..<offset
    } else {
      range = plainRange(inFlow: true)
      offset = max(range.upperBound, start)
    }
    if range.isEmpty, offset == start, bytes[offset] != UInt8(ascii: ":") {
      offset += 1
      return
    }
    let key = text(range)
    let path = nodes[mapping].path.isEmpty ? key : nodes[mapping].path + "." + key
    while let byte = byte(offset), byte == 0x20 { offset += 1 }
    let hasColon = byte(offset) == UInt8(ascii: ":")
    if hasColon { offset += 1 }
    let value = append(path: path, parent: mapping, at: min(offset, bytes.count))
    add(SpecOutline.Entry(key: key, keyRange: range, hasColon: hasColon, value: value), to: mapping)
    guard hasColon, skipInFlow(column: column), let next = byte(offset), !",}]".utf8.contains(next) else {
      return
    }
    flowValue(value, column: column, depth: depth)
  }

  private mutating func flowValue(_ node: Int, column: Int, depth: Int) {
    switch bytes[offset] {
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard depth < SpecOutline.greatestDepth else {
        offset += 1
        return
      }
      flow(node, column: column, depth: depth + 1)
    case 0x22, 0x27: quoted(node)
    case _:
      let range = plainRange(inFlow: true)
      nodes[node].range = range
      nodes[node].content = range.isEmpty ? .absent : .scalar(text(range))
      offset = max(range.upperBound, offset)
      if range.isEmpty { offset += 1 }
    }
  }
}
