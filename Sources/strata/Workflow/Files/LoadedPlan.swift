internal import Artifacts
internal import Base
internal import Datasets
internal import Diagnostics
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// A compiled plan with the spec behind it, ready to run.
struct LoadedPlan {
  let loaded: LoadedSpec
  private(set) var plan: Plan
  let comparison: PlanComparison
  /// `--data`, or what the plan's run had opened; nil for the spec's own.
  let dataPath: String?
  /// The weights file that the network starts from.
  let startPath: String?
  /// Of the plan as the run's folder keeps it, whatever number of threads the run goes on with.
  private(set) var layoutSHA256: String
  /// Of the data that the plan file was made with; nil where it was made without, or there is no file.
  private let plannedFingerprint: String?
  /// As the plan is kept, where another number of threads is at work.
  private let keptPeak: (threads: Int, byteCount: Int)?
  /// Why the plan is stale, each with what to do; empty where it is not, or nobody asked.
  private(set) var staleness = Staleness(isAllowed: false)

  /// From a spec.
  init(
    spec file: InputFile, set assignments: [Assignment], threads: Int, budget: MemorySize?, dataPath: String?,
    withFingerprint: Bool, _ session: Session
  ) throws(CommandFailure) {
    loaded = try LoadedSpec(
      path: file.path, bytes: file.bytes, set: assignments, dataPath: dataPath, session)
    let compiled = try loaded.plan(
      threads: threads, budget: budget, dataPath: dataPath, withFingerprint: withFingerprint, session)
    (plan, comparison) = (compiled.plan, compiled.comparison())
    layoutSHA256 = plan.layoutSHA256
    keptPeak = nil
    plannedFingerprint = nil
    self.dataPath = dataPath
    startPath = loaded.startPath
  }

  /// What a plan is not any more that it was when it was made.
  struct Staleness {
    /// Whether such a plan is wanted all the same: to look at, not to run.
    let isAllowed: Bool
    private(set) var reasons: [CommandFailure] = []

    init(isAllowed: Bool) { self.isAllowed = isAllowed }

    /// - Throws: the reason, where stale plans are refused.
    mutating func note(_ reason: CommandFailure) throws(CommandFailure) {
      guard isAllowed else { throw reason }
      reasons.append(reason)
    }

    /// Says why on standard error.
    func tell(_ session: Session) {
      let style = session.diagnostics.style
      for fault in reasons.flatMap(\.faults) {
        session.diagnostics.writeLine("\(style.bold("note:")) \(fault.message)")
        if let help = fault.help { session.diagnostics.writeLine("  = help: \(help)") }
      }
    }
  }

  /// From a plan file; a stale one is refused with what changed.
  ///
  /// - Parameters:
  ///   - threads: nil for the plan's own; others lay scratch out anew.
  ///   - allowsStale: take a stale one as its own text of the spec has it.
  init(
    plan file: InputFile, threads: Int?, dataPath: String?, withFingerprint: Bool, allowsStale: Bool = false,
    _ session: Session
  ) throws(CommandFailure) {
    let stored: PlanLock
    do {
      stored = try PlanLock(path: file.path, bytes: file.bytes)
    } catch {
      throw CommandFailure(error)
    }
    try self.init(
      stored, threads: threads, dataPath: dataPath, withFingerprint: withFingerprint,
      reportsWarnings: true, allowsStale: allowsStale, session)
  }

  /// From the folder of a run: what keeps its plan from being read is a fault of the folder's, like that of any file in it.
  ///
  /// - Parameter reportsWarnings: where the run goes on; who looks at it was not the one who began it.
  init(
    run folder: String, threads: Int?, dataPath: String?, withFingerprint: Bool,
    reportsWarnings: Bool = false, allowsStale: Bool = false, _ session: Session
  ) throws(CommandFailure) {
    let path = "\(folder)/\(RunDirectory.planName)"
    let stored: PlanLock
    do {
      stored = try PlanLock(path: path)
    } catch {
      let failure = CommandFailure(error)
      throw failure.exitCode == .faultyInput ? CommandFailure(.failed, failure.faults) : failure
    }
    if let damage = RunDirectory.damageOfSpec(in: folder, text: stored.specText) {
      session.warn(code: "W041", damage)
    }
    try self.init(
      stored, threads: threads, dataPath: dataPath, withFingerprint: withFingerprint,
      reportsWarnings: reportsWarnings, allowsStale: allowsStale, session)
    layoutSHA256 = stored.layoutSHA256
  }

