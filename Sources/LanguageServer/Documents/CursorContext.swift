internal import SpecLanguage

/// What an editor's cursor is at.
struct CursorContext {
  enum Place: Hashable {
    /// A key of the section at `path` is typed, or may be.
    case key
    /// The value of the key at `path`, or an entry of its list.
    case value
  }

  var place: Place
  /// Dotted: of the section that lacks the key, or of the value: `network.stages[]` for an entry of a list.
  var path: String
  /// Bytes in front of the cursor that belong to the word that is typed; of a key that has its colon, all of it.
  var prefix: Range<Int>
  /// Whether the key's colon is there.
  var hasColon = false
  /// In the outline: the mapping that has the key, or will have it.
  var mapping: Int
  /// Of the text with the word at the cursor in it.
  let outline: SpecOutline
  var isFlow: Bool
  /// Blanks in front of a key of a block.
  var column: Int

  /// Stands where the cursor is, so that there is a word in any case; specs have no such character.
  private static let mark: UInt8 = 0x01

  /// - Returns: nil in a comment, and where nothing of a spec can stand.
  init?(_ bytes: [UInt8], cursor: Int) {
    var marked = bytes
    // A word that goes on behind the cursor is replaced in front of it alone: as editors do.
    marked.insert(Self.mark, at: cursor)
    let outline = SpecOutline(marked)
    for (node, entry) in outline.allEntries {
      if entry.keyRange.lowerBound <= cursor, cursor < entry.keyRange.upperBound,
        entry.key.utf8.contains(Self.mark)
      {
        self.init(key: entry, in: node, outline, cursor: cursor)
        return
      }
    }
    for (index, node) in outline.nodes.enumerated() {
      guard case .scalar(let text) = node.content, text.utf8.contains(Self.mark), node.range.contains(cursor)
      else { continue }
      self.init(
        place: .value, path: node.path, prefix: node.range.lowerBound..<cursor,
        mapping: outline.mappingAround(index), outline: outline, isFlow: true, column: 0)
      return
    }
    return nil
  }

  private init(key entry: SpecOutline.Entry, in node: Int, _ outline: SpecOutline, cursor: Int) {
    let mapping = outline.nodes[node]
    self.init(
      place: .key, path: mapping.path,
      // One byte of the key is the mark.
      prefix: entry.keyRange.lowerBound..<(entry.hasColon ? entry.keyRange.upperBound - 1 : cursor),
      mapping: node,
      outline: outline, isFlow: mapping.isFlow, column: mapping.column)
    hasColon = entry.hasColon
  }

  private init(
    place: Place, path: String, prefix: Range<Int>, mapping: Int, outline: SpecOutline, isFlow: Bool,
    column: Int
  ) {
    self.place = place
    self.path = path
    self.prefix = prefix
    self.mapping = mapping
    self.outline = outline
    self.isFlow = isFlow
    self.column = column
  }
}

extension SpecOutline {
  /// The nearest mapping around a node.
  func mappingAround(_ node: Int) -> Int {
    var node = nodes[node].parent
    while let index = node {
      if case .mapping = nodes[index].content { return index }
      node = nodes[index].parent
    }
    return 0
  }

  /// The kind of a section: written, taken from the section around a list's entry, or by default; nil: nobody knows.
  func kind(of mapping: Int, discriminator: String) -> String? {
    if let word = scalar(discriminator, in: mapping) { return word }
    let path = nodes[mapping].path
    if KeyReference.inheritsEnclosing(section: path), nodes[mapping].parent != nil {
      return kind(of: mappingAround(mapping), discriminator: discriminator)
    }
    return KeyReference.kindByDefault(ofSection: path)
  }
}
