/// One tensor as a header tells of it, with the places of its words in the file.
struct SafetensorsEntry: Hashable {
  var name: String
  var type: String
  var typeOffset: Int
  var shape: [Int]
  var dataOffsets: [Int]
  var dataOffsetsOffset: Int
}

/// A parsed header: grammar only, no tensor is checked yet.
struct SafetensorsHeader {
  var entries: [SafetensorsEntry] = []
  /// Name and text, in the file's order.
  var metadata: [(key: String, value: String)] = []

  /// - Parameter base: the offset in the file of the first byte of `json`.
  init(json: [UInt8], base: Int) throws(JSONScanner.Fault) {
    var scanner = JSONScanner(json)
    var names: Set<String> = []
    var entries: [SafetensorsEntry] = []
    var metadata: [(key: String, value: String)] = []
    try scanner.object { (scanner, name, offset) throws(JSONScanner.Fault) in
      guard names.insert(name).inserted else {
        throw JSONScanner.Fault(offset: offset, expected: "each name once", found: "'\(name)' again")
      }
      if name == Safetensors.metadataKey {
        try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
          metadata.append((key: key, value: try scanner.string()))
        }
      } else {
        entries.append(try Self.entry(&scanner, name: name, offset: offset, base: base))
      }
    }
    try scanner.end()
    self.entries = entries
    self.metadata = metadata
  }

  private static func entry(
    _ scanner: inout JSONScanner, name: String, offset: Int, base: Int
  ) throws(JSONScanner.Fault) -> SafetensorsEntry {
    var type: String?
    var shape: [Int]?
    var dataOffsets: [Int]?
    var typeOffset = 0
    var dataOffsetsOffset = 0
    try scanner.object { (scanner, key, keyOffset) throws(JSONScanner.Fault) in
      let isNew: Bool
      switch key {
      case "dtype":
        isNew = type == nil
        typeOffset = base + keyOffset
        type = try scanner.string()
      case "shape":
        isNew = shape == nil
        shape = try scanner.naturalNumbers()
      case "data_offsets":
        isNew = dataOffsets == nil
        dataOffsetsOffset = base + keyOffset
        dataOffsets = try scanner.naturalNumbers()
      default: isNew = false
      }
      guard isNew else {
        throw JSONScanner.Fault(
          offset: keyOffset, expected: "dtype, shape and data_offsets, each once", found: "'\(key)'")
      }
    }
    guard let type, let shape, let dataOffsets else {
      throw JSONScanner.Fault(
        offset: offset, expected: "dtype, shape and data_offsets of '\(name)'", found: "fewer")
    }
    return SafetensorsEntry(
      name: name, type: type, typeOffset: typeOffset, shape: shape,
      dataOffsets: dataOffsets,
      dataOffsetsOffset: dataOffsetsOffset)
  }
}