  /// The plan of a run that is to go on for more epochs: its own, with another number of them, and everything else as it was settled.
  init(
    extending stored: PlanLock, to epochs: Int, dataPath: String?, _ session: Session
  ) throws(CommandFailure) {
    loaded = try LoadedSpec(
      path: stored.path, label: "\(stored.path), spec.text", bytes: Array(stored.specText.utf8),
      set: [Assignment(key: "training.epochs", value: "\(epochs)")], dataPath: dataPath, session)
    let openedPath = dataPath ?? stored.dataPath
    let compiled = try loaded.plan(
      threads: stored.threads, choices: stored.choices, budgetBytes: stored.budgetBytes,
      dataPath: openedPath, withFingerprint: false, start: stored.start.map(StartSource.plan), session)
    (plan, comparison) = (compiled.plan, compiled.comparison())
    guard plan.layoutSHA256 == stored.layoutSHA256 else {
      throw CommandFailure(
        .faultyInput,
        "\(stored.path): for \(epochs) epochs memory is laid out otherwise: the run's checkpoints do not fit",
        help: "train on from its weights with 'network.from', as a run of its own")
    }
    plan.extendedSpecs = stored.extendedSpecs + [stored.specSHA256]
    plan.data.facts.fingerprint = stored.dataFingerprint
    layoutSHA256 = plan.layoutSHA256
    keptPeak = nil
    plannedFingerprint = stored.dataFingerprint
    self.dataPath = openedPath
    let folder = loaded.folder
    startPath = stored.start.map { StartFile.path(Paths.join(folder, $0.path)) }
  }

  private init(
    _ stored: PlanLock, threads: Int?, dataPath: String?, withFingerprint: Bool,
    reportsWarnings: Bool, allowsStale: Bool, _ session: Session
  ) throws(CommandFailure) {
    do {
      self = try LoadedPlan(
        compiling: stored, threads: threads, dataPath: dataPath, withFingerprint: withFingerprint,
        reportsWarnings: reportsWarnings, staleness: Staleness(isAllowed: allowsStale), session)
    } catch {
      // What was edited may be what stands in the way: a path, say.
      guard !stored.isUntouched, error.exitCode != .stalePlan else { throw error }
      throw Self.edited(stored.path)
    }
    if !stored.isUntouched { try staleness.note(Self.edited(stored.path)) }
  }

  /// Where no single figure can be named.
  static func edited(_ path: String) -> CommandFailure {
    CommandFailure(
      .stalePlan,
      "\(path): the plan is stale: it was edited since it was made, and its 'planSha256' is missing or not that of what it says",
      help: "plan again from the spec")
  }

  /// Whether or not the file is as it was written.
  private init(
    compiling stored: PlanLock, threads: Int?, dataPath: String?, withFingerprint: Bool,
    reportsWarnings: Bool, staleness: Staleness, _ session: Session
  ) throws(CommandFailure) {
    var staleness = staleness
    let path = stored.path
    let folder = Paths.folder(ofInput: path)
    let specPath = stored.specPath.map { Paths.join(folder, $0) } ?? path
    let unchanged = try Self.spec(
      of: stored, specPath: specPath, dataPath: dataPath, reportsWarnings: reportsWarnings,
      &staleness, session)
    let kept = try LoadedSpec(
      path: specPath, label: "\(path), spec.text", bytes: Array(stored.specText.utf8), set: [],
      dataPath: dataPath,
      reportsWarnings: reportsWarnings && unchanged == nil, session)
    if kept.sha256 != stored.specSHA256 {
      try staleness.note(
        CommandFailure(
          .stalePlan,
          "\(path): the plan is stale: its own spec text does not have the SHA-256 that it states",
          help: "plan again from the spec"))
    }
    let loaded = unchanged ?? kept
    let keptDataPath = stored.dataPath.flatMap { path in
      path.hasPrefix("/") && kept.spec.data.source.value.readsFiles ? path : nil
    }
    let openedPath = dataPath ?? keptDataPath
    func plan(_ choices: PlanChoices, threads: Int) throws(CommandFailure) -> CompiledSpec {
      try loaded.plan(
        threads: threads, choices: choices, budgetBytes: stored.budgetBytes, dataPath: openedPath,
        withFingerprint: withFingerprint, start: stored.start.map(StartSource.plan), session
      ).withRanks(of: stored, loaded, session)
    }
    let compiled = try plan(stored.choices, threads: stored.threads)
    let (asKept, keptComparison) = (compiled.plan, compiled.comparison())
    do {
      try Self.require(stored, compiled: asKept, keptComparison, places: loaded.places)
    } catch {
      try staleness.note(error)
    }
    self.staleness = staleness
    self.loaded = loaded
    self.dataPath = openedPath
    startPath = stored.start.map { StartFile.path(Paths.join(kept.folder, $0.path)) }
    if let asked = threads, asked != stored.threads {
      var threads = asked
      if let budgetBytes = stored.budgetBytes {
        // A kept plan has its budget from where it was made: more threads do not break it.
        let options = CompileOptions(
          threads: asked, facts: asKept.data.facts, specText: loaded.text,
          start: stored.start.map(StartSource.plan))
        threads = try loaded.checked(session) { _ throws(CompilationFailed) in
          try fittingThreads(
            compiled.lowered, options: options, choices: asKept.choices,
            budgetBytes: BudgetMargin.usableBytes(of: budgetBytes),
            atLeast: stored.threads)
        }
        if threads != asked {
          session.diagnostics.writeLine(
            Budget.fewerThreads(threads, of: asked, budgetBytes: budgetBytes))
        }
      }
      // What is needed of the kept plan, before there is another one: both together would be more than the run's peak.
      let choices = asKept.choices
      keptPeak = (asKept.threads, asKept.memory.peakBytes)
      let compiled = try plan(choices, threads: threads)
      (self.plan, comparison) = (compiled.plan, compiled.comparison())
    } else {
      (self.plan, comparison) = (asKept, keptComparison)
      keptPeak = nil
    }
    layoutSHA256 = self.plan.layoutSHA256
    plannedFingerprint = stored.dataFingerprint
    self.plan.extendedSpecs = stored.extendedSpecs
    self.plan.data.facts.fingerprint = self.plan.data.facts.fingerprint ?? stored.dataFingerprint
  }

