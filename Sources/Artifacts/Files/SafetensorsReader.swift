internal import Base
internal import Glibc

/// An open safetensors file whose header was checked: the tensors' bytes follow each other without gap or overlap and fill the
/// file exactly. Numbers are read on demand, straight to where they are wanted, as 32-bit floats.
package struct SafetensorsReader: ~Copyable {
  package let path: String
  /// In the order of their bytes.
  package let tensors: [Safetensors.Tensor]
  /// In the file's order.
  package let metadata: [(key: String, value: String)]

  /// The header's JSON as it stands in the file.
  let header: [UInt8]
  private let descriptor: FileDescriptor
  /// Of each tensor's first byte in the file.
  private let offsets: [Int]
  private let indexByName: [String: Int]

  /// - Parameters:
  ///   - headerLimit: bytes; a longer header is refused before it is read.
  ///   - acceptsOtherTypes: whether tensors may be other than 32-bit floats; numbers of those that are not `isReadable` can't
  ///     be read.
  package init(
    path: String, headerLimit: Int = Safetensors.largestHeaderByteCount, acceptsOtherTypes: Bool = false
  ) throws(SafetensorsError) {
    try self.init(
      try Self.open(path), path: path, headerLimit: headerLimit, acceptsOtherTypes: acceptsOtherTypes)
  }

  /// The same of a file of a folder, which must be no link.
  package init(
    _ name: String, in folder: borrowing FolderDescriptor,
    headerLimit: Int = Safetensors.largestHeaderByteCount
  ) throws(SafetensorsError) {
    let descriptor: FileDescriptor
    do throws(FileError) { descriptor = try folder.open(name, flags: O_RDONLY) } catch { throw .file(error) }
    try self.init(
      descriptor, path: folder.path(of: name), headerLimit: headerLimit, acceptsOtherTypes: false)
  }

  private init(
    _ descriptor: consuming FileDescriptor, path: String, headerLimit: Int, acceptsOtherTypes: Bool
  ) throws(SafetensorsError) {
    let fileByteCount = try Self.byteCount(of: descriptor)
    let prefix = try Self.read(descriptor, 0..<8, fileByteCount: fileByteCount)
    let length = prefix.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    guard length >= 2, length <= UInt64(headerLimit) else {
      throw .malformed(
        path: path, offset: 0, expected: "a header of 2 to \(headerLimit) bytes",
        found: "\(length)")
    }
    let start = 8 + Int(length)
    let json = try Self.read(descriptor, 8..<start, fileByteCount: fileByteCount)
    let header: SafetensorsHeader
    do throws(JSONScanner.Fault) { header = try SafetensorsHeader(json: json, base: 8) } catch {
      throw .malformed(path: path, offset: 8 + error.offset, expected: error.expected, found: error.found)
    }
    if !acceptsOtherTypes, let entry = header.entries.first(where: { $0.type != "F32" }) {
      throw .unsupportedType(path: path, offset: entry.typeOffset, tensor: entry.name, type: entry.type)
    }
    let places = try Self.places(header.entries, path: path)
    let byteCount = places.last?.bytes.upperBound ?? 0
    // Offsets are below 2^63; so is a file's size.
    guard byteCount == fileByteCount - start else {
      let (expected, overflow) = start.addingReportingOverflow(byteCount)
      throw .wrongSize(path: path, expected: overflow ? .max : expected, found: fileByteCount)
    }
    self.path = path
    self.tensors = places.map(\.tensor)
    self.offsets = places.map { start + $0.bytes.lowerBound }
    self.metadata = header.metadata
    self.header = json
    self.indexByName = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1.tensor.name, $0) })
    self.descriptor = descriptor
  }

  /// Where `name` stands in `tensors`.
  package func index(of name: String) -> Int? { indexByName[name] }

  /// Fills `target` with the numbers of tensor `index` of `tensors` from element `start` on.
  ///
  /// - Returns: how many finite numbers are beyond 32-bit floats, and became infinite.
  /// - Precondition: the tensor has as many, and its type is readable.
  /// - Complexity: other types than 32-bit floats take a buffer of the stored numbers.
  @discardableResult
  package func read(
    _ index: Int, from start: Int = 0, into target: inout MutableSpan<Float>
  ) throws(SafetensorsError) -> Int {
    precondition(
      start >= 0 && target.count <= tensors[index].elementCount - start,
      "the tensor has as many numbers as are asked for")
    let type = tensors[index].type
    guard let size = type.byteCount, type.isReadable else {
      preconditionFailure("callers refuse tensors of other types")
    }
    if type == .float32 {
      var bytes = unsafe target.mutableBytes
      try read(&bytes, at: offsets[index] + size * start)
      return 0
    }
    var stored = [UInt8](repeating: 0, count: size * target.count)
    var span = stored.mutableSpan
    var bytes = unsafe span.mutableBytes
    try read(&bytes, at: offsets[index] + size * start)
    return unsafe Safetensors.convert(stored.span.bytes, of: type, into: &target)
  }

  /// Fills `target` with the bytes of tensor `index` of `tensors`.
  /// - Precondition: the tensor has as many.
  package func readBytes(_ index: Int, into target: inout MutableRawSpan) throws(SafetensorsError) {
    precondition(target.byteCount == tensors[index].byteCount, "the whole tensor")
    try read(&target, at: offsets[index])
  }

  /// Of all bytes of the file, in lowercase hexadecimal.
  func sha256() throws(SafetensorsError) -> String {
    do throws(FileError) { return try descriptor.sha256() } catch { throw .file(error) }
  }

  private func read(_ target: inout MutableRawSpan, at offset: Int) throws(SafetensorsError) {
    let byteCount = target.byteCount
    var failure: FileError?
    var isWhole = true
    unsafe target.withUnsafeMutableBytes { bytes in
      do throws(FileError) { isWhole = try unsafe descriptor.read(into: bytes, at: offset) } catch {
        failure = error
      }
    }
    if let failure { throw .file(failure) }
    guard isWhole else {
      // It was whole when it was opened.
      throw .malformed(path: path, offset: offset, expected: "\(byteCount) bytes", found: "the end")
    }
  }

  // MARK: - Opening

  private static func open(_ path: String) throws(SafetensorsError) -> FileDescriptor {
    // NONBLOCK: a pipe under the file's name must not make anybody wait; it is refused for its size.
    do throws(FileError) { return try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK) } catch {
      throw .file(error)
    }
  }

  private static func byteCount(of descriptor: borrowing FileDescriptor) throws(SafetensorsError) -> Int {
    do throws(FileError) { return try descriptor.byteCount() } catch { throw .file(error) }
  }

  private static func read(
    _ descriptor: borrowing FileDescriptor, _ range: Range<Int>, fileByteCount: Int
  ) throws(SafetensorsError) -> [UInt8] {
    guard range.upperBound <= fileByteCount else {
      throw .wrongSize(path: descriptor.path, expected: range.upperBound, found: fileByteCount)
    }
    var bytes = [UInt8](repeating: 0, count: range.count)
    var failure: FileError?
    unsafe bytes.withUnsafeMutableBytes { target in
      do throws(FileError) {
        guard try unsafe descriptor.read(into: target, at: range.lowerBound) else {
          throw FileError(path: descriptor.path, operation: "read", code: EIO)
        }
      } catch { failure = error }
    }
    if let failure { throw .file(failure) }
    return bytes
  }

  private struct Place {
    var tensor: Safetensors.Tensor
    var bytes: Range<Int>
  }

  /// The tensors in the order of their bytes, after checking that each has the bytes its shape needs, and that together
  /// they leave no gap.
  private static func places(_ entries: [SafetensorsEntry], path: String) throws(SafetensorsError) -> [Place]
  {
    var places: [Place] = []
    var next = 0
    // Empty tensors lie at the beginning of what follows; names decide between them.
    for entry in entries.sorted(by: precedes) {
      let type = Safetensors.ElementType(word: entry.type)
      func wrongPlace(_ expected: String, _ found: String) -> SafetensorsError {
        .wrongPlace(
          path: path, offset: entry.dataOffsetsOffset, tensor: entry.name, expected: expected, found: found)
      }
      let offsets = "data_offsets \(entry.dataOffsets)"
      guard entry.dataOffsets.count == 2, entry.dataOffsets[0] <= entry.dataOffsets[1] else {
        throw wrongPlace("a beginning and an end", offsets)
      }
      // Of an unknown type no number takes more than eight bytes; what it takes is not checked.
      guard let byteCount = byteCount(of: entry.shape, elementByteCount: type.byteCount ?? 8) else {
        throw wrongPlace("a shape that fits 63 bits", "\(entry.shape)")
      }
      let bytes = entry.dataOffsets[0]..<entry.dataOffsets[1]
      guard bytes.count == byteCount || type.byteCount == nil else {
        throw wrongPlace("\(byteCount) bytes for shape \(entry.shape) of type \(entry.type)", offsets)
      }
      guard bytes.lowerBound == next else { throw wrongPlace("bytes from \(next) on", offsets) }
      next = bytes.upperBound
      places.append(
        Place(tensor: Safetensors.Tensor(name: entry.name, shape: entry.shape, type: type), bytes: bytes))
    }
    return places
  }

  private static func precedes(_ a: SafetensorsEntry, _ b: SafetensorsEntry) -> Bool {
    if a.dataOffsets != b.dataOffsets { return a.dataOffsets.lexicographicallyPrecedes(b.dataOffsets) }
    return a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
  }

  /// - Parameter size: of an element.
  private static func byteCount(of shape: [Int], elementByteCount size: Int) -> Int? {
    var product = size
    // Without the zeros first: [2^62, 2^62, 0] is empty, but no product of ours may wrap on the way.
    for size in shape.filter({ $0 != 0 }) {
      let (value, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      product = value
    }
    return shape.contains(0) ? 0 : product
  }
}
