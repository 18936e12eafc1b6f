import Foundation
import Testing

/// One run of the program itself, from the arguments to the exit code.
struct StrataProcess {
  let exitCode: Int32
  let output: String
  let diagnostics: String

  /// Runs `strata` with these arguments and waits for its end.
  /// - Parameters:
  ///   - environment: added to `Self.environment`: what the developer's shell says about colours does not matter.
  ///   - folder: the current one of the process.
  init(
    _ arguments: String..., environment: [String: String] = [:],
    in folder: URL = FileManager.default.temporaryDirectory
  ) throws {
    try self.init(arguments, environment: environment, in: folder)
  }

  init(
    _ arguments: [String], environment: [String: String] = [:],
    in folder: URL = FileManager.default.temporaryDirectory
  ) throws {
    try self.init(Self.executable, arguments, environment: environment, in: folder)
  }

  /// A line as people type it, with the program under its name.
  static func shell(_ line: String, in folder: URL) throws -> StrataProcess {
    let path = "\(executable.deletingLastPathComponent().path):/usr/bin:/bin"
    return try StrataProcess(
      URL(filePath: "/bin/sh"), ["-c", line], environment: ["PATH": path], in: folder)
  }

  private init(
    _ executable: URL, _ arguments: [String], environment: [String: String], in folder: URL
  ) throws {
    let process = Process()
    let output = Pipe()
    // A file, not a second pipe: two pipes that are read one after the other can block each other.
    let errors = FileManager.default.temporaryDirectory.appending(path: "strata-\(UUID().uuidString).txt")
    try Data().write(to: errors)
    defer { try? FileManager.default.removeItem(at: errors) }
    process.executableURL = executable
    process.arguments = arguments
    process.environment = Self.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    self.output = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    diagnostics = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    exitCode = process.terminationStatus
    #expect(
      process.terminationReason == .exit, "'strata \(arguments.joined(separator: " "))' died of a signal")
  }

  /// What the program sees of the tests' own environment: nothing but where programs are, a sanitizer's options, and which processor's
  /// code OpenBLAS is to run, so that it runs the code that the tests run.
  static let environment: [String: String] = {
    let kept = ["ASAN_OPTIONS", "TSAN_OPTIONS", "OPENBLAS_CORETYPE"]
    return ProcessInfo.processInfo.environment.filter { kept.contains($0.key) }.merging([
      "PATH": "/usr/bin:/bin"
    ]) {
      $1
    }
  }()

  /// The program lies beside the bundle that holds these tests.
  static let executable: URL = {
    let bundle = URL(filePath: CommandLine.arguments[0])
    return bundle.deletingLastPathComponent().appending(path: "strata")
  }()
}
