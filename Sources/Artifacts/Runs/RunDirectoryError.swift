package import Base

/// A run folder that cannot be made or opened.
package enum RunDirectoryError: Error, Hashable, Sendable {
  /// There is a run in it already: nothing is ever written over.
  case holdsRun(path: String)
  /// There is something else in it; `entry` is its first name.
  case notEmpty(path: String, entry: String)
  case notAFolder(path: String)
  /// It has no plan, so there is nothing to resume or to read.
  case holdsNoRun(path: String)
  /// Another process is at work in it.
  case locked(path: String, process: Int?)
  case file(FileError)

  /// One sentence for a person, without a full stop.
  package var message: String {
    switch self {
    case .holdsRun(let path): "\(path): there is a run in this folder already"
    case .notEmpty(let path, let entry): "\(path): the folder is not empty: it holds '\(entry)'"
    case .notAFolder(let path): "\(path): not a folder"
    case .holdsNoRun(let path): "\(path): there is no run in this folder"
    case .locked(let path, let process):
      "\(path): another run is at work in this folder" + (process.map { " (process \($0))" } ?? "")
    case .file(let error): error.message
    }
  }
}
