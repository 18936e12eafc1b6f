import Terminal
import Testing

private func parse(_ words: String...) throws(UsageFailure) -> Arguments {
  try Arguments(words, for: ExampleProgram.plan)
}

private func messages(_ words: [String], for spec: CommandSpec = ExampleProgram.plan) -> [String] {
  do {
    _ = try Arguments(words, for: spec)
    return []
  } catch {
    return error.faults.map(\.message)
  }
}

private func helps(_ words: [String], for spec: CommandSpec = ExampleProgram.plan) -> [String?] {
  do {
    _ = try Arguments(words, for: spec)
    return []
  } catch {
    return error.faults.map(\.help)
  }
}

@Suite("Arguments of a command")
struct ArgumentsTests {
  @Test("both spellings of a value, short names, flags and operands in any order")
  func values() throws {
    let arguments = try parse("--threads=4", "net.yaml", "-o", "out.json", "--dry-run", "--budget", "1.5GiB")
    #expect(arguments[ExampleProgram.threads] == 4)
    #expect(arguments[ExampleProgram.output] == "out.json")
    #expect(arguments[ExampleProgram.budget] == .bytes(1_610_612_736))
    #expect(arguments[ExampleProgram.dryRun])
    #expect(!arguments[CommandSpec.json])
    #expect(arguments.operands == ["net.yaml"])
  }

  @Test("a command line is written as a shell reads it back")
  func commandLine() throws {
    let arguments = try parse(
      "--set", "name=it's", "my net.yaml", "--dry-run", "--output=out.json", "--set=a.b=[1, 2]", "--threads",
      "4")
    #expect(
      arguments.commandLine(of: "strata", without: [ExampleProgram.threads.spec])
        == #"strata plan 'my net.yaml' -o out.json --set 'name=it'\''s' --set 'a.b=[1, 2]' --dry-run"#)
  }

  @Test("absent options have no value")
  func absent() throws {
    let arguments = try parse("net.yaml")
    #expect(arguments[ExampleProgram.threads] == nil)
    #expect(arguments[ExampleProgram.set].isEmpty)
    #expect(!arguments[ExampleProgram.dryRun])
  }

  @Test("a repeated option keeps every value in order, cut at the first '='")
  func repeated() throws {
    let arguments = try parse("--set", "a.b=1", "net.yaml", "--set=c=[x=y]", "--set", "d=")
    #expect(
      arguments[ExampleProgram.set] == [
        Assignment(key: "a.b", value: "1"), Assignment(key: "c", value: "[x=y]"),
        Assignment(key: "d", value: ""),
      ])
  }

  @Test("after '--' everything is an operand")
  func terminator() throws {
    #expect(try parse("--dry-run", "--", "--threads").operands == ["--threads"])
    #expect(try parse("--", "--").operands == ["--"])
  }

  @Test("a lone dash is an operand or a value")
  func dash() throws {
    let arguments = try parse("-", "-o", "-")
    #expect(arguments.operands == ["-"])
    #expect(arguments[ExampleProgram.output] == "-")
  }

  @Test(
    "each fault in its own words",
    arguments: [
      (["x", "--thread", "3"], "unknown option '--thread'"),
      (["x", "--threads", "0"], "'--threads' takes an integer from 1 to 64, not '0'"),
      (["x", "--threads=-3"], "'--threads' takes an integer from 1 to 64, not '-3'"),
      (["x", "--threads", "-3"], "'--threads' takes an integer from 1 to 64, not '-3'"),
      (["x", "--threads", "+3"], "'--threads' takes an integer from 1 to 64, not '+3'"),
      (
        ["x", "--threads", "99999999999999999999"],
        "'--threads' takes an integer from 1 to 64, not '99999999999999999999'"
      ),
      (["x", "--threads="], "'--threads' takes an integer from 1 to 64, not ''"),
      (["x", "--threads"], "'--threads' needs a value"),
      (["x", "--threads", "--dry-run"], "'--threads' needs a value"),
      (["x", "--threads", "2", "--threads=3"], "'--threads' is given twice"),
      (["x", "-o", "a", "--output", "b"], "'--output' is given twice"),
      (["x", "-o="], "unknown option '-o='"),
      (["x", "--dry-run=yes"], "'--dry-run' takes no value, not 'yes'"),
      (["x", "--set", "a"], "'--set' takes KEY=VALUE, not 'a'"),
      (["x", "--set", "=1"], "'--set' takes KEY=VALUE, not '=1'"),
      (["x", "--budget", "2GB"], "'--budget' takes a size like 900MiB, 2GiB or 80%, not '2GB'"),
      (["x", "--output", ""], "'--output' takes a PLAN, not ''"),
      ([], "'plan' needs SPEC"),
      (["x", "y"], "unexpected 'y': 'plan' takes SPEC"),
      (["x", "-output", "y"], "unknown option '-output'"),
    ])
  func faults(words: [String], message: String) {
    #expect(messages(words) == [message])
  }

  @Test("all faults at once, in the order of the line")
  func combined() {
    #expect(
      messages(["--thread=3", "--budget", "no", "--dry-run=1", "a", "b"]) == [
        "unknown option '--thread'", "'--budget' takes a size like 900MiB, 2GiB or 80%, not 'no'",
        "'--dry-run' takes no value, not '1'", "unexpected 'b': 'plan' takes SPEC",
      ])
  }

  @Test("a mistyped option is corrected")
  func suggestions() {
    #expect(helps(["x", "--thread", "3"]) == ["did you mean '--threads'?"])
    #expect(helps(["x", "--dryrun"]) == ["did you mean '--dry-run'?"])
    #expect(helps(["x", "-output", "y"]) == ["did you mean '--output'?"])
    #expect(helps(["x", "-oplan.json"]) == ["write '-o plan.json'"])
    #expect(
      helps(["x", "--nothing-like-it"]) == [
        "the options are --output, --threads, --budget, --set, --dry-run, --json, --help"
      ])
  }

  @Test("a mistyped flag does not swallow the operand behind it, a mistyped option its value")
  func unknownOptionsAndOperands() {
    #expect(messages(["--dry-ran", "net.yaml"]) == ["unknown option '--dry-ran'"])
    #expect(messages(["--thread", "4", "net.yaml"]) == ["unknown option '--thread'"])
  }

  @Test("operands are counted and, where the words are known, checked")
  func operandCount() {
    #expect(messages(["a"], for: ExampleProgram.compare) == ["'compare' needs DIR DIR... (1 given)"])
    #expect(messages(["a", "b", "c"], for: ExampleProgram.compare) == [])
    #expect(messages(["x"], for: ExampleProgram.version) == ["unexpected 'x': 'version' takes only options"])
    #expect(messages(["bsh"], for: ExampleProgram.shells) == ["'bsh' is no SHELL"])
    #expect(helps(["bsh"], for: ExampleProgram.shells) == ["did you mean 'bash'?"])
    #expect(messages(["zsh"], for: ExampleProgram.shells) == [])
  }

  @Test("reading an option of another command is a bug and traps")
  func foreignOption() async {
    await #expect(processExitsWith: .failure) {
      let arguments = try Arguments(["a", "b"], for: ExampleProgram.compare)
      _ = arguments[ExampleProgram.threads]
    }
  }
}

