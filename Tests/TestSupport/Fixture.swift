import Foundation

/// A small safetensors file of `Tests/Fixtures`, read whole: names to tensors.
///
/// The format: 8 bytes of little-endian header length, a JSON header `{name: {dtype, shape, data_offsets}}`, then the
/// numbers, little-endian and row-major. F32, F64, I32 and I64 are understood.
package struct Fixture: Sendable {
  package struct Tensor: Sendable, Equatable {
    package let shape: [Int]
    /// Row-major; the value of every element type that is read, exactly for integers below 2^53.
    package let values: [Double]

    package var floats: [Float] { values.map { Float($0) } }
    package var integers: [Int] { values.map { Int($0) } }

    package init(shape: [Int], values: [Double]) {
      self.shape = shape
      self.values = values
    }
  }

  package enum ReadError: Error, Equatable {
    case notFound(path: String)
    case malformed(reason: String)
    case noSuchTensor(name: String)
  }

  private let tensors: [String: Tensor]

  /// Reads `Tests/Fixtures/NAME`, for example `pytorch/max-pool-mlp-sr.safetensors`.
  package init(named name: String) throws(ReadError) {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Fixtures").appendingPathComponent(name)
    guard let data = try? Data(contentsOf: file) else { throw .notFound(path: file.path) }
    try self.init(bytes: [UInt8](data))
  }

  package init(bytes: [UInt8]) throws(ReadError) {
    guard bytes.count >= 8 else { throw .malformed(reason: "shorter than its header length") }
    let headerCount = Self.littleEndian(bytes[0..<8])
    guard headerCount <= UInt64(bytes.count - 8) else {
      throw .malformed(reason: "header longer than the file")
    }
    let dataStart = 8 + Int(headerCount)
    guard
      let json = try? JSONSerialization.jsonObject(with: Data(bytes[8..<dataStart])),
      let header = json as? [String: Any]
    else { throw .malformed(reason: "header is not a JSON object") }
    var tensors: [String: Tensor] = [:]
    for (name, value) in header where name != "__metadata__" {
      guard
        let entry = value as? [String: Any], let type = entry["dtype"] as? String,
        let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int],
        offsets.count == 2,
        0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= bytes.count - dataStart
      else { throw .malformed(reason: "entry of '\(name)'") }
      let slice = bytes[(dataStart + offsets[0])..<(dataStart + offsets[1])]
      guard let values = Self.numbers(in: slice, type: type), values.count == shape.reduce(1, *) else {
        throw .malformed(reason: "element type or size of '\(name)'")
      }
      tensors[name] = Tensor(shape: shape, values: values)
    }
    self.tensors = tensors
  }

  /// Every tensor's name, sorted.
  package var names: [String] { tensors.keys.sorted() }

  /// The names behind `prefix`, without it, sorted: `names(under: "final.parallel.")` gives the model's own names.
  package func names(under prefix: String) -> [String] {
    names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  package func contains(_ name: String) -> Bool { tensors[name] != nil }

  package func tensor(_ name: String) throws(ReadError) -> Tensor {
    guard let tensor = tensors[name] else { throw .noSuchTensor(name: name) }
    return tensor
  }

  private static func numbers(in bytes: ArraySlice<UInt8>, type: String) -> [Double]? {
    let convert: (UInt64) -> Double
    let width: Int
    switch type {
    case "F32": (width, convert) = (4, { Double(Float(bitPattern: UInt32($0))) })
    case "F64": (width, convert) = (8, { Double(bitPattern: $0) })
    case "I32": (width, convert) = (4, { Double(Int32(bitPattern: UInt32($0))) })
    case "I64": (width, convert) = (8, { Double(Int64(bitPattern: $0)) })
    default: return nil
    }
    guard bytes.count % width == 0 else { return nil }
    return stride(from: bytes.startIndex, to: bytes.endIndex, by: width).map {
      convert(littleEndian(bytes[$0..<($0 + width)]))
    }
  }

  private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
