internal import Diagnostics

/// Events to one tree of nodes, in the strict subset of YAML that specs are written in: one document, keys are plain
/// words, no anchors, aliases or tags, no key twice.
struct YAMLComposer: ~Copyable {
  /// Deeper than any spec (six levels), shallow enough for libyaml, whose time grows with the square of the depth.
  static let greatestDepth = 64

  private var reader: YAMLEventReader
  private let file: SourceFileID
  private(set) var faults: [Diagnostic] = []

  /// Stops the reading; its diagnostic is in `faults` already.
  private struct Stop: Error {}

  private init(bytes: ArraySlice<UInt8>, base: Int, file: SourceFileID) {
    reader = YAMLEventReader(bytes: bytes, base: base)
    self.file = file
  }

  /// The tree of a text that ``SourceScan`` has passed, and what the language refuses in it. Nil without a tree: the
  /// text is empty, or reading had to stop.
  /// - Parameter utf8: the part of the source that is YAML; nil for all of it.
  static func compose(_ source: SourceFile, utf8: Range<Int>? = nil) -> (
    root: YAMLNode?, faults: [Diagnostic]
  ) {
    let range = utf8 ?? SourceScan.byteOrderMarkLength(source.bytes)..<source.bytes.count
    var composer = YAMLComposer(bytes: source.bytes[range], base: range.lowerBound, file: source.id)
    do {
      let root = try composer.document()
      return (root, composer.faults)
    } catch {
      return (nil, composer.faults)
    }
  }

  private mutating func document() throws(Stop) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let event = try next()
      switch event.kind {
      case .streamStart, .documentEnd: continue
      case .streamEnd: return root
      case .documentStart:
        if root != nil {
          faults.append(.severalDocuments(at: span(event)))
          return root
        }
        root = try node(from: try next(), depth: 1)
      case .alias, .scalar, .sequenceStart, .sequenceEnd, .mappingStart, .mappingEnd:
        preconditionFailure("libyaml gives nodes inside a document only")
      }
    }
  }

  private mutating func node(from event: YAMLEvent, depth: Int) throws(Stop) -> YAMLNode {
    let span = span(event)
    if event.hasAnchor || event.hasTag {
      // The event's span begins with the anchor or tag.
      let place = SourceSpan(file: file, utf8: span.utf8.lowerBound..<span.utf8.lowerBound + 1)
      faults.append(event.hasAnchor ? .anchor(at: place) : .tag(at: place))
    }
    switch event.kind {
    case .alias:
      faults.append(.anchor(at: span))
      return YAMLNode(content: .refused, span: span)
    case .scalar(let text, let isPlain):
      return YAMLNode(content: isPlain ? .plain(text) : .quoted(text), span: span)
    case .sequenceStart(let isFlow):
      try checkDepth(depth, at: span)
      return try sequence(start: span, isFlow: isFlow, depth: depth)
    case .mappingStart(let isFlow):
      try checkDepth(depth, at: span)
      return try mapping(start: span, isFlow: isFlow, depth: depth)
    case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
      preconditionFailure("the callers take these")
    }
  }

  private mutating func sequence(start: SourceSpan, isFlow: Bool, depth: Int) throws(Stop) -> YAMLNode {
    var items: [YAMLNode] = []
    while true {
      let event = try next()
      if case .sequenceEnd = event.kind {
        let end = isFlow ? event.utf8.upperBound : items.last?.span.utf8.upperBound
        let first = isFlow ? start.utf8.lowerBound : items.first?.span.utf8.lowerBound
        return YAMLNode(content: .sequence(items), span: collectionSpan(first, end, start))
      }
      items.append(try node(from: event, depth: depth + 1))
    }
  }

  private mutating func mapping(start: SourceSpan, isFlow: Bool, depth: Int) throws(Stop) -> YAMLNode {
    var pairs: [YAMLPair] = []
    var seen: [String: Int] = [:]
    while true {
      let event = try next()
      if case .mappingEnd = event.kind {
        let last = pairs.last.map { max($0.keySpan.utf8.upperBound, $0.value.span.utf8.upperBound) }
        let end = isFlow ? event.utf8.upperBound : last
        let first = isFlow ? start.utf8.lowerBound : pairs.first?.keySpan.utf8.lowerBound
        return YAMLNode(content: .mapping(pairs), span: collectionSpan(first, end, start))
      }
      let key = try node(from: event, depth: depth + 1)
      let value = try node(from: try next(), depth: depth + 1)
      switch key.content {
      case .plain(let text), .quoted(let text):
        if let first = seen[text] {
          faults.append(.duplicateKey(text, at: key.span, first: pairs[first].keySpan))
          continue
        }
        seen[text] = pairs.count
        pairs.append(YAMLPair(key: text, keySpan: key.span, value: value))
      case .sequence, .mapping:
        faults.append(.keyIsNoWord(at: key.span))
      case .refused: continue
      }
    }
  }

  private func collectionSpan(_ first: Int?, _ end: Int?, _ start: SourceSpan) -> SourceSpan {
    let first = first ?? start.utf8.lowerBound
    return SourceSpan(file: file, utf8: first..<max(first, end ?? first))
  }

  private mutating func checkDepth(_ depth: Int, at span: SourceSpan) throws(Stop) {
    if depth > Self.greatestDepth {
      faults.append(.nestedTooDeep(limit: Self.greatestDepth, at: span))
      throw Stop()
    }
  }

  private mutating func next() throws(Stop) -> YAMLEvent {
    do {
      return try reader.next()
    } catch {
      faults.append(.syntax(error, in: file))
      throw Stop()
    }
  }

  private func span(_ event: YAMLEvent) -> SourceSpan {
    SourceSpan(file: file, utf8: event.utf8)
  }
}
