/// The keys of a text as far as they can be told while somebody types: by indentation and brackets, whatever is broken. It serves
/// to know where a cursor is; what a spec means is the compiler's to say.
struct SpecOutline {
  enum Content: Hashable {
    case mapping([Entry])
    case sequence([Int])
    /// A scalar's text, without quotes.
    case scalar(String)
    /// Nothing is written.
    case absent
  }

  /// A key of a mapping.
  struct Entry: Hashable {
    var key: String
    /// Without quotes' meaning: as it is written.
    var keyRange: Range<Int>
    /// Whether a colon follows: otherwise the key is still being typed, or is no key.
    var hasColon: Bool
    /// Index of a node.
    var value: Int
  }

  struct Node: Hashable {
    var content = Content.absent
    /// Of a scalar, or from the first child, or bracket, to the last.
    var range: Range<Int>
    /// In braces or brackets.
    var isFlow = false
    /// Column of a block mapping's keys, in bytes.
    var column = 0
    /// Dotted path of the value: `network.stages[]` for a list's entry.
    var path: String
    /// The node that has this one; nil for the first.
    var parent: Int?
  }

  /// The first is the whole text.
  private(set) var nodes: [Node]

  /// Deeper brackets are passed over: nothing in the language has so many.
  static let greatestDepth = 32
  /// Text behind so many values is passed over: no spec comes near.
  static let mostNodes = 100_000

  /// - Complexity: linear in the text.
  init(_ bytes: [UInt8]) {
    var scanner = OutlineScanner(bytes)
    scanner.run()
    nodes = scanner.nodes
  }

  func entries(_ node: Int) -> [Entry] {
    if case .mapping(let entries) = nodes[node].content { entries } else { [] }
  }

  /// The text of the scalar behind a key of a mapping.
  func scalar(_ key: String, in node: Int) -> String? {
    guard let entry = entries(node).first(where: { $0.key == key }) else { return nil }
    if case .scalar(let text) = nodes[entry.value].content { return text }
    return nil
  }

  /// The mapping at a dotted path outside of lists; nil where none is written.
  func mapping(at path: String) -> Int? {
    var node = 0
    for name in path.split(separator: ".") {
      guard let entry = entries(node).first(where: { $0.key == name }) else { return nil }
      node = entry.value
    }
    if case .mapping = nodes[node].content { return node }
    return nil
  }

  /// Every key with the mapping that has it, in the order of the text.
  var allEntries: [(node: Int, entry: Entry)] {
    nodes.indices.flatMap { node in entries(node).map { (node, $0) } }
      .sorted { $0.1.keyRange.lowerBound < $1.1.keyRange.lowerBound }
  }
}
