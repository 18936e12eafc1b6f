import Foundation
import Testing

/// Python's jsonschema, where it is installed (`apt-get install python3-jsonschema python3-yaml`).
enum PythonValidator {
  enum Verdict: String {
    case ok, refused, unreadable
  }

  private struct Failure: Error {
    var message: String
  }

  static let isInstalled = (try? run(["-c", "import jsonschema, yaml"], input: "")) != nil
  static let whatItNeeds: Comment = "apt-get install python3-jsonschema python3-yaml"

  /// One verdict a text.
  static func verdicts(on texts: [String], schema: URL) throws -> [Verdict] {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/validate_specs.py").standardizedFileURL
    let input = String(decoding: try JSONEncoder().encode(texts), as: UTF8.self)
    let lines = try run([script.path, schema.path], input: input).split(separator: "\n")
    let verdicts = lines.compactMap { Verdict(rawValue: String($0)) }
    try #require(verdicts.count == texts.count)
    return verdicts
  }

  /// Runs Python to its end; what it printed.
  private static func run(_ arguments: [String], input: String) throws -> String {
    // A file, not a pipe: a process that reads late would block whoever writes.
    let file = FileManager.default.temporaryDirectory.appending(path: "strata-\(UUID().uuidString).json")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    process.arguments = arguments
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(message: "python3 ended with \(process.terminationStatus)")
    }
    return text
  }
}
