internal import Artifacts
internal import Base
internal import Diagnostics
internal import Glibc
internal import LanguageServer
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// The commands of the command line as a language server calls them: nothing is printed, and what the commands would say is
/// returned.
struct EditorService: SpecService {
  /// Where this machine's profile, pages and explanations lie; nil: nowhere.
  private let cacheFolder: String?
  private let threads: Int
  /// Weights are read once, not for every key that is pressed.
  private let weights = RememberedWeights()

  init() {
    cacheFolder = ProfileFile.defaultPath { name in
      unsafe getenv(name).map { unsafe String(cString: $0) }
    }.map { FilePath.folder(of: $0) }
    threads = CommonOptions.defaultThreadCount
  }

  // MARK: - Checking

  func check(_ source: SpecSource) -> CheckedSpec {
    do throws(CommandFailure) {
      let found = try LoadedSpec.findings(
        path: source.path, label: FilePath.lastComponent(of: source.path), bytes: source.bytes, set: [],
        weights: weights.facts)
      return CheckedSpec(
        diagnostics: found.diagnostics + found.warnings, texts: found.texts, failures: [],
        spec: found.result.spec, origins: found.result.origins)
    } catch {
      var texts = SourceTexts()
      texts.add(label: source.path, bytes: source.bytes)
      return CheckedSpec(
        diagnostics: [], texts: texts,
        failures: error.faults.map { SpecFailure(message: $0.message, help: $0.help) }, spec: nil,
        origins: [:])
    }
  }

  // MARK: - Planning

  func plan(_ source: SpecSource) throws(SpecFailure) -> PlannedSpec {
    do throws(CommandFailure) {
      return try plan(try load(source))
    } catch {
      throw SpecFailure(error)
    }
  }

  private func load(_ source: SpecSource, set: [Assignment] = []) throws(CommandFailure) -> LoadedSpec {
    try LoadedSpec(
      path: source.path, label: FilePath.lastComponent(of: source.path), bytes: source.bytes, set: set,
      pathsOfSets: .specFolder, dataPath: nil, reportsWarnings: false,
      weights: weights.facts, .silent)
  }

  /// Deeper networks take seconds to plan, and somebody is typing.
  private static let mostRows = 200

  private func plan(_ loaded: LoadedSpec) throws(CommandFailure) -> PlannedSpec {
    let outline = try loaded.checked(.silent) { spec throws(CompilationFailed) in
      NamedOutline(try LoweredSpec(spec))
    }
    guard outline.rowNames.count <= Self.mostRows else {
      throw CommandFailure(
        .failed,
        "\(outline.rowNames.count) layers or blocks are too many to plan while typing: 'strata plan' does it")
    }
    let budget = Budget(nil, spec: loaded.spec)
    var smallestBudget: Int?
    let compiled: CompiledSpec
    if let budget {
      let (solver, lowered, _) = try solver(loaded, budget)
      let found = solver.solve()
      compiled = CompiledSpec(lowered: lowered, plan: found ?? solver.smallest())
      if found == nil { smallestBudget = BudgetMargin.budget(forPeak: compiled.plan.memory.peakBytes) }
    } else {
      compiled = try loaded.plan(
        threads: threads, choices: nil, budgetBytes: nil, dataPath: nil, withFingerprint: false, .silent)
    }
    let plan = compiled.plan
    let warning = budget == nil ? plan.memoryWarning : nil
    return PlannedSpec(
      plan: plan, places: loaded.places, outline: outline,
      time: Calibration.model(threads: plan.threads).map { $0.figures(of: plan) },
      comparison: compiled.comparison(withTimes: true), budgetBytes: budget?.byteCount,
      smallestBudgetBytes: smallestBudget,
      warnings: warning.map { [SpecFailure(code: "W005", message: $0.message, help: $0.help)] } ?? [])
  }

