package import Base
internal import Glibc
internal import Synchronization

/// What a run has written to `metrics.jsonl` so far, for its checkpoints: without the lines themselves, of which there are more with
/// every epoch.
final class MetricsTally: Sendable {
  private struct State {
    var lineCount = 0
    var hasher = LaneHasher()
  }

  private let state = Mutex(State())

  /// - Parameter line: with its end.
  func add(_ line: RawSpan) {
    // The lock takes a closure, which a span cannot enter.
    var hasher = state.withLock { $0.hasher }
    hasher.update(line)
    let updated = hasher
    state.withLock {
      $0.hasher = updated
      $0.lineCount += 1
    }
  }

  func forget() { state.withLock { $0 = State() } }

  var mark: MetricsMark { state.withLock { MetricsMark(lineCount: $0.lineCount, hash: $0.hasher.hash) } }
}

/// What became of metrics that are not what the run wrote before its checkpoint.
package struct LostMetrics: Hashable, Sendable {
  /// Lines up to the checkpoint, and how many of them can still be read.
  package let lineCount, keptCount: Int
  /// The name under which the file stays as it was found; nil where there was none.
  package let keptName: String?

  package init(lineCount: Int, keptCount: Int, keptName: String?) {
    (self.lineCount, self.keptCount, self.keptName) = (lineCount, keptCount, keptName)
  }

  /// One sentence for a person, without a full stop.
  package var message: String {
    let name = RunDirectory.metricsName
    guard let keptName else {
      return "\(name) is missing: the figures of \(lineCount) lines are lost, the weights are not"
    }
    let figures =
      keptCount < lineCount
      ? "\(keptCount) of \(lineCount) lines can be read; the figures of the others are lost, the weights are not"
      : "all lines can be read, but figures in them may be wrong; the weights are not"
    return "\(name) is not what the run has written: \(figures). As it was found it is kept in \(keptName)"
  }
}

extension RunDirectory {
  /// Calls `body` with every whole line of `metrics.jsonl`, without its end, and the line's number from 1, until it returns false;
  /// not at all where there is no such file.
  static func forEachMetricsLine(
    in folder: borrowing FolderDescriptor,
    _ body: (_ number: Int, _ line: ArraySlice<UInt8>) throws(FileError) -> Bool
  ) throws(FileError) {
    let file: FileDescriptor
    do throws(FileError) { file = try folder.open(metricsName, flags: O_RDONLY) } catch {
      if error.code == ENOENT { return }
      throw error
    }
    var reader = LineReader(file)
    var number = 0
    while let line = try reader.next() {
      number += 1
      guard try body(number, line) else { return }
    }
  }

  /// The whole lines of `metrics.jsonl`, without their ends; a last line that a crash cut off is left out. Empty if there is no such
  /// file.
  package func metricsLines() throws(FileError) -> [String] {
    var lines: [String] = []
    try Self.forEachMetricsLine(in: folder) { (_, line) throws(FileError) in
      lines.append(String(decoding: line, as: UTF8.self))
      return true
    }
    return lines
  }

  /// Takes back what came after a checkpoint, or, with nil, everything.
  ///
  /// The checkpoint decides: where its lines are missing or changed, what can still be read of them stays, and the file stays under
  /// another name.
  func takeBackMetrics(to mark: MetricsMark?) throws(FileError) -> LostMetrics? {
    let mark = mark ?? MetricsMark(of: [])
    if try hasWritten(mark) {
      try rewriteMetrics(from: Self.metricsName) { number, _ in number <= mark.lineCount }
      return nil
    }
    let keptName = try moveMetricsAside()
    var (position, keptCount) = (0, 0)
    var known: Set<MetricsLine.Place> = []
    guard let keptName else {
      try rewriteMetrics(from: Self.metricsName) { _, _ in false }
      return LostMetrics(lineCount: mark.lineCount, keptCount: 0, keptName: nil)
    }
    try rewriteMetrics(from: keptName) { _, bytes in
      guard position < mark.lineCount else { return false }
      guard let line = try? MetricsLine(bytes) else {
        // Lines whose end was lost are one now.
        position += max(1, MetricsLine.lineCount(in: bytes))
        return false
      }
      position += 1
      guard known.insert(line.place).inserted else { return false }
      keptCount += 1
      return true
    }
    return LostMetrics(lineCount: mark.lineCount, keptCount: keptCount, keptName: keptName)
  }

  /// Whether the file begins with the lines of a checkpoint.
  private func hasWritten(_ mark: MetricsMark) throws(FileError) -> Bool {
    let found = MetricsTally()
    if mark.lineCount > 0 {
      try Self.forEachMetricsLine(in: folder) { (number, line) throws(FileError) in
        unsafe found.add((Array(line) + [UInt8(ascii: "\n")]).span.bytes)
        return number < mark.lineCount
      }
    }
    return found.mark == mark
  }

  /// - Returns: the name under which the file is now; nil where there is none.
  private func moveMetricsAside() throws(FileError) -> String? {
    guard try folder.kind(of: Self.metricsName) != nil else { return nil }
    var name = "\(Self.metricsName).damaged"
    var number = 2
    while try folder.kind(of: name) != nil {
      name = "\(Self.metricsName).damaged-\(number)"
      number += 1
    }
    let code = folder.rename(Self.metricsName, to: name)
    guard code == 0 else {
      throw FileError(path: path(of: Self.metricsName), operation: "rename", code: code)
    }
    return name
  }

  /// Puts a new `metrics.jsonl` in place, of some of the whole lines of a file, in their order.
  private func rewriteMetrics(
    from name: String, where isKept: (_ number: Int, _ line: ArraySlice<UInt8>) -> Bool
  ) throws(FileError) {
    var target = try AtomicFile(in: folder, Self.metricsName)
    tally.forget()
    if try folder.kind(of: name) != nil {
      var reader = LineReader(try folder.open(name, flags: O_RDONLY))
      var number = 0
      while let line = try reader.next() {
        number += 1
        guard isKept(number, line) else { continue }
        let bytes = Array(line) + [UInt8(ascii: "\n")]
        try unsafe target.write(bytes.span.bytes)
        unsafe tally.add(bytes.span.bytes)
      }
    }
    try target.commit()
  }
}
