internal import Artifacts
internal import Diagnostics
internal import Execution
internal import Glibc
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// A plan, and the network that it was compiled from.
struct CompiledSpec {
  let lowered: LoweredSpec
  let plan: Plan

  /// - Parameter withTimes: where this machine was measured.
  func comparison(withTimes: Bool = false) -> PlanComparison {
    var comparison = lowered.comparison(with: plan)
    if withTimes, let model = Calibration.model(threads: plan.threads) {
      comparison.times = lowered.strategyTimes(of: plan, model: model)
    }
    return comparison
  }
}

extension LoadedSpec {
  /// Compiles for `threads` workers, within the budget of the command line or the spec; every fault is told.
  func plan(
    threads: Int, budget: MemorySize?, dataPath: String?, withFingerprint: Bool, _ session: Session
  ) throws(CommandFailure) -> CompiledSpec {
    guard let budget = Budget(budget, spec: spec) else {
      return try plan(
        threads: threads, choices: nil, budgetBytes: nil, dataPath: dataPath,
        withFingerprint: withFingerprint, session)
    }
    budget.tell(session)
    let (lowered, facts) = try prepared(
      dataPath: dataPath, withFingerprint: withFingerprint, session)
    let start = try checked(session) { _ throws(CompilationFailed) in try readStart() }
    warn(of: lowered, start: start, session)
    let options = CompileOptions(threads: threads, facts: facts, specText: text, start: start)
    let progress = SearchProgress(on: session.diagnostics)
    func note(_ state: BudgetSearchState) {
      // Of several runs, the next one's search.
      Interruption.endIfRequested()
      progress.note { budget.words(for: state) }
    }
    let solver = try checked(session) { _ throws(CompilationFailed) in
      try BudgetSolver(
        lowered, options: options, budgetBytes: budget.usableByteCount, statedBytes: budget.byteCount,
        note: note)
    }
    if let plan = solver.solve() {
      progress.finish()
      budget.tell(plan, threads: threads, session)
      return CompiledSpec(lowered: lowered, plan: plan)
    }
    let shortfall = Shortfall(
      self, options: options, budget: budget, smallest: solver.smallest(), note: note)
    progress.finish()
    throw shortfall.tell(session)
  }

  /// Compiles as a plan file chose, or, with nil, as it comes; every fault is told.
  ///
  /// - Parameter start: what is known of `network.from`; nil: its file is read.
  func plan(
    threads: Int, choices: PlanChoices?, budgetBytes: Int?, dataPath: String?, withFingerprint: Bool,
    start: StartSource? = nil, _ session: Session
  ) throws(CommandFailure) -> CompiledSpec {
    let (lowered, facts) = try prepared(
      dataPath: dataPath, withFingerprint: withFingerprint, session)
    var start = start
    if start == nil {
      start = try checked(session) { _ throws(CompilationFailed) in try readStart() }
    }
    let plan = try checked(session) { _ throws(CompilationFailed) in
      try compile(
        lowered,
        options: CompileOptions(
          threads: threads, facts: facts, specText: text, start: start, choices: choices,
          budgetBytes: budgetBytes))
    }
    warn(of: lowered, start: start, session)
    return CompiledSpec(lowered: lowered, plan: plan)
  }

  private func warn(of lowered: LoweredSpec, start: StartSource?, _ session: Session) {
    for warning in warnings(of: lowered, start: start) { warn(warning, session) }
  }

  /// What planning begins with. Faults of the spec come before those of the data: they are cheaper to mend.
  func prepared(
    dataPath: String?, withFingerprint: Bool, _ session: Session
  ) throws(CommandFailure) -> (lowered: LoweredSpec, facts: DataFacts) {
    let lowered = try checked(session) { spec throws(CompilationFailed) in
      try Pipeline.check(spec, images: spec.data.trainCount)
    }
    let facts = try DataOpening.facts(self, path: dataPath, withFingerprint: withFingerprint)
    for warning in warnings(of: spec, images: facts.trainCount) { warn(warning, session) }
    if !spec.data.source.value.readsFiles || dataPath != nil || spec.data.path != nil {
      warnOfLabels(of: try DataOpening(self, path: dataPath), session)
    }
    return (lowered, facts)
  }