@Suite("Command lines of the program")
struct InvocationTests {
  private func describe(_ words: String...) -> String {
    do {
      switch try ExampleProgram.program.parse(words) {
      case .help(let command, let json): return "help \(command ?? "-") \(json)"
      case .version(let json): return "version \(json)"
      case .command(let name, let arguments): return "\(name) \(arguments.operands)"
      }
    } catch {
      return error.faults.map { "\($0.message); \($0.help ?? "-")" }.joined(separator: " / ")
    }
  }

  @Test("help is heard anywhere before '--', even on a faulty line")
  func help() {
    #expect(describe("--help") == "help - false")
    #expect(describe("-h", "--json") == "help - true")
    #expect(describe("plan", "--help") == "help plan false")
    #expect(describe("plan", "--bogus", "-h", "--json") == "help plan true")
    #expect(describe("plan", "--", "--help") == "plan [\"--help\"]")
  }

  @Test("version")
  func version() {
    #expect(describe("--version") == "version false")
    #expect(describe("--version", "--json") == "version true")
    #expect(describe("version") == "version []")
  }

  @Test("faults before the command")
  func faults() {
    #expect(describe() == "help - false")
    #expect(describe("plann", "x") == "unknown command 'plann'; did you mean 'plan'?")
    #expect(describe("com", "x") == "unknown command 'com'; did you mean 'compare'?")
    #expect(describe("zzz") == "unknown command 'zzz'; 'strata help' lists the commands")
    #expect(describe("--versoin") == "unknown option '--versoin'; did you mean '--version'?")
    #expect(
      describe("--threads=2", "plan", "x")
        == "'--threads' stands before the command; write 'strata COMMAND --threads'")
  }

  @Test("the faults of a command name it, for the usage line")
  func failureNamesCommand() {
    #expect(throws: UsageFailure.self) { try ExampleProgram.program.parse(["plan"]) }
    do {
      _ = try ExampleProgram.program.parse(["plan"])
    } catch {
      #expect(error.command == "plan")
      #expect(
        ExampleProgram.program.usageHint(for: error, .plain)
          == "\nusage: strata plan [options] SPEC\n'strata help plan' tells more\n")
    }
  }
}
