internal import Glibc

/// The system refused an operation on a file, or what was found is no file.
package struct FileError: Error, Hashable, Sendable {
  package let path: String
  /// A verb: "open", "write", "rename".
  package let operation: String
  /// The errno.
  package let code: Int32
  /// Something else than what was expected has the name: what was expected, and what was found.
  package let mismatch: Mismatch?

  package struct Mismatch: Hashable, Sendable {
    package let expected, found: FileKind
  }

  package init(path: String, operation: String, code: Int32) {
    self.path = path
    self.operation = operation
    self.code = code
    mismatch = nil
  }

  /// What has the name is not of the kind that is needed.
  package init(path: String, isNo expected: FileKind, found: FileKind) {
    self.path = path
    operation = "open"
    code = found == .link ? ELOOP : found == .folder ? EISDIR : expected == .folder ? ENOTDIR : ENOTSUP
    mismatch = Mismatch(expected: expected, found: found)
  }

  /// One sentence for a person, without a full stop.
  package var message: String {
    guard let mismatch else { return "\(path): cannot \(operation): \(reason)" }
    let kinds = "\(path): it is \(mismatch.found.words), and must be \(mismatch.expected.words)"
    return mismatch.found == .link ? "\(kinds): links in the folder of a run are not followed" : kinds
  }

  /// Whether another file, or another moment, would be refused as well: too many open files, no memory.
  package var isOfProcess: Bool { [EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN].contains(code) }

  private var reason: String { unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)" }
}
