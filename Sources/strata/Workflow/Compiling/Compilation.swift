internal import Artifacts
internal import Diagnostics
internal import Execution
internal import Glibc
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

extension LoadedSpec {
  /// Compiles for `threads` workers, within the budget of the command line or the spec; every fault is told.
  func plan(
    threads: Int, budget: MemorySize?, dataPath: String?, withFingerprint: Bool, _ console: Console,
    json: Bool
  ) throws(CommandFailure) -> Plan {
    guard let budget = Budget(budget, spec: spec) else {
      return try plan(
        threads: threads, choices: nil, budgetBytes: nil, dataPath: dataPath,
        withFingerprint: withFingerprint, console, json: json)
    }
    budget.tell(console)
    let facts = try facts(dataPath: dataPath, withFingerprint: withFingerprint, console, json: json)
    let start = try checked(console, json: json) { _ throws(CompilationFailed) in try readStart() }
    let options = CompileOptions(threads: threads, facts: facts, specText: text, start: start)
    let progress = SearchProgress(on: console.diagnostics)
    func note(_ state: BudgetSearchState) {
      // Of several runs, the next one's search.
      Interruption.endIfRequested()
      progress.note { budget.words(for: state) }
    }
    let solver = try checked(console, json: json) { spec throws(CompilationFailed) in
      try BudgetSolver(
        spec, options: options, budgetBytes: budget.usableByteCount, statedBytes: budget.byteCount, note: note
      )
    }
    if let plan = solver.solve() {
      progress.finish()
      budget.tell(plan, threads: threads, console)
      return plan
    }
    let shortfall = Shortfall(
      self, options: options, budget: budget, smallest: solver.smallest(), note: note)
    progress.finish()
    throw shortfall.tell(console, json: json)
  }

  /// Compiles as a plan file chose, or, with nil, as it comes; every fault is told.
  ///
  /// - Parameter start: what is known of `network.from`; nil: its file is read.
  func plan(
    threads: Int, choices: PlanChoices?, budgetBytes: Int?, dataPath: String?, withFingerprint: Bool,
    start: StartSource? = nil, _ console: Console, json: Bool
  ) throws(CommandFailure) -> Plan {
    let facts = try facts(dataPath: dataPath, withFingerprint: withFingerprint, console, json: json)
    return try checked(console, json: json) { spec throws(CompilationFailed) in
      var start = start
      if start == nil { start = try readStart() }
      return try compile(
        spec,
        options: CompileOptions(
          threads: threads, facts: facts, specText: text, start: start, choices: choices,
          budgetBytes: budgetBytes))
    }
  }

  /// Faults of the spec come before those of the data: they are cheaper to mend.
  func facts(
    dataPath: String?, withFingerprint: Bool, _ console: Console, json: Bool
  ) throws(CommandFailure) -> DataFacts {
    _ = try checked(console, json: json) { spec throws(CompilationFailed) in
      try Pipeline.check(spec, pictures: spec.data.trainCount)
    }
    let facts = try DataOpening.facts(self, path: dataPath, withFingerprint: withFingerprint)
    for warning in warnings(of: spec, pictures: facts.trainCount) { warn(warning, console) }
    return facts
  }

  /// Warns where the plan would take more memory than this machine has, or than any is likely to have; plans only where that may
  /// be. With a budget the plan is another one, which is chosen to fit.
  func warnOfMemory(threads: Int, _ console: Console) {
    guard spec.memory.budget == nil, isStartAtHand else { return }
    let images = (spec.data.trainCount ?? 0) + (spec.data.testCount ?? 0)
    guard
      roughPeakBytes(of: spec, images: images) > min(MemoryLimit.binding(workers: threads).byteCount, 1 << 40)
    else { return }
    // The data need not be there: what it has resident is the least of it then.
    let facts =
      (try? DataOpening.facts(self, path: nil, withFingerprint: false))
      ?? DataFacts(
        trainCount: max(1, spec.data.trainCount ?? spec.training.batch.value),
        testCount: spec.data.testCount ?? 1,
        residentBytes: 0, fingerprint: nil)
    let plan = try? compileAlone(
      spec,
      options: CompileOptions(threads: threads, facts: facts, specText: text, start: try? readStart()))
    plan?.warnOfMemory(path: path, console)
  }

  /// Everything that planning would find, as far as it can be known without the data.
  static func check(_ spec: Spec, in folder: String) throws(CompilationFailed) {
    // Weights that are not there yet are no fault of the spec.
    let isStartThere = weightsPath(of: spec, in: folder).map { unsafe access($0, F_OK) == 0 } ?? false
    try Pipeline.check(
      spec, pictures: spec.data.trainCount, start: isStartThere ? readStart(of: spec, in: folder) : nil)
  }

  /// Where the weights lie that `network.from` names; nil without it.
  var startPath: String? { Self.weightsPath(of: spec, in: folder) }

  private static func weightsPath(of spec: Spec, in folder: String) -> String? {
    spec.network.from.map { StartFile.path(Paths.join(folder, $0.value)) }
  }

  /// Whether the weights can be read that `network.from` names; true without it.
  var isStartAtHand: Bool {
    do throws(CompilationFailed) {
      _ = try readStart()
      return true
    } catch {
      return false
    }
  }

  /// What planning needs of the weights that `network.from` names; nil without it.
  func readStart() throws(CompilationFailed) -> StartSource? { try Self.readStart(of: spec, in: folder) }

  private static func readStart(of spec: Spec, in folder: String) throws(CompilationFailed) -> StartSource? {
    guard let from = spec.network.from, let startPath = weightsPath(of: spec, in: folder) else { return nil }
    do {
      return .file(try StartFile.facts(of: startPath))
    } catch {
      guard let run = RunDirectory.unfinishedRun(leaving: startPath) else {
        throw CompilationFailed(diagnostics: [.weights(error.message, label: "read here", at: from.span)])
      }
      throw CompilationFailed(diagnostics: [
        .weights(
          "the run in '\(run)' is not finished, and has no weights yet", label: "read here", at: from.span,
          help: "finish it: strata run \(shellWord(run)) --resume")
      ])
    }
  }
}
