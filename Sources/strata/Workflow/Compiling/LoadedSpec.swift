internal import Artifacts
internal import Datasets
internal import Diagnostics
internal import GraphIR
internal import Pipeline
internal import Planning
internal import SpecLanguage
internal import Terminal
internal import Text

/// Reads what planning needs to know of a weights file.
typealias StartReading = @Sendable (_ path: String) throws(ModelFileError) -> StoredWeights

/// A spec from a file and `--set`s, checked, with what diagnostics about it need.
struct LoadedSpec {
  /// As the user typed it.
  let path: String
  let texts: SourceTexts
  private(set) var spec: Spec
  let origins: [String: ValueOrigin]
  /// Faults that left a spec to look further into: they are told together with what lowering finds.
  let diagnostics: [Diagnostic]
  /// Whether what is warned of is told: not of a run that is only looked at.
  let reportsWarnings: Bool
  let weights: StartReading
  private let bytes: [UInt8]
  private let assignments: [Assignment]
  private let setPaths: SetPaths
  /// `--data`.
  private let dataPath: String?
  /// Of the paths that `assignments` give, as they stand there.
  private let givenPaths: [Spanned<String>]

  /// The canonical text of the resolved spec.
  var text: String { resolvedText(spec) }
  /// Paths in the spec start here.
  var folder: String { Paths.folder(ofInput: path) }

  /// Reads and decodes; faults after which there is no spec to go on with are told.
  ///
  /// - Parameters:
  ///   - dataPath: of `--data`.
  ///   - reportsWarnings: not of what was warned of when a run began.
  init(
    path: String, set assignments: [Assignment], pathsOfSets setPaths: SetPaths = .currentFolder,
    dataPath: String?, reportsWarnings: Bool = true, _ session: Session
  ) throws(CommandFailure) {
    try self.init(
      path: path, bytes: try Self.read(path), set: assignments, pathsOfSets: setPaths, dataPath: dataPath,
      reportsWarnings: reportsWarnings, session)
  }

