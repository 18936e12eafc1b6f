internal import Glibc

/// A fault in the data, or in getting at it.
package enum DatasetError: Error, Hashable, Sendable {
  /// There is no such file; `hint` says what would help, where something is known.
  case missingFile(path: String, hint: String?)
  /// The system refused; `code` is its errno.
  case cannotRead(path: String, operation: String, code: Int32)
  /// The file's size in bytes is not what its kind or its header asks for.
  case wrongSize(path: String, expected: Int, found: Int)
  /// The bytes at `offset` are not what belongs there.
  case wrongContent(path: String, offset: Int, expected: String, found: String)
  /// The file is of another format than its name says.
  case otherFormat(path: String, expected: String, found: String, help: String)
  /// A label at `offset` is not in 0..<`classCount`.
  case labelOutOfRange(path: String, offset: Int, found: Int, classCount: Int)
  /// The number at `offset` is infinite or NaN; `index` is that of its image, from 0.
  case notFinite(path: String, offset: Int, split: DatasetSplit, index: Int, value: Float)
  /// Image `index` of a split, from 0, is not what it was when the file was opened.
  case changed(path: String, split: DatasetSplit, index: Int)
  /// Two files that belong together do not fit.
  case mismatch(path: String, expected: String, found: String)
  /// An image file that can't be read, or must not.
  case image(path: String, fault: ImageFault)
  /// The system has no memory for the images.
  case outOfMemory(byteCount: Int)
  /// Two or more of the others, in the order of the files.
  case several([DatasetError])

  /// One sentence for a person, without a full stop: file, offset, what was expected, what was found.
  package var message: String {
    switch self {
    case .missingFile(let path, let hint): "\(path): no such file" + (hint.map { "; \($0)" } ?? "")
    case .cannotRead(let path, let operation, let code): "\(path): cannot \(operation): \(errnoText(code))"
    case .wrongSize(let path, let expected, let found):
      "\(path): expected \(expected) bytes, found \(found)"
    case .wrongContent(let path, let offset, let expected, let found):
      "\(path): at byte \(offset): expected \(expected), found \(found)"
    case .labelOutOfRange(let path, let offset, let found, let classCount):
      "\(path): at byte \(offset): expected a label from 0 to \(classCount - 1), found \(found)"
    case .otherFormat(let path, let expected, let found, let help):
      "\(path): expected \(expected), but this is \(found): \(help)"
    case .notFinite(let path, let offset, let split, let index, let value):
      "\(path): image \(index) of \(split.words) (they count from 0) holds \(value.isNaN ? "NaN" : "\(value)") at byte \(offset): expected finite numbers"
    case .changed(let path, let split, let index):
      "\(path): image \(index) of \(split.words) (they count from 0) is not what it was when the file was opened: "
        + "the file was overwritten"
    case .mismatch(let path, let expected, let found): "\(path): expected \(expected), found \(found)"
    case .image(let path, let fault): "\(path): \(fault.message)"
    case .outOfMemory(let byteCount): "no memory for \(byteCount) bytes of images"
    case .several(let errors): errors.map(\.message).joined(separator: "; ")
    }
  }

  /// One by one.
  package var all: [DatasetError] {
    if case .several(let errors) = self { return errors.flatMap(\.all) }
    return [self]
  }

  package var isMissingFile: Bool {
    if case .missingFile = self { true } else { false }
  }

  /// Throws all of `errors` at once, if there are any.
  static func throwIfAny(_ errors: [DatasetError]) throws(DatasetError) {
    var all = errors.flatMap(\.all)
    // What would help against several is told with the last of them.
    for (index, next) in zip(all.indices, all.dropFirst()) {
      if case .missingFile(let path, let hint) = all[index], case .missingFile(_, hint) = next {
        all[index] = .missingFile(path: path, hint: nil)
      }
    }
    if all.count > 1 { throw .several(all) }
    if let error = all.first { throw error }
  }

  /// What both give; or what went wrong with either, or with both.
  static func both<First, Second>(
    _ first: () throws(DatasetError) -> First, _ second: () throws(DatasetError) -> Second
  ) throws(DatasetError) -> (First, Second) {
    switch (result(first), result(second)) {
    case (.success(let one), .success(let other)): return (one, other)
    case (.failure(let error), .success), (.success, .failure(let error)): throw error
    case (.failure(let error), .failure(let other)): throw .several(error.all + other.all)
    }
  }

  private static func result<Value>(
    _ body: () throws(DatasetError) -> Value
  ) -> Result<Value, DatasetError> {
    do throws(DatasetError) { return .success(try body()) } catch { return .failure(error) }
  }
}

/// The system's words for an errno.
func errnoText(_ code: Int32) -> String {
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
