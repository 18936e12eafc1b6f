internal import Glibc
internal import Kernels
internal import Terminal
internal import Text

@main
struct StrataCommand {
  static func main() {
    // The only places that touch the environment, while there is one thread.
    reserveFewAddresses()
    if unsafe getenv("OPENBLAS_CORETYPE") == nil { correctBLASCore() }
    SignalHandling.install()
    let words = Array(CommandLine.arguments.dropFirst())
    let session = Session(console: .standard(.current), json: words.prefix { $0 != "--" }.contains("--json"))
    if let failure = faultOfArguments() {
      tell(failure, session)
      exit(failure.exitCode.rawValue)
    }
    let code = run(words, session)
    if let reason = session.output.failure {
      session.diagnostics.write(
        CommandFailure(.failed, "cannot write to standard output: \(reason)").text(session.diagnostics.style))
      exit((code == .done ? .failed : code).rawValue)
    }
    exit(code.rawValue)
  }

  /// Arguments that are no text: the files that they mean would be looked for, or made, under other names.
  private static func faultOfArguments() -> CommandFailure? {
    var faults: [Fault] = []
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = unsafe CommandLine.unsafeArgv[index],
        unsafe String(validatingCString: argument) == nil
      else { continue }
      let bytes = unsafe UnsafeBufferPointer(start: argument, count: strlen(argument))
      let words = unsafe bytes.reduce(into: "") { text, byte in
        let byte = UInt8(bitPattern: byte)
        let digits = String(byte, radix: 16, uppercase: true)
        text +=
          (0x20..<0x7F).contains(byte)
          ? String(UnicodeScalar(byte)) : "\\x" + (digits.count < 2 ? "0" : "") + digits
      }
      faults.append(
        Fault(
          "argument \(index) is not UTF-8: '\(words)'",
          help: "Strata names files in UTF-8: rename the file or folder, or go to it and name it '.'"))
    }
    return faults.isEmpty ? nil : CommandFailure(.faultyInput, faults)
  }

  /// Carries out one command line and tells what went wrong: people on standard error, and programs that asked for
  /// `--json` with a document on standard output.
  private static func run(_ words: [String], _ session: Session) -> ExitCode {
    let program = CommandTable.program
    let invocation: Invocation
    do {
      invocation = try program.parse(words)
    } catch {
      tell(CommandFailure(.faultyInput, error.faults), session)
      session.diagnostics.write(program.usageHint(for: error, session.diagnostics.style))
      return .faultyInput
    }
    do {
      return try carryOut(invocation, session)
    } catch {
      tell(error, session)
      return error.exitCode
    }
  }

  private static func carryOut(_ invocation: Invocation, _ session: Session) throws(CommandFailure)
    -> ExitCode
  {
    switch invocation {
    case .help(let name, let json):
      let session = Session(console: session.console, json: json)
      HelpCommand.print(name.flatMap { CommandTable.program.command(named: $0) }, session)
      return .done
    case .version(let json):
      VersionCommand.print(Session(console: session.console, json: json))
      return .done
    case .command(let name, let arguments):
      guard let command = CommandTable.commands.first(where: { $0.spec.name == name }) else {
        preconditionFailure("the parser gives names of the table")
      }
      session.warnings.isStrict = arguments.isGiven(CommonOptions.strict)
      return try command.run(
        arguments, Session(console: session.console, json: arguments.isGiven(CommandSpec.json)))
    }
  }

  private static func tell(_ failure: CommandFailure, _ session: Session) {
    session.diagnostics.write(failure.text(session.diagnostics.style))
    if session.json, !failure.faults.isEmpty { session.output.write(JSONWriter.document(failure.json)) }
  }
}