  /// The spec itself where it is there: its lines are what people know. Nil where it is not, or the plan has none beside itself.
  ///
  /// - Parameter dataPath: of `--data`.
  private static func spec(
    of stored: PlanLock, specPath: String, dataPath: String?, reportsWarnings: Bool,
    _ staleness: inout Staleness, _ session: Session
  ) throws(CommandFailure) -> LoadedSpec? {
    let path = stored.path
    let isThere = (try? readSource(path: specPath, limit: 1)) != nil
    if stored.specPath != nil, !isThere {
      session.diagnostics.writeLine(
        "note: \(specPath) is not there to hold the plan against; the plan's own text of it is used")
    }
    guard specPath != path, isThere else { return nil }
    let present = try LoadedSpec(
      path: specPath, set: stored.specSets.map { Assignment(text: $0) }, pathsOfSets: .specFolder,
      dataPath: dataPath, reportsWarnings: reportsWarnings, session)
    guard present.sha256 == stored.specSHA256 else {
      try staleness.note(
        CommandFailure(
          .stalePlan,
          "\(path): the plan is stale: \(specPath) has changed: "
            + SpecDifference(from: stored.specText, to: present.text).words,
          help: "plan again: \(command(thatMade: stored, of: present, dataPath: dataPath))"))
      return nil
    }
    return present
  }

  /// Holds what was compiled against what the file says.
  private static func require(
    _ stored: PlanLock, compiled plan: Plan, _ comparison: PlanComparison, places: SourcePlaces
  ) throws(CommandFailure) {
    func stale(_ reason: String, help: String = "plan again from the spec") -> CommandFailure {
      CommandFailure(.stalePlan, "\(stored.path): the plan is stale: \(reason)", help: help)
    }
    guard plan.layoutSHA256 == stored.layoutSHA256 else {
      let layouts = "(layout \(stored.layoutSHA256.prefix(12)) -> \(plan.layoutSHA256.prefix(12)))"
      throw stored.isUntouched
        ? stale("this release lays its memory out otherwise \(layouts)", help: "plan again with this release")
        : stale("it was edited since it was made: what it says comes to another memory \(layouts)")
    }
    // A plan whose figures are not those of its spec promises what the run would not keep.
    if let edited = stored.editedFigure(compiled: plan, comparison, places: places) {
      throw stale(
        "its '\(edited.path)' is not what its spec comes to (\(edited.stated) -> \(edited.computed))")
    }
  }

  /// What another number of threads than the kept plan's does to the peak; nil where it is the plan's own.
  var peakWords: String? {
    keptPeak.map {
      "\(plan.threads) \(plan.threads == 1 ? "thread" : "threads") instead of \($0.threads): "
        + "peak \(byteSize(plan.memory.peakBytes)) instead of \(byteSize($0.byteCount))"
    }
  }

