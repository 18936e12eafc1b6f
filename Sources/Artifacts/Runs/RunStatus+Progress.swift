internal import Base
internal import Execution
internal import Glibc

extension RunStatus {
  /// Reads `status.json`, and asks the system about a process that is at work on this machine.
  mutating func noteProgress(in folder: String) throws(RunStatusError) {
    let path = "\(folder)/\(RunDirectory.statusName)"
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try RunDirectory.bytes(of: RunDirectory.statusName, in: folder)
    } catch {
      if error.code == ENOENT { return }
      throw .file(error)
    }
    var found: RunProgress?
    do throws(JSONScanner.Fault) {
      var scanner = JSONScanner(bytes)
      let document = try scanner.document()
      try scanner.end()
      found = RunProgress(json: document)
    } catch {
      throw .malformed(path: path, offset: error.offset, expected: error.expected, found: error.found)
    }
    guard var found else {
      throw .malformed(path: path, offset: 0, expected: "a '\(RunProgress.schema)'", found: "something else")
    }
    switch state {
    case .finished: return
    case .running(let process):
      if let process, found.host == hostName(), found.process == process {
        let memory = ProcessMemory.ofProcess(process)
        found.peakBytes = memory.peakBytes ?? found.peakBytes
        found.residentBytes = memory.residentBytes ?? found.residentBytes
      }
    case .interrupted, .failed, .stopped:
      // It was at work again after that summary.
      state = .stopped
    }
    progress = found
  }

  /// Whether another machine was at work when it last wrote: whether it still is cannot be told from here.
  var isElsewhere: Bool {
    guard let progress, state == .stopped else { return false }
    return progress.host != hostName()
  }
}

/// Of this machine; empty where it has none.
package func hostName() -> String {
  var buffer = [CChar](repeating: 0, count: 256)
  // The last byte stays zero, whatever the system writes.
  guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
