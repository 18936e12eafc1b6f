package import Base
internal import Glibc
package import Text

/// The folder of one run, held by one process at a time: whoever has the value has the folder's lock, until the value goes
/// away or the process ends, however it ends.
///
/// A new folder is made aside, with its first files in it, and renamed into place: a folder under a run's name always
/// holds a whole run. The lock is on the folder itself, so that nothing in it can be removed to get a second one; its files are
/// reached from the folder, by their bare names, and links among them are refused.
package struct RunDirectory: ~Copyable, Sendable {
  let folder: FolderDescriptor
  private let lock: RunLock
  /// Of the metrics that are there.
  let tally = MetricsTally()

  package var path: String { folder.path }

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
  package static let samplesName = "samples.png"
  /// While a process is at work.
  package static let statusName = "status.json"
  /// Where the run was probed.
  package static let probesName = "probes.json"
  /// Says which process is at work; the lock itself is on the folder.
  static let lockName = ".lock"

  /// Every file that a run may have, in the order of the alphabet.
  private static let fileNames = [
    lockName, featuresName, logName, metricsName, modelName, planName, probesName, reportName, specName,
    samplesName, statusName, summaryName,
  ]

  /// Whether `path` is the place of a file that runs keep: whoever writes there destroys a run's record.
  package static func isFileOfRun(_ path: String) -> Bool {
    let parent = FilePath.folder(of: path)
    if FilePath.lastComponent(of: parent) == checkpointsName, holdsRun(FilePath.folder(of: parent)) {
      return true
    }
    return holdsRun(parent) && (fileNames + [checkpointsName]).contains(FilePath.lastComponent(of: path))
  }

  /// A file that a run begins with.
  package struct FirstFile: Hashable, Sendable {
    package let name, text: String

    package init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  init(folder: consuming FolderDescriptor, lock: consuming RunLock) {
    self.folder = folder
    self.lock = lock
  }

  /// Opens the run in `path` to go on with it, and removes what processes that were killed have left half written in it.
  package static func open(_ path: String) throws(RunDirectoryError) -> RunDirectory {
    guard holdsRun(path) else { throw .holdsNoRun(path: path) }
    let folder = try open(folder: path)
    let lock = try RunLock.hold(folder, shownPath: path)
    let run = RunDirectory(folder: folder, lock: lock)
    do throws(FileError) { try run.removeLeftovers() } catch { throw .file(error) }
    return run
  }

  static func open(folder path: String) throws(RunDirectoryError) -> FolderDescriptor {
    do throws(FileError) { return try FolderDescriptor(path: path) } catch { throw .file(error) }
  }

  /// Whether there is a run in `path`, at work or not.
  package static func holdsRun(_ path: String) -> Bool {
    var status = stat()
    // Whatever kind of thing has the name: a link, say, is a fault of the run.
    return unsafe lstat("\(path)/\(planName)", &status) == 0
  }

  /// What in a run's folder is not what runs put there: links, pipes, devices, folders in the place of files. Whoever made the folder
  /// may have meant to have something outside it read or overwritten.
  package static func foreignFiles(in path: String) throws(FileError) -> [FileError] {
    let folder = try FolderDescriptor(path: path)
    var faults: [FileError] = []
    for (name, expected) in fileNames.map({ ($0, FileKind.regular) }) + [(checkpointsName, .folder)] {
      guard let kind = try folder.kind(of: name), kind != expected else { continue }
      faults.append(FileError(path: folder.path(of: name), isNo: expected, found: kind))
    }
    return faults
  }

  /// The folder of the run that is to leave the weights file at `path`, and has not done so yet; nil where there is no such run.
  package static func unfinishedRun(leaving path: String) -> String? {
    guard path.hasSuffix("/\(modelName)"), unsafe access(path, F_OK) != 0 else { return nil }
    let folder = String(path.dropLast(modelName.utf8.count + 1))
    return holdsRun(folder) ? folder : nil
  }

  /// Runs that were made as `NAME-1`, `NAME-2`, ... in `parent`, in that order.
  package static func runs(named name: String, in parent: String) -> [String] {
    let numbers = ((try? FolderDescriptor(path: parent).names()) ?? []).compactMap { entry -> Int? in
      guard entry.hasPrefix("\(name)-"), let number = Int(entry.dropFirst(name.count + 1)),
        entry == "\(name)-\(number)"
      else { return nil }
      return number
    }
    return numbers.sorted().map { "\(parent)/\(name)-\($0)" }.filter { holdsRun($0) }
  }

  package func path(of name: String) -> String { folder.path(of: name) }

  // MARK: - Files of a run

  /// Appends one line to `metrics.jsonl`, in one write: a reader never sees half of it, but for a crash of the system.
  package func appendMetrics(_ line: JSON) throws(FileError) {
    let bytes = Array((JSONWriter.line(line) + "\n").utf8)
    try unsafe append(bytes.span.bytes, to: Self.metricsName)
    unsafe tally.add(bytes.span.bytes)
  }

  /// Of the lines that this value has appended, or has left there when it restored a run.
  package var metricsMark: MetricsMark { tally.mark }

  /// Appends one line to `log.txt`, behind the time.
  package func appendLog(_ line: String, at time: ClockTime = .now) throws(FileError) {
    let bytes = Array((time.text + " " + ControlCharacters.spelledOut(line) + "\n").utf8)
    try unsafe append(bytes.span.bytes, to: Self.logName)
  }

  /// Puts a new `status.json` in place of the old one. A run goes on without it.
  package func writeStatus(_ progress: RunProgress) {
    try? replace(Self.statusName, JSONWriter.document(progress.json))
  }

  /// Of a run that has ended by itself: its summary says more.
  package func removeStatus() { folder.remove(Self.statusName) }

  /// Puts a new `summary.json` in place of the old one.
  package func writeSummary(_ summary: JSON) throws(FileError) {
    try replace(Self.summaryName, JSONWriter.document(summary))
  }

  /// Puts a new file of the run in place of the old one.
  func replace(_ name: String, _ text: String) throws(FileError) {
    try requireInPlace(name)
    try AtomicFile.write(text, to: name, in: folder)
  }

  /// Puts the page of a run in place: whoever writes it need not hold the folder, and nothing else is changed.
  package static func writeReport(_ text: String, in path: String) throws(FileError) {
    try AtomicFile.write(text, to: reportName, in: try FolderDescriptor(path: path))
  }

  /// Gives a run that is over another plan to go on with. What says that it is over goes first: whatever interrupts this, the
  /// run goes on by the one plan or by the other.
  package func extend(_ files: [FirstFile]) throws(FileError) {
    folder.remove(Self.summaryName)
    try folder.synchronize()
    for file in files { try replace(file.name, file.text) }
  }

  /// Puts the picture of sample images in place.
  func writeSamples(_ file: [UInt8]) throws(FileError) {
    var target = try AtomicFile(in: folder, Self.samplesName)
    try unsafe target.write(file.span.bytes)
    try target.commit()
  }

  /// What `summary.json` of a run says.
  package static func summary(in folder: String) throws(RunStatusError) -> JSON {
    if let summary = try summaryIfThere(in: folder) { return summary }
    throw .file(FileError(path: "\(folder)/\(summaryName)", operation: "open", code: ENOENT))
  }

  /// The same; nil where the run has none yet.
  static func summaryIfThere(in folder: String) throws(RunStatusError) -> JSON? {
    let path = "\(folder)/\(summaryName)"
    let bytes: [UInt8]
    do throws(FileError) { bytes = try self.bytes(of: summaryName, in: folder) } catch {
      if error.code == ENOENT { return nil }
      throw .file(error)
    }
    do throws(JSONScanner.Fault) {
      var scanner = JSONScanner(bytes)
      let summary = try scanner.document()
      try scanner.end()
      guard case .object = summary else { throw JSONScanner(bytes).fault(expected: "an object") }
      return summary
    } catch {
      throw .malformed(path: path, offset: error.offset, expected: error.expected, found: error.found)
    }
  }

  /// Nil where there is no such text, or it is `text`, which the run's plan keeps; else what is to be said of it.
  package static func damageOfSpec(in folder: String, text: String) -> String? {
    let found: [UInt8]
    do throws(FileError) { found = try bytes(of: specName, in: folder) } catch {
      return error.code == ENOENT ? nil : error.message
    }
    guard !found.elementsEqual(text.utf8) else { return nil }
    let hashes = [found, Array(text.utf8)].map { bytes in
      String(unsafe SHA256.hex(of: bytes.span.bytes).prefix(12))
    }
    return
      "\(folder)/\(specName) is not the spec of the run (SHA-256 \(hashes[0]), the plan's \(hashes[1])): "
      + "the text in \(planName) counts"
  }

  private func append(_ bytes: RawSpan, to name: String) throws(FileError) {
    try requireInPlace(name)
    // What has a second name, in a copy of the folder made of links, say, must not change there.
    if let status = try folder.status(of: name), status.nameCount > 1 { try separate(name) }
    try folder.open(name, flags: O_WRONLY | O_APPEND | O_CREAT).write(bytes)
  }

  /// Puts a copy of a file in its place.
  private func separate(_ name: String) throws(FileError) {
    let file = try folder.open(name, flags: O_RDONLY)
    var copy = try AtomicFile(in: folder, name)
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    var (offset, count) = (0, 0)
    repeat {
      var failure: FileError?
      unsafe piece.withUnsafeMutableBytes { bytes in
        do throws(FileError) { count = try unsafe file.readSome(into: bytes, at: offset) } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      try unsafe copy.write(piece.span.bytes.extracting(first: count))
      offset += count
    } while count > 0
    try copy.commit()
  }

  /// A folder that was moved away or deleted takes no more: what is written would not be where it is looked for.
  func requireInPlace(_ name: String) throws(FileError) {
    guard folder.isInPlace() else { throw FileError(path: path(of: name), operation: "write", code: ENOENT) }
  }

  /// Files of a run that are read whole have at most so many bytes; a larger one is something else.
  static let largestByteCount = 256 << 20

  /// Of a file right in a run's folder.
  static func bytes(of name: String, in folder: String) throws(FileError) -> [UInt8] {
    try FolderDescriptor(path: folder).bytes(of: name, limit: largestByteCount)
  }
}
