internal import Diagnostics
internal import Terminal

/// `strata check SPEC...`
struct CheckCommand: Command {
  static let spec = CommandSpec(
    "check", group: CommandGroup.specs,
    summary: "report every fault of specs at once, and what to be warned of",
    discussion: """
      Reads each spec, lowers it to a graph and checks shapes, schedule and modules; the numbers of images where the \
      source tells them (all but idx and npy); stored weights where they are there. Every fault is reported with its \
      line and column and, where the meaning can be guessed, with a correction. Warnings tell of what is no fault and yet \
      will not do what was probably meant; '--strict' makes faults of them. No images are read; headers and labels of \
      idx and npy files are, where the spec leaves 'network.input' or 'network.classes' to them. Standard input is \
      '-'; paths in it start at the current folder.
      """,
    operands: OperandSpec(
      "SPEC", 1...Int.max, "architecture specs (YAML)", completion: CommonOperands.specFiles),
    options: [WatchedFiles.option.spec, CommonOptions.set.spec, CommonOptions.strict.spec],
    examples: [
      .init("strata check net.yaml", "check one spec"),
      .init("strata new vgg-dgl | strata check -", "check what another program writes"),
      .init("strata check specs/*.yaml", "check many; exits with 2 if any of them has a fault"),
      .init("strata check --watch net.yaml", "beside an editor: check again on every save"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    guard arguments[WatchedFiles.option] else { return try check(arguments, session) }
    guard !session.json else {
      throw CommandFailure(.faultyInput, "'--watch' and '--json' exclude each other")
    }
    try WatchedFiles.run(arguments.operands, session) { (session) throws(CommandFailure) in
      _ = try check(arguments, session)
    }
  }

  private static func check(
    _ arguments: Arguments, _ session: Session
  ) throws(CommandFailure) -> ExitCode {
    var faultCount = 0
    // With warnings, in the order of the files.
    var objects: [String] = []
    var unread: [Fault] = []
    for path in arguments.operands {
      do {
        let (bytes, set) = (try LoadedSpec.read(path), arguments[CommonOptions.set])
        let found = try LoadedSpec.findings(path: path, bytes: bytes, set: set)
        let (diagnostics, warnings, texts) = (found.diagnostics, found.warnings, found.texts)
        for warning in warnings { session.warn(warning, texts) }
        let before = session.warnings.objects.count
        if diagnostics.isEmpty {
          try LoadedSpec(
            path: path, bytes: bytes, set: set, dataPath: nil, reportsWarnings: false, session
          ).warnOfMemory(threads: CommonOptions.defaultThreadCount, session)
        }
        let ofMemory = session.warnings.objects[before...]
        let warningCount = warnings.count + ofMemory.count
        objects += (warnings.map { $0.under(session.warnings.isStrict) } + diagnostics).map(
          DiagnosticJSON(texts: texts).object)
        objects += ofMemory
        if diagnostics.isEmpty {
          if !session.json, warningCount == 0 || !session.warnings.isStrict {
            session.output.writeLine("\(path): ok" + words(warningCount))
          }
          continue
        }
        if faultCount > 0, session.warnings.entries.isEmpty { session.diagnostics.writeLine("") }
        _ = tell(diagnostics, texts, session, asDocument: false)
        faultCount += diagnostics.count
      } catch {
        // Other specs are checked all the same.
        session.diagnostics.write(error.text(session.diagnostics.style))
        unread += error.faults
      }
    }
    if session.json {
      let errors = unread.map { fault in
        "{\"message\":\(JSONText.string(fault.message)),"
          + "\"help\":\(fault.help.map { JSONText.string($0) } ?? "null")}"
      }
      session.output.writeLine(
        "{\"schema\":\"strata.diagnostics/1\",\"diagnostics\":[\(objects.joined(separator: ","))],"
          + "\"errors\":[\(errors.joined(separator: ","))]}")
    }
    if faultCount == 0, unread.isEmpty { try session.requireNoWarnings(asDocument: false) }
    let isFaulty =
      faultCount > 0 || !unread.isEmpty || session.warnings.isStrict && !session.warnings.entries.isEmpty
    return isFaulty ? .faultyInput : .done
  }

  /// Behind the name of a file without faults.
  private static func words(_ warningCount: Int) -> String {
    switch warningCount {
    case 0: ""
    case 1: ", with a warning"
    case _: ", with \(warningCount) warnings"
    }
  }
}