  /// Warns where the plan would take more memory than this machine has, or than any is likely to have; plans only where that may
  /// be. With a budget the plan is another one, which is chosen to fit.
  func warnOfMemory(threads: Int, _ session: Session) {
    guard spec.memory.budget == nil else { return }
    // Weights that can't be read are a fault, or still to be made.
    let start: StartSource?
    do throws(CompilationFailed) { start = try readStart() } catch { return }
    let images = (spec.data.trainCount ?? 0) + (spec.data.testCount ?? 0)
    guard let lowered = try? LoweredSpec(spec),
      roughPeakBytes(of: lowered, images: images)
        > min(MemoryLimit.binding(workers: threads).byteCount, 1 << 40)
    else { return }
    // The data need not be there: what it has resident is the least of it then.
    let facts =
      (try? DataOpening.facts(self, path: nil, withFingerprint: false))
      ?? DataFacts(
        trainCount: max(1, spec.data.trainCount ?? spec.training.batch.value),
        testCount: spec.data.testCount ?? 1,
        residentBytes: 0, fingerprint: nil)
    let plan = try? compile(
      lowered,
      options: CompileOptions(
        threads: threads, facts: facts, specText: text, start: start, choices: PlanChoices()))
    plan?.warnOfMemory(path: path, session)
  }

  /// Everything that planning would find, as far as it can be known without the data.
  ///
  /// - Returns: the lowered spec, and what is to be warned of, of stored weights.
  static func check(
    _ spec: Spec, in folder: String, weights: StartReading = StartFile.facts
  ) throws(CompilationFailed) -> (lowered: LoweredSpec, warnings: [Diagnostic]) {
    let start: StartSource?
    do {
      start = try readStartIfThere(of: spec, in: folder, weights)
    } catch {
      // The spec's own faults are told with it.
      var faults = error.diagnostics
      do {
        try Pipeline.check(spec, images: spec.data.trainCount)
      } catch {
        faults += error.diagnostics
      }
      throw CompilationFailed(diagnostics: faults)
    }
    let lowered = try Pipeline.check(spec, images: spec.data.trainCount, start: start)
    return (lowered, warnings(of: lowered, start: start))
  }

  /// Where the weights lie that `network.from` names; nil without it.
  var startPath: String? { Self.weightsPath(of: spec, in: folder) }

  private static func weightsPath(of spec: Spec, in folder: String) -> String? {
    spec.network.from.map { StartFile.path(Paths.join(folder, $0.value)) }
  }

  /// Whether there is something where `network.from` points to, right or wrong; true without it.
  var isStartThere: Bool { startPath.map(StartFile.isThere) ?? true }

  /// Likewise, but nil where there is nothing yet: weights that are still to be made are no fault of the spec.
  func readStartIfThere() throws(CompilationFailed) -> StartSource? {
    try Self.readStartIfThere(of: spec, in: folder, weights)
  }

  private static func readStartIfThere(
    of spec: Spec, in folder: String, _ weights: StartReading
  ) throws(CompilationFailed) -> StartSource? {
    guard let path = weightsPath(of: spec, in: folder), StartFile.isThere(path) else { return nil }
    return try readStart(of: spec, in: folder, weights)
  }

  /// What planning needs of the weights that `network.from` names; nil without it.
  func readStart() throws(CompilationFailed) -> StartSource? {
    try Self.readStart(of: spec, in: folder, weights)
  }

  private static func readStart(
    of spec: Spec, in folder: String, _ weights: StartReading
  ) throws(CompilationFailed) -> StartSource? {
    guard let from = spec.network.from, let startPath = weightsPath(of: spec, in: folder) else { return nil }
    do {
      return .file(try weights(startPath))
    } catch {
      guard let run = RunDirectory.unfinishedRun(leaving: startPath) else {
        if case .foreign(let foreign) = error {
          throw CompilationFailed(diagnostics: [
            .foreignWeights(foreign.message, at: from.span, help: foreign.help)
          ])
        }
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