  private func solver(
    _ loaded: LoadedSpec, _ budget: Budget
  ) throws(CommandFailure) -> (solver: BudgetSolver, lowered: LoweredSpec, options: CompileOptions) {
    let (lowered, facts) = try loaded.prepared(dataPath: nil, withFingerprint: false, .silent)
    let start = try loaded.checked(.silent) { _ throws(CompilationFailed) in try loaded.readStart() }
    let options = CompileOptions(threads: threads, facts: facts, specText: loaded.text, start: start)
    let solver = try loaded.checked(.silent) { _ throws(CompilationFailed) in
      try BudgetSolver(
        lowered, options: options, budgetBytes: budget.usableByteCount, statedBytes: budget.byteCount)
    }
    return (solver, lowered, options)
  }

  func fittingChanges(_ source: SpecSource) -> [FittingChange] {
    do throws(CommandFailure) {
      let loaded = try load(source)
      guard let budget = Budget(nil, spec: loaded.spec) else { return [] }
      let (solver, _, options) = try solver(loaded, budget)
      let shortfall = Shortfall(
        loaded, options: options, budget: budget, smallest: solver.smallest(), note: { _ in })
      return shortfall.changes.map { change in
        FittingChange(
          assignments: change.assignments.map { SpecAssignment(key: $0.key, value: $0.value) },
          peakBytes: change.peakBytes)
      }
    } catch {
      return []
    }
  }

  func resolvedText(_ source: SpecSource, with assignments: [SpecAssignment]) -> String? {
    let set = assignments.map { Assignment(key: $0.key, value: $0.value) }
    guard let loaded = try? load(source, set: set), loaded.diagnostics.isEmpty else { return nil }
    return loaded.text
  }

  // MARK: - What is shown

  func dataFacts(_ source: SpecSource) -> String? {
    guard let loaded = try? load(source) else { return nil }
    let data = loaded.spec.data
    if data.source.value.readsFiles {
      guard let path = data.path, unsafe access(Paths.join(loaded.folder, path.value), R_OK) == 0 else {
        return nil
      }
    }
    guard let facts = try? DataOpening.facts(loaded, path: nil, withFingerprint: false) else { return nil }
    let input = loaded.spec.network.input.value
    var lines = [
      "- \(grouped(facts.trainCount)) training and \(grouped(facts.testCount)) test images of "
        + "\(input.channels)x\(input.height)x\(input.width)",
      "- \(byteSize(facts.residentBytes)) in memory",
    ]
    if let images = facts.images {
      if let names = images.classNames {
        lines.append("- classes: \(names.prefix(20).joined(separator: ", "))")
      }
    }
    return lines.joined(separator: "\n")
  }

  func pagePath(of source: SpecSource) -> String? {
    let name = FilePath.lastComponent(of: source.path)
    return cacheFolder.map { "\($0)/pages/\(name).html" }
  }

  func writePage(_ source: SpecSource, to path: String) throws(SpecFailure) {
    let planned = try plan(source)
    do throws(FileError) {
      try FilePath.makeFolders(FilePath.folder(of: path))
      try AtomicFile.write(
        PlanPage(planned.plan, planned.comparison, places: planned.places).text, to: path)
    } catch {
      throw SpecFailure(message: "cannot write the page: \(error.message)", help: nil)
    }
  }

  func explanationPath(code: String) -> String? {
    guard let cacheFolder, let explanation = allExplanations.first(where: { $0.code == code }) else {
      return nil
    }
    let path = "\(cacheFolder)/explain/\(code).md"
    let text = explanation.rendered
    if let bytes = try? readSource(path: path, limit: 1 << 16), bytes == Array(text.utf8) { return path }
    do throws(FileError) {
      try FilePath.makeFolders(FilePath.folder(of: path))
      try AtomicFile.write(text, to: path)
      return path
    } catch {
      return nil
    }
  }
}

extension SpecFailure {
  /// Why a command has failed; diagnostics are told elsewhere.
  init(_ failure: CommandFailure) {
    let fault = failure.faults.first
    self.init(message: fault?.message ?? "the spec has faults", help: fault?.help)
  }
}

extension Session {
  /// Prints nothing.
  static var silent: Session {
    let nowhere = TerminalEnvironment { _ in nil }
    // No such descriptor: writing fails, and is not tried again.
    return Session(
      console: Console(
        output: TerminalStream(descriptor: -1, environment: nowhere),
        diagnostics: TerminalStream(descriptor: -1, environment: nowhere)), json: false)
  }
}
