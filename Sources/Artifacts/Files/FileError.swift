internal import Glibc

/// The system refused an operation on a file.
package struct FileError: Error, Hashable, Sendable {
  package let path: String
  /// A verb: "open", "write", "rename".
  package let operation: String
  /// The errno.
  package let code: Int32

  package init(path: String, operation: String, code: Int32) {
    self.path = path
    self.operation = operation
    self.code = code
  }

  /// One sentence for a person, without a full stop.
  package var message: String { "\(path): cannot \(operation): \(reason)" }

  private var reason: String { unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)" }
}