  /// A spec's text; a plan is refused.
  static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
    let file = try InputFile(path)
    switch file.kind {
    case .spec: return file.bytes
    case .plan:
      let word = shellWord(path)
      throw CommandFailure(
        .faultyInput, "'\(path)' is a compiled plan, and a spec is expected",
        help: "strata show \(word) prints it, strata run \(word) executes it")
    }
  }

  /// - Parameter folder: of the spec, where all paths of the result start.
  private static func decoded(
    _ label: String, _ bytes: [UInt8], in folder: String, set assignments: [Assignment],
    pathsOfSets: SetPaths, dataPath: String?
  ) throws(CommandFailure) -> (texts: SourceTexts, result: DecodeResult, givenPaths: [Spanned<String>]) {
    var texts = SourceTexts()
    let source = texts.add(label: label, bytes: bytes)
    let overrides = assignments.map { texts.add(label: "--set", text: $0.text) }
    /// From the spec's folder.
    func resolved(_ path: Spanned<String>) -> String {
      guard path.span.file != source.id else { return path.value }
      switch pathsOfSets {
      case .currentFolder: return Paths.typed(path.value, from: folder)
      case .specFolder: return path.value
      }
    }
    var reader = FileFactsReader()
    var result = decode(source, overrides: overrides) { source, path in
      reader.facts(of: source, at: dataPath ?? path.map { Paths.join(folder, resolved($0)) })
    }
    if let fault = reader.fault { throw CommandFailure(fault) }
    var givenPaths: [Spanned<String>] = []
    result.spec?.changePaths { path in
      if path.span.file != source.id { givenPaths.append(path) }
      return resolved(path)
    }
    return (texts, result, givenPaths)
  }

  /// What `strata check` finds in a text.
  struct Findings {
    /// Every fault, as far as the text can be read, in order of their places.
    var diagnostics: [Diagnostic]
    var warnings: [Diagnostic]
    var texts: SourceTexts
    /// Of decoding.
    var result: DecodeResult
  }

  /// Looks at a text; nothing is told.
  ///
  /// - Parameter label: what places in the text begin with; nil for `path`.
  static func findings(
    path: String, label: String? = nil, bytes: [UInt8], set assignments: [Assignment],
    weights: StartReading = StartFile.facts
  ) throws(CommandFailure) -> Findings {
    let (texts, result, _) = try decoded(
      label ?? path, bytes, in: Paths.folder(ofInput: path), set: assignments, pathsOfSets: .currentFolder,
      dataPath: nil)
    var bag = DiagnosticBag()
    bag.add(contentsOf: result.diagnostics)
    var found = warnings(result)
    if let spec = result.spec {
      do {
        found += try Self.check(spec, in: Paths.folder(ofInput: path), weights: weights).warnings
      } catch {
        bag.add(contentsOf: error.diagnostics)
      }
    }
    return Findings(diagnostics: bag.inSourceOrder, warnings: found, texts: texts, result: result)
  }

  /// Of the text alone, without its data.
  private static func warnings(_ result: DecodeResult) -> [Diagnostic] {
    result.warnings
      + (result.spec.map { Pipeline.warnings(of: $0, images: $0.data.trainCount) } ?? [])
  }

  /// Warns of a place in the spec; nothing where that was done when the run began.
  func warn(_ diagnostic: Diagnostic, _ session: Session) {
    if reportsWarnings { session.warn(diagnostic, texts) }
  }

  /// Decodes a text that was read from `path`, or kept in a plan.
  ///
  /// - Parameters:
  ///   - label: what places in the text begin with; nil for `path`.
  ///   - dataPath: of `--data`.
  ///   - weights: reads the file that `network.from` names.
  init(
    path: String, label: String? = nil, bytes: [UInt8], set assignments: [Assignment],
    pathsOfSets setPaths: SetPaths = .currentFolder, dataPath: String?, reportsWarnings: Bool = true,
    weights: @escaping StartReading = StartFile.facts, _ session: Session
  ) throws(CommandFailure) {
    let (texts, result, givenPaths) = try Self.decoded(
      label ?? path, bytes, in: Paths.folder(ofInput: path), set: assignments, pathsOfSets: setPaths,
      dataPath: dataPath)
    if reportsWarnings {
      for warning in Self.warnings(result) { session.warn(warning, texts) }
    }
    guard let spec = result.spec else {
      throw tell(result.diagnostics, texts, session)
    }
    self.path = path
    self.reportsWarnings = reportsWarnings
    self.weights = weights
    self.bytes = bytes
    self.assignments = assignments
    self.setPaths = setPaths
    self.dataPath = dataPath
    self.givenPaths = givenPaths
    self.texts = texts
    self.spec = spec
    origins = result.origins
    diagnostics = result.diagnostics
  }

  /// For measurements that must not depend on a data set being there: same shape, same classes, and as many as full
  /// batches take, so that nothing that the spec says of its own images is a fault of these.
  mutating func replaceDataWithMadeUpImages() {
    spec.data.source.value = .synthetic
    spec.data.path = nil
    let batch = spec.training.batch
    let batchCount = (SyntheticImages.defaultTrainCount + batch.value - 1) / batch.value
    spec.data.trainLimit = Spanned(batchCount * batch.value, at: batch.span)
    spec.data.testLimit = nil
    spec.compression?.images = nil
  }

  /// For a plan that is kept beside another folder than the one in which the paths of a piped spec start.
  mutating func makePathsAbsolute() { spec.changePaths { Paths.absolute($0.value) } }

  /// The spec with more `--set`s; nil where they are faults of it.
  func spec(with more: [Assignment]) -> Spec? {
    let decoded = try? Self.decoded(
      path, bytes, in: folder, set: assignments + more, pathsOfSets: setPaths, dataPath: dataPath)
    guard let decoded, decoded.result.diagnostics.isEmpty else { return nil }
    return decoded.result.spec
  }

  /// The `--set`s as they say the same wherever they are read, beside the spec.
  var keptAssignments: [Assignment] {
    assignments { path in
      switch setPaths {
      case .currentFolder: Paths.typed(path, from: folder)
      case .specFolder: path
      }
    }
  }

  /// The `--set`s as they are to be typed.
  var typedAssignments: [Assignment] {
    assignments { path in
      switch setPaths {
      case .currentFolder: path
      case .specFolder: Paths.join(folder, path)
      }
    }
  }

  /// Those of which the spec has the path; one that a later `--set` replaces says nothing.
  private func assignments(_ change: (String) -> String) -> [Assignment] {
    var texts = texts
    // From the back, so that places in front stay what they are.
    for path in givenPaths.sorted(by: { $0.span.utf8.lowerBound > $1.span.utf8.lowerBound }) {
      texts.replace(
        path.span.file, text: texts[path.span.file].text(replacing: path.span, with: change(path.value)))
    }
    return texts.files.dropFirst().map { Assignment(text: String(decoding: $0.bytes, as: UTF8.self)) }
  }

  /// Names places in the spec and the `--set`s.
  var places: SourcePlaces {
    SourcePlaces(texts, values: origins.compactMap { key, origin in origin.writtenSpan.map { (key, $0) } })
  }

  /// Runs a phase on the spec; its faults are told together with the decoder's, in order of their places.
  func checked<Result>(
    _ session: Session, _ phase: (Spec) throws(CompilationFailed) -> Result
  ) throws(CommandFailure) -> Result {
    var bag = DiagnosticBag()
    bag.add(contentsOf: diagnostics)
    do {
      let result = try phase(spec)
      if bag.isEmpty { return result }
    } catch {
      bag.add(contentsOf: error.diagnostics)
    }
    throw tell(bag.inSourceOrder, texts, session)
  }
}

/// Tells diagnostics: people on standard error, and programs a document (`strata.diagnostics/1`) on standard output, behind what
/// was warned of.
///
/// - Parameter asDocument: whether programs are told; nil: as the command line asks.
func tell(
  _ diagnostics: [Diagnostic], _ texts: SourceTexts, _ session: Session, asDocument: Bool? = nil
) -> CommandFailure {
  let renderer = DiagnosticRenderer(texts: texts, colour: session.diagnostics.style.isColoured)
  let isFirst = session.warnings.entries.isEmpty
  session.diagnostics.write((isFirst ? "" : "\n") + renderer.render(diagnostics))
  if asDocument ?? session.json {
    let list = session.warnings.objects + diagnostics.map(DiagnosticJSON(texts: texts).object)
    session.output.writeLine(
      "{\"schema\":\"strata.diagnostics/1\",\"diagnostics\":[\(list.joined(separator: ","))]}")
  }
  return CommandFailure(.faultyInput, [])
}
