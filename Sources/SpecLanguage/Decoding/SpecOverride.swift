internal import Diagnostics

/// One `--set path=value`, read and ready to be laid over the file's tree.
struct SpecOverride {
  enum Step {
    case key(String, SourceSpan)
    /// An entry of a list, from 1: `network.stages[2].blocks`.
    case index(Int, SourceSpan)

    var span: SourceSpan {
      switch self {
      case .key(_, let span), .index(_, let span): span
      }
    }
  }

  private let steps: [Step]
  private let value: YAMLNode

  /// Nil where the text is faulty; the faults are in `state` then.
  init?(_ source: SourceFile, state: DecodingState) {
    let scanFaults = SourceScan.faults(in: source)
    guard scanFaults.isEmpty else {
      state.bag.add(contentsOf: scanFaults)
      return nil
    }
    guard let equals = source.bytes.firstIndex(of: UInt8(ascii: "=")),
      let steps = Self.steps(source, SourceScan.byteOrderMarkLength(source.bytes)..<equals)
    else {
      state.bag.add(.malformedOverride(at: source.span(0..<source.bytes.count)))
      return nil
    }
    guard Self.check(steps, state: state) else { return nil }
    let (root, faults) = YAMLComposer.compose(source, utf8: equals + 1..<source.bytes.count)
    state.bag.add(contentsOf: faults)
    if root == nil, !faults.isEmpty { return nil }
    let end = source.bytes.count
    self.steps = steps
    value = root ?? YAMLNode(content: .plain(""), span: source.span(end..<end))
  }

  /// `a.b[2].c` in pieces; nil where it is no path.
  private static func steps(_ source: SourceFile, _ range: Range<Int>) -> [Step]? {
    var steps: [Step] = []
    var start = range.lowerBound
    for part in source.bytes[range].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      start = part.startIndex
      let name = part.prefix { $0 != UInt8(ascii: "[") }
      guard !name.isEmpty else { return nil }
      let nameSpan = source.span(start..<start + name.count)
      steps.append(.key(String(decoding: name, as: UTF8.self), nameSpan))
      var rest = part.dropFirst(name.count)
      while let open = rest.first {
        guard open == UInt8(ascii: "["), let close = rest.firstIndex(of: UInt8(ascii: "]")),
          let index = Int(String(decoding: rest[rest.startIndex + 1..<close], as: UTF8.self)), index >= 0
        else { return nil }
        steps.append(.index(index, source.span(rest.startIndex..<close + 1)))
        rest = rest[(close + 1)...]
      }
    }
    return steps.isEmpty ? nil : steps
  }

  /// Walks the path through the table; the first step that leads nowhere is reported.
  private static func check(_ steps: [Step], state: DecodingState) -> Bool {
    var shape = ValueShape.section(SpecTable.root)
    var path = ""
    for step in steps {
      switch step {
      case .key(let name, let span):
        guard let section = shape.alternative({ if case .section = $0 { true } else { false } }),
          case .section(let keys) = section
        else {
          state.bag.add(.valueHasNoKeys(path, at: span))
          return false
        }
        guard let key = keys[name] else {
          ShapeChecker(state: state).reportUnknownKey(name, at: span, in: keys, path: path)
          return false
        }
        shape = key.shape
        path += path.isEmpty ? name : "." + name
      case .index(let index, let span):
        guard case .list(let element, _)? = shape.alternative({ if case .list = $0 { true } else { false } })
        else {
          state.bag.add(.noSuchEntry(path, count: 0, at: span))
          return false
        }
        shape = element
        path += "[\(index)]"
      }
    }
    return true
  }

  /// Whether the value is YAML's word for nothing: the key is taken away, as if nobody had written it.
  private var dropsKey: Bool {
    guard case .key? = steps.last, case .plain(let text) = value.content, !text.isEmpty else { return false }
    return CoreScalar(text) == .null
  }

  /// Lays the value over the tree. Sections on the way are made where they are missing, and a bare word becomes a
  /// section (`head: mlp` with `network.head.hidden=2`).
  func apply(to root: inout [YAMLPair], state: DecodingState) {
    if dropsKey { return Self.drop(&root, steps[...]) }
    var node = YAMLNode(content: .mapping(root), span: value.span)
    set(&node, steps[...], shape: .section(SpecTable.root), path: "", state: state)
    if case .mapping(let pairs) = node.content { root = pairs }
  }

  private func set(
    _ node: inout YAMLNode, _ rest: ArraySlice<Step>, shape: ValueShape, path: String, state: DecodingState
  ) {
    guard let step = rest.first else {
      node = value
      return
    }
    switch step {
    case .key(let name, let span):
      guard
        case .section(let section)? = shape.alternative({ if case .section = $0 { true } else { false } }),
        let key = section[name]
      else { preconditionFailure("the path was checked") }
      var pairs = Self.pairs(of: node, in: section)
      let index = pairs.firstIndex { $0.key == name } ?? pairs.count
      if index == pairs.count {
        let nothing = YAMLNode(content: .plain(""), span: span)
        pairs.append(YAMLPair(key: name, keySpan: span, value: nothing))
      }
      // The value stands here now, and so does its key.
      if rest.count == 1 { pairs[index].keySpan = span }
      let inner = path.isEmpty ? name : path + "." + name
      set(&pairs[index].value, rest.dropFirst(), shape: key.shape, path: inner, state: state)
      node.content = .mapping(pairs)
    case .index(let index, let span):
      guard case .list(let element, _)? = shape.alternative({ if case .list = $0 { true } else { false } })
      else {
        preconditionFailure("the path was checked")
      }
      guard case .sequence(var items) = node.content, index >= 1, index <= items.count else {
        let count = if case .sequence(let items) = node.content { items.count } else { 0 }
        state.bag.add(.noSuchEntry(path, count: count, at: span))
        return
      }
      set(&items[index - 1], rest.dropFirst(), shape: element, path: "\(path)[\(index)]", state: state)
      node.content = .sequence(items)
    }
  }

  /// Takes a key away, if it is there.
  private static func drop(_ pairs: inout [YAMLPair], _ rest: ArraySlice<Step>) {
    guard case .key(let name, _)? = rest.first else { preconditionFailure("a path begins with a key") }
    guard let index = pairs.firstIndex(where: { $0.key == name }) else { return }
    if rest.count == 1 {
      pairs.remove(at: index)
    } else {
      drop(&pairs[index].value, rest.dropFirst())
    }
  }

  private static func drop(_ node: inout YAMLNode, _ rest: ArraySlice<Step>) {
    switch (rest.first, node.content) {
    case (.key, .mapping(var pairs)):
      drop(&pairs, rest)
      node.content = .mapping(pairs)
    case (.index(let index, _), .sequence(var items)) where items.indices.contains(index - 1):
      drop(&items[index - 1], rest.dropFirst())
      node.content = .sequence(items)
    case _: break  // nothing is written there
    }
  }

  /// The keys of a node that is to be a mapping: its own, a bare word's, or none.
  private static func pairs(of node: YAMLNode, in section: SectionShape) -> [YAMLPair] {
    switch node.content {
    case .mapping(let pairs): return pairs
    case .plain(let text) where CoreScalar(text) == .null: return []
    case .plain, .quoted:
      guard section.allowsBareWord, let discriminator = section.discriminator else { return [] }
      return [YAMLPair(key: discriminator, keySpan: node.span, value: node)]
    case .sequence, .refused: return []
    }
  }
}