  /// The command line, with what was typed when the plan was made.
  ///
  /// - Parameter dataPath: of `--data` in the command that is at work; nil: that of the one that made the plan.
  private static func command(
    thatMade stored: PlanLock, of spec: LoadedSpec, dataPath: String?
  ) -> String {
    let sets = spec.typedAssignments.map { " --set \(shellQuoted($0.text))" }.joined()
    func option(_ name: String, _ value: String?) -> String {
      value.map { " --\(name) \(shellWord($0))" } ?? ""
    }
    var options = stored.options ?? PlanOptions()
    // What nobody typed, or a file does not say, follows from what came of it.
    if options.budget == nil, spec.spec.memory.budget == nil {
      options.budget = stored.budgetBytes.map { MemorySize.exactText($0) }
    }
    if options.threads == nil, stored.threads != CommonOptions.defaultThreadCount {
      options.threads = "\(stored.threads)"
    }
    let ranks = option("ranks", stored.ranks.map { "\($0.groups.count)" })
    let budget = option("budget", options.budget)
    let threads = option("threads", options.threads)
    let typedData = options.data.map { Paths.join(FilePath.folder(of: stored.path), $0) }
    let data = option("data", dataPath ?? typedData)
    return
      "strata plan \(shellWord(spec.path))\(sets)\(data)\(ranks)\(threads)\(budget) -o \(shellWord(stored.path))"
  }

  /// With how long each row takes, where this machine was measured.
  ///
  /// - Complexity: lowers the spec once more: nobody keeps its graph while the run goes on.
  var comparisonWithTimes: PlanComparison {
    guard let model = Calibration.model(threads: plan.threads), let lowered = try? LoweredSpec(loaded.spec)
    else { return comparison }
    return PlanComparison(rows: comparison.rows, times: lowered.strategyTimes(of: plan, model: model))
  }

  /// Before a training begins: the weights that it starts from must be those that were planned with.
  func requireStart() throws(CommandFailure) { try plan.requireStart(at: startPath) }

  /// What its checkpoints are pinned to, as a run's folder keeps it.
  var identity: RunIdentity {
    RunIdentity(
      specSHA256: plan.specSHA256, extendedSpecs: plan.extendedSpecs, layoutSHA256: layoutSHA256,
      dataFingerprint: plan.data.facts.fingerprint ?? "")
  }

  /// Opens the data to train on, and pins the plan to it: another than the plan was made with is refused.
  mutating func openData(_ session: Session) throws(CommandFailure) -> Dataset {
    let dataset = try DataOpening(loaded, path: dataPath).open(for: plan)
    loaded.warn(of: dataset, session)
    if let change = change(to: dataset) {
      throw CommandFailure(
        .stalePlan, "the plan of '\(plan.name)' is stale: the data is not what it was planned with \(change)",
        help: "pass the same data with --data, or plan again")
    }
    plan.data.facts.fingerprint = dataset.fingerprint
    return dataset
  }

  /// Opens data to measure a trained network on, which may be any; a change is reported.
  func openDataToMeasure(_ session: Session) throws(CommandFailure) -> Dataset {
    let dataset = try DataOpening(loaded, path: dataPath).open(for: plan)
    if let change = change(to: dataset) {
      session.warn(
        code: "W022", "the data is not what the network was trained on \(change)",
        help: "the figures are of the data that is there now")
    }
    return dataset
  }

  /// `(fingerprint 0123 -> 4567)`; nil where nothing has changed as far as is known.
  private func change(to dataset: Dataset) -> String? {
    guard let planned = plannedFingerprint, planned != dataset.fingerprint else { return nil }
    return "(fingerprint \(planned.prefix(12)) -> \(dataset.fingerprint.prefix(12)))"
  }
}

extension Plan {
  /// Holds the weights that training starts from, at `path`, against those that were planned with.
  func requireStart(at path: String?) throws(CommandFailure) {
    guard let start, let path else { return }
    let present: String
    do {
      present = try StartFile.sha256(of: path)
    } catch {
      throw CommandFailure(.failed, error.message, help: "the plan starts from these weights")
    }
    guard present == start.sha256 else {
      throw CommandFailure(
        .stalePlan,
        "the plan is stale: the weights at \(path) have changed (SHA-256 \(present.prefix(12)), "
          + "the plan's \(start.sha256.prefix(12)))", help: "plan again")
    }
  }
}

extension LoadedSpec {
  /// What a plan file is pinned to.
  var sha256: String { unsafe SHA256.hex(of: Array(text.utf8).span.bytes) }
}
