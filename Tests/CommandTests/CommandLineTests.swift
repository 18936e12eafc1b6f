import Foundation
import Testing

private let names = [
  "check", "plan", "run", "evaluate", "predict", "export", "probe", "ir", "show", "diff", "compare", "bench",
  "new", "schema",
  "explain", "lsp",
  "completions", "help", "version",
]

@Suite("The command line")
struct CommandLineTests {
  @Test("every command has help with usage, options, exit codes and an example", arguments: names)
  func help(name: String) throws {
    let long = try StrataProcess("help", name)
    let short = try StrataProcess(name, "--help")
    #expect(long.exitCode == 0 && short.exitCode == 0)
    #expect(long.output == short.output)
    #expect(long.diagnostics == "")
    for heading in ["usage:", "options:", "exit codes:", "examples:"] {
      #expect(long.output.contains("\n\(heading)\n"))
    }
    #expect(long.output.contains("  --json "))
    #expect(long.output.contains("  strata \(name) "))
    #expect(long.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test("every command refuses a mistyped option with exit code 2 and a correction", arguments: names)
  func mistyped(name: String) throws {
    let result = try StrataProcess(name, "--jsn")
    #expect(result.exitCode == 2)
    #expect(result.output == "")
    #expect(result.diagnostics.hasPrefix("error: unknown option '--jsn'\n  = help: did you mean '--json'?\n"))
    #expect(result.diagnostics.contains("\nusage: strata \(name) "))
  }

  @Test("the overview names every command, and no other")
  func overview() throws {
    let result = try StrataProcess("--help")
    #expect(result.exitCode == 0)
    #expect(result.output == (try StrataProcess("help").output))
    let listed = try StrataProcess("help", "--json").output
      .matches(of: /"name": "([a-z]+)"/).map { String($0.1) }
    #expect(listed.sorted() == names.sorted())
    for name in names { #expect(result.output.contains("\n  \(name) ")) }
  }

  @Test("no command at all lists the commands")
  func nothing() throws {
    let result = try StrataProcess()
    #expect(result.exitCode == 0 && result.diagnostics == "")
    #expect(result.output == (try StrataProcess("help").output))
  }

  @Test("with --json a fault of the command line is a document, too")
  func faultsAsJSON() throws {
    struct Document: Decodable {
      struct Fault: Decodable {
        var message: String
        var help: String?
      }
      var schema: String
      var exitCode: Int
      var errors: [Fault]
    }
    let result = try StrataProcess("bench", "--json", "--thread", "4", "--steps=0")
    #expect(result.exitCode == 2)
    let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
    #expect(document.schema == "strata.error/1")
    #expect(document.exitCode == 2)
    #expect(
      document.errors.map(\.message) == [
        "unknown option '--thread'", "'--steps' takes an integer from 1 to 1,000,000, not '0'",
      ])
    #expect(document.errors.map(\.help) == ["did you mean '--threads'?", nil])
  }

  @Test("the version, as text and as JSON")
  func version() throws {
    let text = try StrataProcess("--version")
    #expect(text.output == (try StrataProcess("version").output))
    #expect(text.output.wholeMatch(of: /strata [0-9]+\.[0-9]+\.[0-9]+ \(spec language 1\)\n/) != nil)
    #expect(try StrataProcess("version", "--json").output.contains("\"schema\": \"strata.version/1\""))
  }

  /// The products of the program that the tests start are those of the tests themselves.
  @Test func theProgramRunsTheCodeOfTheCoreThatIsAskedFor() throws {
    #if arch(x86_64)
      let core = "Prescott"
    #else
      let core = "armv8"
    #endif
    let version = try StrataProcess("version", "--json", environment: ["OPENBLAS_CORETYPE": core]).output
    // A library that is built for one processor has no other's code.
    #expect(!version.contains("DYNAMIC_ARCH") || version.contains("core \(core)"), "\(version)")
    #expect(
      StrataProcess.environment["OPENBLAS_CORETYPE"]
        == ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"])
  }

  @Test("a result that cannot be written is a failure")
  func fullDisk() throws {
    let result = try shell("\"$STRATA\" help > /dev/full")
    #expect(result == "strata 1 error: cannot write to standard output: No space left on device\n")
  }

  @Test("a reader that has gone is none")
  func closedPipe() throws {
    #expect(try shell("\"$STRATA\" help | true; (exit ${PIPESTATUS[0]})") == "strata 0 ")
    #expect(
      try shell("\"$STRATA\" plann --json | true; (exit ${PIPESTATUS[0]})").hasPrefix("strata 2 error: "))
  }

  @Test("the completion scripts are of this program", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let script = try StrataProcess("completions", shell)
    #expect(script.exitCode == 0)
    for name in names { #expect(script.output.contains(name)) }
  }

  @Test("bash offers what the table says")
  func bash() throws {
    let offered = try shell(
      """
      source <("$STRATA" completions bash); COMP_WORDS=(strata bench --mode s); COMP_CWORD=3; _strata
      echo "${COMPREPLY[@]}" >&2
      """)
    #expect(offered == "strata 0 step stage:1\n")
  }

  /// Runs a line of bash; `strata`, its exit code, and what it wrote to standard error.
  private func shell(_ line: String) throws -> String {
    let process = Process()
    let errors = Pipe()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", line]
    process.environment = StrataProcess.environment.merging(["STRATA": StrataProcess.executable.path]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return "strata \(process.terminationStatus) \(text)"
  }
}
