internal import Glibc
internal import Kernels
internal import Terminal
internal import Text

@main
struct StrataCommand {
  static func main() {
    // The only places that touch the environment, while there is one thread.
    startAgainWithFewReservations()
    if unsafe getenv("OPENBLAS_CORETYPE") == nil { correctBLASCore() }
    SignalHandling.install()
    let console = Console.standard(.current)
    let code = run(Array(CommandLine.arguments.dropFirst()), console)
    if let reason = console.output.failure {
      console.diagnostics.write(
        CommandFailure(.failed, "cannot write to standard output: \(reason)").text(console.diagnostics.style))
      exit((code == .done ? .failed : code).rawValue)
    }
    exit(code.rawValue)
  }

  /// Carries out one command line and tells what went wrong: people on standard error, and programs that asked for
  /// `--json` with a document on standard output.
  private static func run(_ words: [String], _ console: Console) -> ExitCode {
    let program = CommandTable.program
    let wantsJSON = words.prefix { $0 != "--" }.contains("--json")
    let invocation: Invocation
    do {
      invocation = try program.parse(words)
    } catch {
      tell(CommandFailure(.faultyInput, error.faults), wantsJSON: wantsJSON, console)
      console.diagnostics.write(program.usageHint(for: error, console.diagnostics.style))
      return .faultyInput
    }
    do {
      return try carryOut(invocation, console)
    } catch {
      tell(error, wantsJSON: wantsJSON, console)
      return error.exitCode
    }
  }

  private static func carryOut(_ invocation: Invocation, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    switch invocation {
    case .help(let name, let json):
      HelpCommand.print(name.flatMap { CommandTable.program.command(named: $0) }, json: json, console)
      return .done
    case .version(let json):
      VersionCommand.print(json: json, console)
      return .done
    case .command(let name, let arguments):
      guard let command = CommandTable.commands.first(where: { $0.spec.name == name }) else {
        preconditionFailure("the parser gives names of the table")
      }
      console.warnings.isStrict = arguments.isGiven(CommonOptions.strict)
      return try command.run(arguments, console)
    }
  }

  private static func tell(_ failure: CommandFailure, wantsJSON: Bool, _ console: Console) {
    console.diagnostics.write(failure.text(console.diagnostics.style))
    if wantsJSON, !failure.faults.isEmpty { console.output.write(JSONWriter.document(failure.json)) }
  }
}
