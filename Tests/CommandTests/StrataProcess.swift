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
    (process.executableURL, process.arguments) = Self.bound(executable, arguments)
    process.environment = Self.environment.merging(environment) { $1 }
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    let watchdog = Self.kill(process, behind: Self.longestSeconds)
    defer { watchdog.cancel() }
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

  /// Far longer than any of them takes on a busy machine: a program that hangs has to end at some time. Limits of the tests themselves
  /// would not do, as they count from where a test waits for its turn.
  private static let longestSeconds = 1200.0

  /// Kills a process that is still at work after so long.
  private static func kill(_ process: Process, behind seconds: Double) -> DispatchWorkItem {
    let number = process.processIdentifier
    let work = DispatchWorkItem { Foundation.kill(number, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: work)
    return work
  }

  /// The processors that the tests may use, from the first one on.
  static let processors: [Int] = {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let list = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?.split(
      separator: "\t"
    ).last
    return (list ?? "").split(separator: ",").flatMap { range -> [Int] in
      let ends = range.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last else { return [] }
      return Array(first...last)
    }
  }()

  /// The program gets two processors at the most, so that what it chooses by their number is the same on every machine.
  static func bound(_ executable: URL, _ arguments: [String]) -> (URL, [String]) {
    let tool = URL(filePath: "/usr/bin/taskset")
    guard processors.count > 2, FileManager.default.isExecutableFile(atPath: tool.path) else {
      return (executable, arguments)
    }
    return (tool, ["-c", "\(processors[0]),\(processors[1])", executable.path] + arguments)
  }

  /// The program lies beside the bundle that holds these tests.
  static let executable: URL = {
    let bundle = URL(filePath: CommandLine.arguments[0])
    return bundle.deletingLastPathComponent().appending(path: "strata")
  }()
}
