internal import Artifacts
internal import Datasets
internal import Diagnostics
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// What `strata run` is given: a spec, or a plan that was kept.
enum RunInput {
  case spec
  case plan

  /// By content: a plan is a JSON object with a schema, which no spec has.
  static func kind(of path: String) throws(CommandFailure) -> RunInput {
    do {
      return try StoredPlan.isPlan(path: path) ? .plan : .spec
    } catch {
      let isRun = error == .isDirectory && RunDirectory.holdsRun(path)
      throw CommandFailure(
        .faultyInput, "cannot read '\(path)': \(isRun ? "it is the folder of a run" : error.words)",
        help: isRun
          ? "go on with it: strata run \(path) --resume; its plan is \(path)/\(RunDirectory.planName)" : nil)
    }
  }
}

/// A compiled plan with the spec behind it, ready to run.
struct ReadyPlan {
  let loaded: LoadedSpec
  let plan: Plan
  /// `--data`, or what the plan's run had opened; nil for the spec's own.
  let dataPath: String?
  /// The weights file that the network starts from.
  let startPath: String?
  /// Of the plan as it is kept, whatever number of threads is at work.
  let layoutSHA256: String
  /// As the plan is kept, where another number of threads is at work.
  private let keptPeak: (threads: Int, byteCount: Int)?

  /// From a spec.
  ///
  /// - Parameter tellsWarnings: not where the same spec was read before.
  init(
    spec path: String, set assignments: [Assignment], threads: Int, budget: MemorySize?, dataPath: String?,
    withFingerprint: Bool, tellsWarnings: Bool = true, _ console: Console, json: Bool
  ) throws(CommandFailure) {
    loaded = try LoadedSpec(
      path: path, set: assignments, tellsWarnings: tellsWarnings, console, json: json)
    plan = try loaded.plan(
      threads: threads, budget: budget, dataPath: dataPath, withFingerprint: withFingerprint, console,
      json: json)
    layoutSHA256 = plan.layoutSHA256
    keptPeak = nil
    self.dataPath = dataPath
    startPath = loaded.startPath
  }

  /// From a plan file; a stale one is refused with what changed.
  ///
  /// - Parameter threads: nil for the plan's own; others lay scratch out anew.
  init(
    plan path: String, threads: Int?, dataPath: String?, withFingerprint: Bool, _ console: Console, json: Bool
  ) throws(CommandFailure) {
    let stored: StoredPlan
    do {
      stored = try StoredPlan(path: path)
    } catch {
      throw CommandFailure(error)
    }
    do {
      self = try ReadyPlan(
        stored, at: path, threads: threads, dataPath: dataPath, withFingerprint: withFingerprint, console,
        json: json)
    } catch {
      // What was edited may be what stands in the way: a path, say.
      guard !stored.isUntouched, error.exitCode != .stalePlan else { throw error }
      throw Self.edited(path)
    }
    guard stored.isUntouched else { throw Self.edited(path) }
  }

  /// From the folder of a run: what keeps its plan from being read is a fault of the folder's, like that of any file in it.
  init(
    run folder: String, threads: Int?, dataPath: String?, withFingerprint: Bool, _ console: Console,
    json: Bool
  ) throws(CommandFailure) {
    let path = "\(folder)/\(RunDirectory.planName)"
    do {
      _ = try StoredPlan(path: path)
    } catch {
      let failure = CommandFailure(error)
      throw failure.exitCode == .faultyInput ? CommandFailure(.failed, failure.faults) : failure
    }
    try self.init(
      plan: path, threads: threads, dataPath: dataPath, withFingerprint: withFingerprint, console, json: json)
  }

  /// Where no single figure can be named.
  private static func edited(_ path: String) -> CommandFailure {
    CommandFailure(
      .stalePlan,
      "\(path): the plan is stale: it was edited since it was made, and its 'planSha256' is missing or not that of what it says",
      help: "plan again from the spec")
  }

