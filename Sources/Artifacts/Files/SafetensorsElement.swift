extension Safetensors {
  /// How a file stores the numbers of a tensor.
  package enum ElementType: Hashable, Sendable {
    case float16, bfloat16, float32, float64
    /// Any other, by the word in the header.
    case other(String)

    package init(word: String) {
      self =
        switch word {
        case "F16": .float16
        case "BF16": .bfloat16
        case "F32": .float32
        case "F64": .float64
        default: .other(word)
        }
    }

    /// As the header has it.
    package var word: String {
      switch self {
      case .float16: "F16"
      case .bfloat16: "BF16"
      case .float32: "F32"
      case .float64: "F64"
      case .other(let word): word
      }
    }

    /// Whether its numbers can be read as 32-bit floats.
    package var isReadable: Bool {
      switch self {
      case .float16, .bfloat16, .float32, .float64: true
      case .other: false
      }
    }

    /// Of one number; nil where the type is unknown, or packs several numbers into a byte.
    var byteCount: Int? {
      switch self {
      case .float16, .bfloat16: 2
      case .float32: 4
      case .float64: 8
      case .other(let word):
        switch word {
        case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0": 1
        case "I16", "U16": 2
        case "I32", "U32": 4
        case "I64", "U64", "C64": 8
        default: nil
        }
      }
    }
  }

  /// Converts little-endian numbers of `type` to 32-bit floats: those of 16 bits exactly, those of 64 bits to the nearest, ties
  /// to the even one; beyond the largest float they become infinite.
  ///
  /// - Parameters:
  ///   - bytes: of as many numbers as `numbers` has room for.
  /// - Returns: how many finite numbers became infinite.
  /// - Precondition: the type is readable.
  /// - Complexity: O(n), allocates nothing.
  static func convert(
    _ bytes: RawSpan, of type: ElementType, into numbers: inout MutableSpan<Float>
  ) -> Int {
    var overflowCount = 0
    precondition(
      type.isReadable && bytes.byteCount == (type.byteCount ?? 0) * numbers.count,
      "as many numbers as asked for")
    for index in numbers.indices {
      switch type {
      case .float16:
        let bits = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        numbers[index] = Float(Float16(bitPattern: bits))
      case .bfloat16:
        let bits = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        numbers[index] = Float(bitPattern: UInt32(bits) << 16)
      case .float32:
        numbers[index] = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4 * index, as: Float.self)
      case .float64:
        let number = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8 * index, as: Double.self)
        numbers[index] = Float(number)
        if number.isFinite, !numbers[index].isFinite { overflowCount += 1 }
      case .other: preconditionFailure("checked above")
      }
    }
    return overflowCount
  }
}
