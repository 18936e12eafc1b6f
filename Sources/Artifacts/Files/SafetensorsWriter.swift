package import Base
internal import Text

/// What was written.
package struct SafetensorsReceipt: Hashable, Sendable {
  package let byteCount: Int
  /// Of the whole file, lowercase hexadecimal.
  package let sha256: String
}

extension Safetensors {
  /// Writes a file of `tensors`, atomically, a chunk at a time: the model is never in memory twice.
  ///
  /// Tensors are written in the order of their names' UTF-8 bytes, metadata in the order of its keys: the same tensors give
  /// the same file to the byte, in whatever order they come. The header is padded with blanks so that numbers begin at a
  /// multiple of eight bytes.
  ///
  /// - Parameters:
  ///   - metadata: texts by name; `format` is added and says `pt`, which loaders of PyTorch models ask for.
  ///   - fill: writes the numbers of tensor `index` of `tensors` from element `start` on into the span, all of it.
  /// - Precondition: names are distinct, none is `__metadata__`.
  package static func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], to path: String,
    fill: (_ index: Int, _ start: Int, _ numbers: inout MutableSpan<Float>) -> Void
  ) throws(FileError) -> SafetensorsReceipt {
    try write(tensors, metadata: metadata, into: try AtomicFile(path: path), fill: fill)
  }

  /// The same into a file that nothing has been written to.
  static func write(
    _ tensors: [Tensor], metadata: [String: String] = [:], into file: consuming AtomicFile,
    fill: (_ index: Int, _ start: Int, _ numbers: inout MutableSpan<Float>) -> Void
  ) throws(FileError) -> SafetensorsReceipt {
    let order = tensors.indices.sorted { precedes(tensors[$0].name, tensors[$1].name) }
    let header = header(of: order.map { tensors[$0] }, metadata: metadata)
    var hash = SHA256()
    var byteCount = header.count
    try unsafe file.write(header.span.bytes)
    unsafe hash.update(header.span.bytes)

    var chunk = [Float](repeating: 0, count: chunkCount)
    for index in order {
      let elementCount = tensors[index].elementCount
      var start = 0
      while start < elementCount {
        let count = min(chunkCount, elementCount - start)
        unsafe chunk.withUnsafeMutableBufferPointer { whole in
          let part = unsafe UnsafeMutableBufferPointer(rebasing: whole[..<count])
          var numbers = unsafe part.mutableSpan
          fill(index, start, &numbers)
        }
        // Floats lie in memory as in the file: little-endian, as every machine Swift runs on.
        let bytes = unsafe chunk.span.extracting(first: count).bytes
        try file.write(bytes)
        hash.update(bytes)
        start += count
      }
      byteCount += tensors[index].byteCount
    }
    try file.commit()
    return SafetensorsReceipt(byteCount: byteCount, sha256: hash.finalize())
  }

  /// What `write` will write.
  static func byteCount(of tensors: [Tensor], metadata: [String: String] = [:]) -> Int {
    let order = tensors.sorted { precedes($0.name, $1.name) }
    return headerByteCount(of: order, metadata: metadata) + tensors.map(\.byteCount).reduce(0, +)
  }

  /// Of `header` with the same arguments, without making it: plans state the sizes of files for each of many stages.
  static func headerByteCount(of tensors: [Tensor], metadata: [String: String]) -> Int {
    func digits(_ number: Int) -> Int {
      var (count, rest) = (1, number / 10)
      while rest > 0 { (count, rest) = (count + 1, rest / 10) }
      return count
    }
    var byteCount = line(of: [], metadata: metadata).count
    var offset = 0
    for tensor in tensors {
      let name = JSONWriter.line(.string(tensor.name)).utf8.count
      let shape = tensor.shape.map(digits).reduce(max(0, tensor.shape.count - 1), +)
      let end = offset + tensor.byteCount
      byteCount += name + shape + digits(offset) + digits(end) + tensorFrame.count
      offset = end
    }
    return 8 + (byteCount + 7) & ~7
  }

  /// What stands around a tensor's name and numbers.
  private static let tensorFrame = #",:{"dtype":"F32","shape":[],"data_offsets":[,]}"#.utf8

  /// Length and JSON of the header, padded with blanks.
  ///
  /// - Parameters:
  ///   - tensors: in the order of their bytes.
  ///   - byteCount: of the whole; nil for as many as it takes, up to a multiple of eight.
  static func header(of tensors: [Tensor], metadata: [String: String], byteCount: Int? = nil) -> [UInt8] {
    var json = line(of: tensors, metadata: metadata)
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    if let byteCount {
      precondition(byteCount % 8 == 0 && json.count + 8 <= byteCount, "the header has the room it needs")
      json += [UInt8](repeating: UInt8(ascii: " "), count: byteCount - 8 - json.count)
    }
    precondition(json.count <= largestHeaderByteCount, "a model has thousands of tensors, not millions")
    let length = UInt64(json.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
  }

  /// The header's JSON, not padded.
  private static func line(of tensors: [Tensor], metadata: [String: String]) -> [UInt8] {
    var metadata = metadata
    metadata["format"] = "pt"
    let texts = metadata.keys.sorted(by: precedes).map {
      (key: $0, value: JSON.optional(metadata[$0], JSON.string))
    }
    var members: [(key: String, value: JSON)] = [(key: metadataKey, value: .object(texts))]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.byteCount
      members.append(
        (
          key: tensor.name,
          value: [
            "dtype": "F32", "shape": .array(tensor.shape.map { .integer($0) }),
            "data_offsets": [.integer(offset), .integer(end)],
          ]
        ))
      offset = end
    }
    return Array(JSONWriter.line(.object(members)).utf8)
  }

  /// Of UTF-8 bytes, so that no locale and no Unicode version has a say.
  private static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
}
