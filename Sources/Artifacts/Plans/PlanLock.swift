package import Diagnostics
package import Planning
internal import Text

/// Why a plan file can't be read.
package enum PlanLockError: Error {
  case unreadable(path: String, reason: SourceReadError)
  case tooLarge(path: String)
  case malformed(path: String, offset: Int, expected: String, found: String)
  case missing(path: String, key: String)
  case wrongSchema(path: String, found: String)
  /// A plan, but of another version of the format.
  case otherFormat(path: String, found: String)
  case wrongThreads(path: String, found: Int)

  package var message: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read '\(path)': \(reason.words)"
    case .tooLarge(let path): "\(path): not a plan: larger than \(PlanLock.largestByteCount) bytes"
    case .malformed(let path, let offset, let expected, let found):
      "\(path): not a plan: at byte \(offset): expected \(expected), found \(found)"
    case .missing(let path, let key): "\(path): not a plan: '\(key)' is missing"
    case .wrongSchema(let path, let found):
      "\(path): not a plan: its schema is '\(found)', expected '\(PlanLock.schema)'"
    case .otherFormat(let path, let found):
      "\(path): the plan is stale: its format is '\(found)', this release's is '\(PlanLock.schema)'"
    case .wrongThreads(let path, let found): "\(path): not a plan: \(found) threads, expected 1 to 256"
    }
  }
}

