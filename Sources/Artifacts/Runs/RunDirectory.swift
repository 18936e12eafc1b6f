internal import Glibc
package import Text

/// The folder of one run, held by one process at a time: whoever has the value has the folder's lock, until the value goes
/// away or the process ends, however it ends.
///
/// A new folder is made aside, with its first files in it, and renamed into place: a folder under a run's name always
/// holds a whole run.
package struct RunDirectory: ~Copyable, Sendable {
  package let path: String
  private let lock: FileDescriptor

  package static let planName = "plan.json"
  package static let specName = "spec.yaml"
  package static let metricsName = "metrics.jsonl"
  package static let summaryName = "summary.json"
  package static let modelName = "model.safetensors"
  package static let checkpointsName = "checkpoints"
  /// While a stage trains whose plan keeps features in a file.
  package static let featuresName = "features.bin"
  package static let reportName = "report.html"
  package static let logName = "log.txt"
  /// Where the run was probed.
  package static let probesName = "probes.json"
  static let lockName = ".lock"

  /// Whether `path` is the place of a file that runs keep: whoever writes there destroys a run's record.
  package static func isFileOfRun(_ path: String) -> Bool {
    let parent = FilePath.folder(of: path)
    if FilePath.lastComponent(of: parent) == checkpointsName, holdsRun(FilePath.folder(of: parent)) {
      return true
    }
    let names = [
      planName, specName, metricsName, summaryName, modelName, checkpointsName, featuresName, reportName,
      probesName, logName, lockName,
    ]
    return holdsRun(parent) && names.contains(FilePath.lastComponent(of: path))
  }

  /// A file that a run begins with.
  package struct FirstFile: Hashable, Sendable {
    package let name, text: String

    package init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  init(path: String, lock: consuming FileDescriptor) {
    self.path = path
    self.lock = lock
  }

  /// Opens the run in `path` to go on with it.
  package static func open(_ path: String) throws(RunDirectoryError) -> RunDirectory {
    guard holdsRun(path) else { throw .holdsNoRun(path: path) }
    return RunDirectory(path: path, lock: try takeLock(in: path, flags: O_CREAT, shownPath: path))
  }

  /// Whether there is a run in `path`, at work or not.
  package static func holdsRun(_ path: String) -> Bool { unsafe access("\(path)/\(planName)", F_OK) == 0 }

  /// The folder of the run that is to leave the weights file at `path`, and has not done so yet; nil where there is no such run.
  package static func unfinishedRun(leaving path: String) -> String? {
    guard path.hasSuffix("/\(modelName)"), unsafe access(path, F_OK) != 0 else { return nil }
    let folder = String(path.dropLast(modelName.utf8.count + 1))
    return holdsRun(folder) ? folder : nil
  }

  /// Runs that were made as `NAME-1`, `NAME-2`, ... in `parent`, in that order.
  package static func runs(named name: String, in parent: String) -> [String] {
    let numbers = ((try? names(in: parent)) ?? []).compactMap { entry -> Int? in
      guard entry.hasPrefix("\(name)-"), let number = Int(entry.dropFirst(name.count + 1)),
        entry == "\(name)-\(number)"
      else { return nil }
      return number
    }
    return numbers.sorted().map { "\(parent)/\(name)-\($0)" }.filter { holdsRun($0) }
  }

  package func path(of name: String) -> String { "\(path)/\(name)" }

  // MARK: - Files of a run

  /// Appends one line to `metrics.jsonl`, in one write: a reader never sees half of it, but for a crash of the system.
  package func appendMetrics(_ line: JSON) throws(FileError) {
    try append(JSONWriter.line(line), to: Self.metricsName)
  }

  /// Appends one line to `log.txt`.
  package func appendLog(_ line: String) throws(FileError) { try append(line, to: Self.logName) }

  /// Puts a new `summary.json` in place of the old one.
  package func writeSummary(_ summary: JSON) throws(FileError) {
    try AtomicFile.write(JSONWriter.document(summary), to: path(of: Self.summaryName))
  }

  /// What `summary.json` of a run says, as it stands.
  package static func summaryText(in folder: String) throws(FileError) -> String {
    String(decoding: try bytes(of: "\(folder)/\(summaryName)"), as: UTF8.self)
  }

  /// The whole lines of `metrics.jsonl`, without their ends; a last line that a crash cut off is left out. Empty if there is
  /// no such file.
  package func metricsLines() throws(FileError) -> [String] { try Self.metricsLines(in: path) }

  /// The same of a folder that this process does not hold.
  static func metricsLines(in folder: String) throws(FileError) -> [String] {
    let text: [UInt8]
    do throws(FileError) { text = try bytes(of: "\(folder)/\(metricsName)") } catch {
      if error.code == ENOENT { return [] }
      throw error
    }
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Puts `lines` in place of all that `metrics.jsonl` holds: a resumed run takes back what came after its checkpoint.
  package func replaceMetrics(_ lines: [String]) throws(FileError) {
    try AtomicFile.write(lines.map { $0 + "\n" }.joined(), to: path(of: Self.metricsName))
  }

  private func append(_ line: String, to name: String) throws(FileError) {
    let file = try FileDescriptor(path: path(of: name), flags: O_WRONLY | O_APPEND | O_CREAT)
    try unsafe file.write(Array((line + "\n").utf8).span.bytes)
  }

  /// Files of a run that are read whole have at most so many bytes; a larger one is something else.
  static let largestByteCount = 256 << 20

  static func bytes(of path: String) throws(FileError) -> [UInt8] {
    // NONBLOCK: a pipe under a file's name must not make anybody wait.
    let file = try FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK)
    let byteCount = try file.byteCount()
    guard byteCount <= largestByteCount else { throw FileError(path: path, operation: "read", code: EFBIG) }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var failure: FileError?
    unsafe bytes.withUnsafeMutableBytes { target in
      do throws(FileError) {
        guard try unsafe file.read(into: target, at: 0) else {
          throw FileError(path: path, operation: "read", code: EIO)
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  // MARK: - The lock

  /// Who looks whether a run is at work holds its lock for an instant; a run holds it to its end.
  private static let attemptCount = 20
  private static let attemptMicroseconds: UInt32 = 5_000

  /// Takes the lock of `folder` and writes this process's number into it; tries again for a tenth of a second.
  /// - Parameter shownPath: what an error calls the folder.
  static func takeLock(
    in folder: String, flags: Int32, shownPath: String
  ) throws(RunDirectoryError) -> FileDescriptor {
    let file: FileDescriptor
    do throws(FileError) {
      file = try FileDescriptor(path: "\(folder)/\(lockName)", flags: O_RDWR | flags)
    } catch {
      throw .file(FileError(path: shownPath, operation: "lock", code: error.code))
    }
    var attempt = 1
    while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      guard code == EWOULDBLOCK else {
        throw .file(FileError(path: shownPath, operation: "lock", code: code))
      }
      guard attempt < attemptCount else { throw .locked(path: shownPath, process: holder(of: file)) }
      attempt += 1
      usleep(attemptMicroseconds)
    }
    do throws(FileError) {
      guard ftruncate(file.number, 0) == 0 else {
        throw FileError(path: shownPath, operation: "lock", code: errno)
      }
      try unsafe file.write(Array("\(getpid())\n".utf8).span.bytes)
    } catch { throw .file(error) }
    return file
  }

  /// Whether another process is at work in `folder`, and which, where it says so. Changes nothing; where nobody is, the lock is
  /// held together with others who look, and given back at once: `takeLock` waits for that.
  static func worker(in folder: String) -> (isAtWork: Bool, process: Int?) {
    do throws(FileError) {
      let file = try FileDescriptor(path: "\(folder)/\(lockName)", flags: O_RDONLY)
      guard flock(file.number, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return (false, nil) }
      return (true, holder(of: file))
    } catch {
      return (false, nil)
    }
  }

  private static func holder(of file: borrowing FileDescriptor) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 20)
    let count = unsafe pread(file.number, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    return Int(String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
