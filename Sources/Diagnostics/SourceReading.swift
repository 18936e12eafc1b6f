internal import Base
internal import Glibc

/// Why a text could not be read from its file.
package enum SourceReadError: Error, Hashable, Sendable {
  case notFound
  case isDirectory
  case notPermitted
  /// Any other failure, with the system's number for it.
  case system(errno: Int32)
}

/// Reads a file's bytes, at most `limit` of them: a caller that allows n bytes asks for n + 1 to learn that there are
/// more, and a huge file costs nothing.
package func readSource(path: String, limit: Int) throws(SourceReadError) -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw readError(errno) }
  defer { close(descriptor) }
  do throws(TransferError) { return try readToEnd(descriptor, limit: limit) } catch {
    throw readError(error.code)
  }
}

private func readError(_ number: Int32) -> SourceReadError {
  switch number {
  case ENOENT, ENOTDIR: .notFound
  case EISDIR: .isDirectory
  case EACCES, EPERM: .notPermitted
  default: .system(errno: number)
  }
}

extension SourceReadError {
  /// For a person, without a full stop.
  package var words: String {
    switch self {
    case .notFound: "no such file"
    case .isDirectory: "it is a folder"
    case .notPermitted: "permission denied"
    case .system(let number): "system error \(number)"
    }
  }
}
