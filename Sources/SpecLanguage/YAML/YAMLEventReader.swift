internal import CLibYAML
internal import Diagnostics

/// One event of libyaml with byte-exact places.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd
    case documentStart, documentEnd
    case alias
    case scalar(text: String, isPlain: Bool)
    case sequenceStart(isFlow: Bool)
    case sequenceEnd
    case mappingStart(isFlow: Bool)
    case mappingEnd
  }

  var kind: Kind
  var utf8: Range<Int>
  var hasAnchor = false
  var hasTag = false
}

/// Why libyaml gave up, and where.
struct YAMLSyntaxError: Error {
  /// libyaml's own words, like `did not find expected key`.
  var problem: String
  /// Byte offset of the problem.
  var offset: Int
  /// What libyaml was reading, like `while parsing a block mapping`, and where that began.
  var context: (text: String, offset: Int)?
}

/// Reads a text event by event. Owns libyaml's parser and the bytes it looks at.
@safe struct YAMLEventReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let offsets: CodePointOffsets

  /// - Parameters:
  ///   - bytes: valid UTF-8 without a byte order mark.
  ///   - base: byte offset of the first byte in its source; events count from there.
  init(bytes: ArraySlice<UInt8>, base: Int) {
    unsafe parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    unsafe input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = unsafe input.initialize(from: bytes)
    offsets = CodePointOffsets(bytes: bytes, base: base)
    let status = unsafe yaml_parser_initialize(parser)
    precondition(status == 1, "out of memory")
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    // An empty buffer has no address, and libyaml asserts that there is one.
    let start =
      unsafe input.baseAddress ?? UnsafeMutableRawPointer(parser).assumingMemoryBound(to: UInt8.self)
    unsafe yaml_parser_set_input_string(parser, start, input.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event. After `streamEnd` there is none.
  mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { unsafe yaml_event_delete(&event) }

    let start = unsafe offsets[event.start_mark.index]
    let end = unsafe offsets[event.end_mark.index]
    var result = YAMLEvent(kind: .streamEnd, utf8: start..<max(start, end))
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: result.kind = .streamStart
    case YAML_DOCUMENT_START_EVENT: result.kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: result.kind = .documentEnd
    case YAML_ALIAS_EVENT: result.kind = .alias
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let text = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      result.kind = unsafe .scalar(
        text: String(decoding: text, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      unsafe result.hasAnchor = scalar.anchor != nil
      unsafe result.hasTag = scalar.tag != nil
    case YAML_SEQUENCE_START_EVENT:
      let sequence = unsafe event.data.sequence_start
      result.kind = unsafe .sequenceStart(isFlow: sequence.style == YAML_FLOW_SEQUENCE_STYLE)
      unsafe result.hasAnchor = sequence.anchor != nil
      unsafe result.hasTag = sequence.tag != nil
    case YAML_SEQUENCE_END_EVENT: result.kind = .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      let mapping = unsafe event.data.mapping_start
      result.kind = unsafe .mappingStart(isFlow: mapping.style == YAML_FLOW_MAPPING_STYLE)
      unsafe result.hasAnchor = mapping.anchor != nil
      unsafe result.hasTag = mapping.tag != nil
    case YAML_MAPPING_END_EVENT: result.kind = .mappingEnd
    default: result.kind = .streamEnd
    }
    return result
  }

  private func syntaxError() -> YAMLSyntaxError {
    let problem =
      unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "the text cannot be read"
    var error = YAMLSyntaxError(problem: problem, offset: unsafe offsets[parser.pointee.problem_mark.index])
    if unsafe parser.pointee.error == YAML_READER_ERROR {
      error.offset = unsafe offsets.base + min(parser.pointee.problem_offset, input.count)
    } else if let context = unsafe parser.pointee.context {
      error.context = unsafe (String(cString: context), offsets[parser.pointee.context_mark.index])
    }
    return error
  }
}

/// libyaml counts code points; spans count bytes.
private struct CodePointOffsets {
  let base: Int
  private let byteCount: Int
  /// Byte offset of each code point and of the end; empty where the text is ASCII and both counts agree.
  private var starts: [Int32] = []

  init(bytes: ArraySlice<UInt8>, base: Int) {
    self.base = base
    byteCount = bytes.count
    guard bytes.contains(where: { $0 >= 0x80 }) else { return }
    for (offset, byte) in bytes.enumerated() where byte & 0b1100_0000 != 0b1000_0000 {
      starts.append(Int32(offset))
    }
    starts.append(Int32(byteCount))
  }

  subscript(codePoint: Int) -> Int {
    if starts.isEmpty { return base + min(codePoint, byteCount) }
    return base + Int(starts[min(codePoint, starts.count - 1)])
  }
}
