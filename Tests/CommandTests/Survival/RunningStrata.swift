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
    var (executable, words) = (StrataProcess.executable, arguments)
    if let limits {
      words = ["-c", "ulimit \(limits); exec \"$0\" \"$@\"", executable.path] + words
      executable = URL(filePath: "/bin/bash")
    }
    (process.executableURL, process.arguments) = StrataProcess.bound(executable, words)
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

  /// What it has written to standard output.
  var outputSoFar: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  func wait() throws -> End {
    process.waitUntilExit()
    return End(
      exitCode: process.terminationReason == .exit ? process.terminationStatus : nil,
      output: String(decoding: try Data(contentsOf: outputFile), as: UTF8.self),
      diagnostics: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }

  /// Waits until `condition` holds, looking often; false if the program ends or five minutes pass before.
  func wait(until condition: () -> Bool) -> Bool {
    let deadline = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < deadline {
      if condition() { return true }
      if !process.isRunning { return condition() }
      usleep(1000)
    }
    return false
  }
}

extension Workspace {
  /// A run that gets a signal in its middle, once a moment has come.
  ///
  /// On a machine that is quick, or busy with other things, the run may be over before anyone has looked: it is taken away then, and
  /// begun again with ten times the epochs.
  ///
  /// - Parameters:
  ///   - folder: what the run makes, and what is taken away.
  ///   - epochs: of the first attempt.
  ///   - arguments: of a run of so many epochs.
  /// - Returns: how many epochs the run has that was reached, and its end.
  func signalled(
    _ folder: String, _ signal: Int32, epochs: Int, once moment: () -> Bool,
    arguments: (_ epochs: Int) -> [String]
  ) throws -> (epochs: Int, end: RunningStrata.End) {
    var epochs = epochs
    while true {
      let run = try RunningStrata(arguments(epochs), in: url)
      let hasCome = run.wait(until: moment)
      run.send(signal)
      let end = try run.wait()
      guard end.exitCode == 0, epochs < 100_000 else {
        #expect(hasCome, "\(end)")
        return (epochs, end)
      }
      try FileManager.default.removeItem(at: url.appending(path: folder))
      epochs *= 10
    }
  }
}
