import Foundation
import Testing

/// `Tests/run.sh`, which names at the end of its output what failed.
@Suite("The end of a failed test run")
struct FailureSummaryTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// What the script prints of a `swift test` that prints `log` and ends with `code`, and its own exit code.
  private func run(_ log: String, code: Int) throws -> (code: Int32, output: String) {
    try workspace.write(log, to: "log.txt")
    try workspace.write("#!/bin/sh\ncat \"$FOLDER/log.txt\"\nexit \(code)\n", to: "bin/swift")
    let tool = workspace.url.appending(path: "bin/swift")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool.path)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = [Workspace.repository.appending(path: "Tests/run.sh").path, "--filter", "Some"]
    process.environment = [
      "PATH": "\(workspace.url.appending(path: "bin").path):/usr/bin:/bin", "FOLDER": workspace.url.path,
      "TEST_LOG": workspace.url.appending(path: "kept.txt").path,
    ]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test("a run that passes adds nothing")
  func passed() throws {
    let log =
      "✔ Test one() passed after 0.001 seconds.\n✔ Test run with 1 test in 1 suite passed after 0.1 seconds.\n"
    let end = try run(log, code: 0)
    #expect(end.code == 0 && end.output == log)
    #expect(try workspace.text("kept.txt") == log)
  }

  @Test("issues with all their lines, then the names, and the exit code of the run")
  func failed() throws {
    let log = """
      ◇ Test "a: \"b\"" started.
      ✘ Test "a: \"b\"" recorded an issue at ATests.swift:3:5: Expectation failed: (x → "one
      two") == 3
      ↳ a word on it
        and another
      ✔ Test fine() passed after 0.001 seconds.
      something that a test prints
      ✘ Test case passing 1 argument size → 3 to sized(size:) failed after 0.1 seconds with 1 issue.
      ✘ Test sized(size:) recorded an issue with 1 argument size → 3 at BTests.swift:7:5: Expectation failed: 1 == 2
      ✘ Test known() recorded a known issue at CTests.swift:1:1: Expectation failed: false
      ✘ Test "a: \"b\"" failed after 0.002 seconds with 1 issue.
      ✘ Test sized(size:) with 2 test cases failed after 0.2 seconds with 1 issue.
      ✘ Suite "Some" failed after 0.3 seconds with 2 issues.
      ✘ Test run with 4 tests in 1 suite failed after 0.4 seconds with 2 issues.

      """
    let end = try run(log, code: 3)
    #expect(end.code == 3)
    let kept = workspace.url.appending(path: "kept.txt").path
    #expect(
      end.output == log + """

        == what failed (the whole log: \(kept))
        ✘ Test "a: \"b\"" recorded an issue at ATests.swift:3:5: Expectation failed: (x → "one
        two") == 3
        ↳ a word on it
          and another
        ✘ Test sized(size:) recorded an issue with 1 argument size → 3 at BTests.swift:7:5: Expectation failed: 1 == 2

        == tests that failed
          "a: \"b\""
          sized(size:) with 2 test cases

        """, "\(end.output)")
  }

  @Test("a build that fails, or a process that dies, is told with its last lines")
  func died() throws {
    let log = (1...50).map { "line \($0)\n" }.joined() + "error: Exited with unexpected signal code 11\n"
    let end = try run(log, code: 1)
    #expect(end.code == 1)
    #expect(end.output.hasSuffix("line 50\nerror: Exited with unexpected signal code 11\n"))
    #expect(end.output.contains("== tests that failed\n  none came to its end\nline 32\n"), "\(end.output)")
  }
}
