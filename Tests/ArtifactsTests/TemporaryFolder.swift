import Artifacts
import Foundation
import Testing

/// A folder that is deleted with all that is in it.
final class TemporaryFolder {
  let path: String

  /// - Parameter inMemory: where the system has a file system in memory.
  init(inMemory: Bool = false) throws {
    let memory = "/dev/shm"
    let parent =
      inMemory && access(memory, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory.path
    path = parent + "/strata-artifacts-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// All names in it, hidden ones too, sorted.
  func names(in folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
  }

  /// Without waiting for the disk, as Foundation's `write` does, and the file system where a file is written over.
  func write(_ bytes: [UInt8], to name: String) throws {
    unlink("\(path)/\(name)")
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    try #require(Foundation.write(file, bytes, bytes.count) == bytes.count)
  }

  /// What a process calls the file that it makes aside for `name`.
  func temporaryName(for name: String, process: Int) throws -> String {
    let before = Set(try names())
    let file = try AtomicFile(path: "\(path)/\(name)")
    let own = try #require(try names().first { !before.contains($0) })
    _ = consume file
    return own.replacingOccurrences(of: "-\(getpid())-0.tmp", with: "-\(process)-0.tmp")
  }
}