/// A plan file: settings, choices, hashes and figures that pin a plan. Its programs are compiled again from the spec's text that the
/// file keeps, and must come out with the same layout and the same figures: compiling is deterministic.
package struct PlanLock: Sendable {
  /// How the user called the file, or the plan in memory.
  package let path: String
  package var threads: Int
  package var specSHA256: String
  /// Where the spec lies, from the plan's folder; nil in a plan that was printed, not kept.
  package var specPath: String?
  /// Values of `--set` that belong to it, `KEY=VALUE`, their paths from the spec's folder.
  package var specSets: [String]
  /// Of the specs with which the run began, where it goes on for more epochs.
  package var extendedSpecs: [String]
  /// As they were typed when the plan was made; nil in files of releases that did not keep them.
  package var options: PlanOptions?
  /// The canonical text of the resolved spec.
  package var specText: String
  /// As opened; nil where planned without data.
  package var dataPath: String?
  package var dataFingerprint: String?
  package var layoutSHA256: String
  package var start: WeightMapping?
  /// As the plan was made; files without them are of plans that chose nothing.
  package var choices = PlanChoices()
  package var budgetBytes: Int?
  /// Whether everything in the file is as it was written; without a checksum it is not.
  package let isUntouched: Bool
  /// The whole file, as it stands.
  let document: JSON

  static let schema = "strata.plan/1"
  /// Plans are small: a larger file is something else.
  package static let largestByteCount = 4 << 20

  package init(path: String) throws(PlanLockError) {
    let bytes: [UInt8]
    do {
      bytes = try readSource(path: path, limit: Self.largestByteCount + 1)
    } catch {
      throw .unreadable(path: path, reason: error)
    }
    try self.init(path: path, bytes: bytes)
  }

  /// Of a file that was read.
  package init(path: String, bytes: [UInt8]) throws(PlanLockError) {
    guard bytes.count <= Self.largestByteCount else { throw .tooLarge(path: path) }
    self.path = path
    let bytes = Self.withoutByteOrderMark(bytes)
    let members: Members
    do throws(JSONScanner.Fault) {
      members = try Members(bytes)
      var scanner = JSONScanner(bytes)
      document = try scanner.document()
      try scanner.end()
    } catch {
      throw .malformed(path: path, offset: error.offset, expected: error.expected, found: error.found)
    }
    func needed<Value>(_ value: Value?, _ key: String) throws(PlanLockError) -> Value {
      guard let value else { throw .missing(path: path, key: key) }
      return value
    }
    let schema = try needed(members.schema, "schema")
    guard schema == Self.schema else {
      throw schema.hasPrefix("strata.plan/")
        ? .otherFormat(path: path, found: schema) : .wrongSchema(path: path, found: schema)
    }
    threads = try needed(members.threads, "threads")
    guard MemoryMap.threadLimits.contains(threads) else {
      throw .wrongThreads(path: path, found: threads)
    }
    specSHA256 = try needed(members.specSHA256, "spec.sha256")
    specPath = members.specPath
    specSets = members.specSets
    extendedSpecs = members.extendedSpecs
    options = members.options
    specText = try needed(members.specText, "spec.text")
    dataPath = members.dataPath
    dataFingerprint = members.dataFingerprint
    layoutSHA256 = try needed(members.layoutSHA256, "layoutSha256")
    start = members.start
    choices = members.choices
    budgetBytes = members.budgetBytes
    isUntouched = document.hasValidChecksum
  }

  /// What the file says of its peak.
  package var peakBytes: Int? { document["memory"]?["peakBytes"]?.integer }

  /// Whether the file is a plan, of this release's format or another's, whole or not.
  package static func holdsPlan(_ path: String) -> Bool {
    do throws(PlanLockError) {
      _ = try PlanLock(path: path)
      return true
    } catch {
      switch error {
      case .otherFormat, .wrongThreads: return true
      case .missing(_, let key): return key != "schema"
      case .unreadable, .tooLarge, .malformed, .wrongSchema: return false
      }
    }
  }

  private static func withoutByteOrderMark(_ bytes: [UInt8]) -> [UInt8] {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

  /// Whether a file holds a plan or another document of Strata's, whole or cut off, rather than a spec: a JSON object with a
  /// `schema`, which no spec has.
  package static func isPlan(_ bytes: [UInt8]) -> Bool {
    var scanner = JSONScanner(withoutByteOrderMark(bytes))
    var isFound = false
    try? scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      isFound = isFound || key == "schema"
      // The rest is read by whoever takes it for a plan.
      if isFound { throw scanner.fault(expected: "nothing more") }
      try scanner.skipValue()
    }
    return isFound
  }

  /// The first figure in which the file is not what its own spec compiles to, though the layout is: somebody
  /// edited it, or another release adds up otherwise. What the file does not have, or has besides, does not count; nor do
  /// places in the spec, which comments move.
  package func editedFigure(
    compiled plan: Plan, _ comparison: PlanComparison, places: SourcePlaces
  ) -> (path: String, stated: String, computed: String)? {
    let computed = Dictionary(
      plan.json(specPath: nil, dataPath: nil, places: places, comparison).leaves().map {
        ($0.path, $0.value)
      },
      uniquingKeysWith: { first, _ in first })
    let free = ["spec.path", "data.path", "data.fingerprint", "start.path", "memory.peakOperation"]
    for leaf in document.leaves()
    where !free.contains(leaf.path) && !leaf.path.hasPrefix("memory.attribution[") {
      guard !Self.isOfPrinting(leaf.path), let value = computed[leaf.path],
        JSONWriter.line(value.canonical) != JSONWriter.line(leaf.value.canonical)
      else { continue }
      return (leaf.path, leaf.value.words, value.words)
    }
    return nil
  }

  /// What was found; later files may have more.
  private struct Members {
    var schema, specSHA256, specPath, specText, dataPath, dataFingerprint, layoutSHA256: String?
    var specSets: [String] = []
    var extendedSpecs: [String] = []
    var options: PlanOptions?
    var threads, budgetBytes: Int?
    var choices = PlanChoices()
    var start: WeightMapping?

    init(_ bytes: [UInt8]) throws(JSONScanner.Fault) {
      var scanner = JSONScanner(bytes)
      var found = Members()
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "schema": found.schema = try scanner.string()
        case "threads": found.threads = try scanner.naturalNumber()
        case "layoutSha256": found.layoutSHA256 = try scanner.string()
        case "spec": try found.readSpec(&scanner)
        case "data": try found.readData(&scanner)
        case "start": found.start = try Self.readStart(&scanner)
        case "choices": try found.readChoices(&scanner)
        case "memory": try found.readMemory(&scanner)
        case _: try scanner.skipValue()
        }
      }
      try scanner.end()
      self = found
    }

    private init() {}

    private mutating func readSpec(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "sha256": specSHA256 = try scanner.string()
        case "path": specPath = try scanner.stringOrNull()
        case "set":
          try scanner.array { (scanner) throws(JSONScanner.Fault) in specSets.append(try scanner.string()) }
        case "options": options = try PlanOptions(&scanner)
        case "extends":
          try scanner.array { (scanner) throws(JSONScanner.Fault) in
            extendedSpecs.append(try scanner.string())
          }
        case "text": specText = try scanner.string()
        case _: try scanner.skipValue()
        }
      }
    }

    /// Of images or modules: arithmetic on counts up to here cannot overflow.
    private static let largestCount = Int(Int32.max)

    private static func readStart(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> WeightMapping {
      var start = WeightMapping(path: "", sha256: "", tensors: [], unsolved: [])
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "path": start.path = try scanner.string()
        case "sha256": start.sha256 = try scanner.string()
        case "unsolved": start.unsolved = try scanner.naturalNumbers()
        case "tensors":
          try scanner.array { (scanner) throws(JSONScanner.Fault) in
            var tensor = WeightMapping.Tensor(stored: "", name: "")
            try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
              switch key {
              case "stored": tensor.stored = try scanner.string()
              case "name": tensor.name = try scanner.string()
              case _: try scanner.skipValue()
              }
            }
            start.tensors.append(tensor)
          }
        case _: try scanner.skipValue()
        }
      }
      return start
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "microBatch": choices.microBatch = try scanner.positiveNumberOrNull(upTo: Self.largestCount)
        case "recomputeAboveBytes": choices.recomputeAboveBytes = try scanner.positiveNumberOrNull()
        case "features": choices.features = try scanner.word(PlanChoices.Features.self)
        case "featureStages": choices.featureStages = try scanner.word(PlanChoices.FeatureStages.self)
        case "forwardBatch": choices.forwardBatch = try scanner.positiveNumberOrNull(upTo: Self.largestCount)
        case "data": choices.data = try scanner.word(PlanChoices.DataHolding.self)
        case "scratch": choices.scratch = try scanner.word(PlanChoices.ConvolutionScratch.self)
        case "scratchThreads":
          choices.scratchThreads = try scanner.positiveNumberOrNull(upTo: MemoryMap.threadLimits.upperBound)
        case "modules": choices.modules = try scanner.positiveNumberOrNull(upTo: Self.largestCount)
        case _: try scanner.skipValue()
        }
      }
    }

    private mutating func readMemory(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "budgetBytes": budgetBytes = try scanner.positiveNumberOrNull()
        case _: try scanner.skipValue()
        }
      }
    }

    private mutating func readData(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "path": dataPath = try scanner.stringOrNull()
        case "fingerprint": dataFingerprint = try scanner.stringOrNull()
        case _: try scanner.skipValue()
        }
      }
    }
  }
}
