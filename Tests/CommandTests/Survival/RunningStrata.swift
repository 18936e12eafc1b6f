import Foundation
import Testing

/// A `strata` that is still at work: it can be sent signals, and waited for.
final class RunningStrata {
  private let process = Process()
  private let errors: URL
  private let outputFile: URL

  struct End {
    /// Of the exit, or nil where a signal ended it.
    var exitCode: Int32?
    var output, diagnostics: String
  }

  /// - Parameter limits: of `ulimit`, such as `-f 100`; the program is started by a shell then, which becomes the program.
  init(_ arguments: [String], limits: String? = nil, in folder: URL) throws {
    let name = UUID().uuidString
    errors = FileManager.default.temporaryDirectory.appending(path: "strata-\(name).err")
    outputFile = FileManager.default.temporaryDirectory.appending(path: "strata-\(name).out")
    try Data().write(to: errors)
    try Data().write(to: outputFile)
    if let limits {
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments =
        ["-c", "ulimit \(limits); exec \"$0\" \"$@\"", StrataProcess.executable.path] + arguments
    } else {
      process.executableURL = StrataProcess.executable
      process.arguments = arguments
    }
    process.environment = StrataProcess.environment
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: outputFile)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: errors)
    try? FileManager.default.removeItem(at: outputFile)
  }

  var isRunning: Bool { process.isRunning }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  func wait() throws -> End {
    process.waitUntilExit()
    return End(
      exitCode: process.terminationReason == .exit ? process.terminationStatus : nil,
      output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self),
      diagnostics: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }

  /// Waits until `condition` holds, looking often; false if the program ends or a minute passes before.
  func wait(until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if condition() { return true }
      if !process.isRunning { return condition() }
      usleep(1000)
    }
    return false
  }
}
