package import Base
internal import Text

/// The safetensors format: eight bytes of header length (little-endian), a JSON header that says name, type, shape and
/// place of each tensor, then the tensors' bytes. Only 32-bit floats, type `F32`, are written; other floats are read as well.
package enum Safetensors {
  /// The format allows 100 million bytes. A header takes a few hundred for each tensor, so that a larger one than this is a
  /// wrong length, which must not ask for memory: parsed, a header takes up to ten times its bytes.
  package static let largestHeaderByteCount = 16 << 20

  /// Numbers that pass between a tensor and a file at a time.
  static let chunkCount = 1 << 14

  static let metadataKey = "__metadata__"

  /// Name, shape and type of a tensor, in row-major order.
  package struct Tensor: Hashable, Sendable {
    package let name: String
    package let shape: [Int]
    package let type: ElementType
    package let elementCount: Int

    /// - Precondition: no size is negative, and the tensor's bytes fit an `Int`.
    package init(name: String, shape: [Int], type: ElementType = .float32) {
      precondition(shape.allSatisfy { $0 >= 0 }, "the sizes of our own tensors are positive")
      self.name = name
      self.shape = shape
      self.type = type
      self.elementCount = shape.reduce(1, *)
    }

    /// - Precondition: the type is one whose size is known, as that of all tensors that are written.
    package var byteCount: Int {
      guard let size = type.byteCount else { preconditionFailure("only floats are written and read") }
      return size * elementCount
    }
  }
}

/// A file that is no safetensors file of floats, or is damaged.
package enum SafetensorsError: Error, Hashable, Sendable {
  /// The bytes at `offset` of the file are not what belongs there.
  case malformed(path: String, offset: Int, expected: String, found: String)
  /// The file ends too early or too late.
  case wrongSize(path: String, expected: Int, found: Int)
  /// A tensor whose numbers are no 32-bit floats; `offset` is its type's.
  case unsupportedType(path: String, offset: Int, tensor: String, type: String)
  /// A tensor's shape and the bytes it is given do not agree, or overlap another's, or leave a gap.
  case wrongPlace(path: String, offset: Int, tensor: String, expected: String, found: String)
  case file(FileError)

  /// One sentence for a person, without a full stop.
  package var message: String {
    switch self {
    case .malformed(let path, let offset, let expected, let found):
      "\(path): at byte \(offset): expected \(expected), found \(found)"
    case .wrongSize(let path, let expected, let found): "\(path): expected \(expected) bytes, found \(found)"
    case .unsupportedType(let path, let offset, let tensor, let type):
      "\(path): at byte \(offset): expected type F32 of tensor '\(tensor)', found \(type)"
    case .wrongPlace(let path, let offset, let tensor, let expected, let found):
      "\(path): at byte \(offset): expected \(expected) for tensor '\(tensor)', found \(found)"
    case .file(let error): error.message
    }
  }
}