  private init(
    _ stored: StoredPlan, at path: String, threads: Int?, dataPath: String?, withFingerprint: Bool,
    _ console: Console, json: Bool
  ) throws(CommandFailure) {
    let folder = LoadedSpec.folder(of: path)
    let specPath = stored.specPath.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" } ?? path
    // The spec itself where it is there: its lines are what people know.
    var unchanged: LoadedSpec?
    let isSpecThere = (try? readSource(path: specPath, limit: 1)) != nil
    if stored.specPath != nil, !isSpecThere {
      console.diagnostics.writeLine(
        "note: \(specPath) is not there to hold the plan against; the plan's own text of it is used")
    }
    if specPath != path, isSpecThere {
      let present = try LoadedSpec(
        path: specPath, set: stored.specSets.map { Assignment(text: $0) }, pathsOfSets: .specFolder,
        tellsWarnings: false, console, json: json)
      if present.sha256 != stored.specSHA256 {
        throw CommandFailure(
          .stalePlan,
          "\(path): the plan is stale: \(specPath) has changed: "
            + SpecDifference(from: stored.specText, to: present.text).words,
          help: "plan again: \(Self.command(thatMade: stored, of: present, at: path))")
      }
      unchanged = present
    }
    let kept = try LoadedSpec(
      path: specPath, label: "\(path), spec.text", bytes: Array(stored.specText.utf8), set: [], console,
      json: json)
    guard kept.sha256 == stored.specSHA256 else {
      throw CommandFailure(
        .stalePlan, "\(path): the plan is stale: its own spec text does not have the SHA-256 that it states",
        help: "plan again from the spec")
    }
    let dataPath =
      dataPath
      ?? stored.dataPath.flatMap { $0.hasPrefix("/") && kept.spec.data.source.value.readsFiles ? $0 : nil }
    loaded = unchanged ?? kept
    let asKept = try loaded.plan(
      threads: stored.threads, choices: stored.choices, budgetBytes: stored.budgetBytes, dataPath: dataPath,
      withFingerprint: withFingerprint, start: stored.start.map(StartSource.plan), console, json: json)
    guard asKept.layoutSHA256 == stored.layoutSHA256 else {
      let layouts = "(layout \(stored.layoutSHA256.prefix(12)) -> \(asKept.layoutSHA256.prefix(12)))"
      guard stored.isUntouched else {
        throw CommandFailure(
          .stalePlan,
          "\(path): the plan is stale: it was edited since it was made: what it says comes to another memory \(layouts)",
          help: "plan again from the spec")
      }
      throw CommandFailure(
        .stalePlan, "\(path): the plan is stale: this release lays its memory out otherwise \(layouts)",
        help: "plan again with this release")
    }
    if let fingerprint = stored.dataFingerprint, let present = asKept.data.facts.fingerprint,
      fingerprint != present
    {
      throw CommandFailure(
        .stalePlan,
        "\(path): the plan is stale: the data is not what it was planned with "
          + "(fingerprint \(fingerprint.prefix(12)) -> \(present.prefix(12)))",
        help: "pass the same data with --data, or plan again")
    }
    try Self.requireUntouched(stored, at: path, compiled: asKept, places: loaded.places)
    layoutSHA256 = stored.layoutSHA256
    self.dataPath = dataPath
    startPath = stored.start.map { StartFile.path(Paths.join(kept.folder, $0.path)) }
    plan =
      threads.map { $0 == stored.threads } ?? true
      ? asKept
      : try loaded.plan(
        threads: threads ?? stored.threads, choices: stored.choices, budgetBytes: stored.budgetBytes,
        dataPath: dataPath, withFingerprint: withFingerprint, start: stored.start.map(StartSource.plan),
        console, json: json)
    keptPeak = plan.threads == asKept.threads ? nil : (asKept.threads, asKept.memory.peakBytes)
  }

  /// What another number of threads than the kept plan's does to the peak; nil where it is the plan's own.
  var peakWords: String? {
    keptPeak.map {
      "\(plan.threads) \(plan.threads == 1 ? "thread" : "threads") instead of \($0.threads): "
        + "peak \(byteSize(plan.memory.peakBytes)) instead of \(byteSize($0.byteCount))"
    }
  }

  /// The command line, but for the data's place.
  private static func command(
    thatMade stored: StoredPlan, of spec: LoadedSpec, at path: String
  ) -> String {
    let sets = spec.typedAssignments.map { " --set \(shellQuoted($0.text))" }.joined()
    let threads = stored.threads == 2 ? "" : " --threads \(stored.threads)"
    let typedBudget = spec.spec.memory.budget == nil ? stored.budgetBytes : nil
    let budget = typedBudget.map { " --budget \($0)B" } ?? ""
    return "strata plan \(shellWord(spec.path))\(sets)\(threads)\(budget) -o \(shellWord(path))"
  }

  /// Before a training begins: the weights that it starts from must be those that were planned with.
  func requireStart() throws(CommandFailure) {
    guard let start = plan.start, let startPath else { return }
    let present: String
    do {
      present = try StartFile.sha256(of: startPath)
    } catch {
      throw CommandFailure(.failed, error.message, help: "the plan starts from these weights")
    }
    guard present == start.sha256 else {
      throw CommandFailure(
        .stalePlan,
        "the plan is stale: the weights at \(startPath) have changed (SHA-256 \(present.prefix(12)), "
          + "the plan's \(start.sha256.prefix(12)))", help: "plan again")
    }
  }

  /// A plan whose figures are not those of its spec promises what the run would not keep.
  private static func requireUntouched(
    _ stored: StoredPlan, at path: String, compiled: Plan, places: SourcePlaces
  ) throws(CommandFailure) {
    guard let edited = stored.editedFigure(compiled: compiled, places: places) else { return }
    throw CommandFailure(
      .stalePlan,
      "\(path): the plan is stale: its '\(edited.path)' is not what its spec comes to "
        + "(\(edited.stated) -> \(edited.computed))", help: "plan again from the spec")
  }

  /// What its checkpoints are pinned to, as a run's folder keeps it.
  var identity: RunIdentity {
    RunIdentity(
      specSHA256: plan.specSHA256, layoutSHA256: layoutSHA256,
      dataFingerprint: plan.data.facts.fingerprint ?? "")
  }

  func openData() throws(CommandFailure) -> Dataset {
    try DataOpening(loaded, path: dataPath).open(for: plan)
  }
}

extension LoadedSpec {
  /// What a plan file is pinned to.
  var sha256: String { unsafe SHA256.hex(of: Array(text.utf8).span.bytes) }
}
