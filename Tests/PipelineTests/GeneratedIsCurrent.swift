import Artifacts
import Base
import CompilerSupport
import Datasets
import Diagnostics
import Foundation
import Planning
import SpecLanguage
import Synchronization
import TestSupport
import Testing

/// The specs of the repository, and the folder of what is kept of their plans.
private enum Repository {
  static let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    .standardizedFileURL
  static let generated = url.appendingPathComponent("generated")

  /// Without `.yaml`, in alphabetical order.
  static let specNames = names(in: "specs", suffix: ".yaml")

  private static func names(in folder: String, suffix: String) -> [String] {
    let files =
      (try? FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(folder).path)) ?? []
    return files.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }.sorted()
  }
}

@Suite("generated/plans.md tells the plan of every spec in specs/")
struct GeneratedIsCurrent {
  private func spec(_ name: String) throws -> DecodedSpec {
    let file = Repository.url.appendingPathComponent("specs/\(name).yaml")
    return try DecodedSpec(try String(contentsOf: file, encoding: .utf8), label: "specs/\(name).yaml")
  }

  /// What is known of the data without its files, as `strata plan` takes it.
  private func facts(_ spec: Spec) throws -> DataFacts {
    let (data, input) = (spec.data, spec.network.input.value)
    let source: DatasetSource
    switch data.source.value {
    case .digits: source = .digits
    case .synthetic:
      source = .synthetic(
        SyntheticImages(
          dimensions: ImageDimensions(channels: input.channels, height: input.height, width: input.width),
          classCount: spec.network.classes.value, seed: spec.training.seed.value))
    case .cifar10: source = .cifar10(folder: ".")
    case .cifar100: source = .cifar100(folder: ".")
    case .idx, .npy, .imageFolder:
      // Only the files know how many images there are: no plan that holds everywhere.
      throw SourceNeedsFiles(source: data.source.value)
    }
    let facts = try Dataset.facts(
      of: source, limit: DatasetLimit(train: data.trainLimit?.value, test: data.testLimit?.value))
    return DataFacts(
      trainCount: facts.trainCount, testCount: facts.testCount,
      residentBytes: facts.residentByteCount + 4 * facts.trainCount, fingerprint: nil)
  }

  private struct SourceNeedsFiles: Error { let source: DataSource }

  /// What `strata plan specs/NAME.yaml --threads 2 --json` says of itself, as far as it is kept.
  private struct Kept: Decodable {
    struct Network: Decodable { var parameters, macs: Int }
    struct Module: Decodable {}
    struct Stage: Decodable {
      var strategy: String
      var steps: Int
    }
    struct Memory: Decodable { var arenaBytes: Int }
    struct Strategy: Decodable {
      var strategy: String
      var arenaBytes: Int
    }
    var layoutSha256: String
    var batch: Int
    var network: Network
    var modules: [Module]
    var stages: [Stage]
    var memory: Memory
    var comparison: [Strategy]

    /// A row of the table: nothing of it hangs on what the program itself takes, or on where a key stands in its spec.
    func row(_ name: String) -> String {
      let endToEnd = comparison.first { $0.strategy == "end-to-end" }?.arenaBytes
      let cells = [
        "[\(name)](../specs/\(name).yaml)", stages.first?.strategy ?? "", "\(modules.count)",
        "\(stages.count)",
        "\(stages.map(\.steps).reduce(0, +))", "\(batch)", "\(network.parameters)", "\(network.macs)",
        "\(memory.arenaBytes)", endToEnd.map { "\($0)" } ?? "", "`\(layoutSha256.prefix(16))`",
      ]
      return "| " + cells.joined(separator: " | ") + " |"
    }
  }

  @Test("as far as the table goes", arguments: Repository.specNames)
  func plan(name: String) throws {
    let spec = try spec(name)
    let plan = try spec.plan(threads: 2, facts: facts(spec.spec))
    let path = "specs/\(name).yaml"
    let comparison = try spec.comparison(with: plan)
    let text = PlanLock.text(
      of: plan, comparison, specPath: path,
      keptSpecPath: FilePath.relative(of: path, from: "generated", currentFolder: "/"),
      options: PlanOptions(threads: "2"), dataPath: plan.data.path, places: spec.places)
    #expect(text.utf8.count < 200_000)
    let row = try JSONDecoder().decode(Kept.self, from: Data(text.utf8)).row(name)
    if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
      try PlanTable.replace(name, with: row)
      Issue.record("recorded; run again without UPDATE_GOLDENS to compare")
    } else {
      #expect(row == PlanTable.kept[name], "UPDATE_GOLDENS=1 writes generated/plans.md anew")
    }
    // The arena of a real net is hardly larger than what is live at its peak.
    #expect(plan.memory.arenaBytes <= plan.memory.lowerBoundBytes + plan.memory.lowerBoundBytes / 100)
    for stage in plan.stages {
      for program in [stage.training, stage.evaluation] {
        #expect(100 * program.arenaBytes <= 103 * program.peak.total, "stage \(stage.index)")
      }
    }
  }

  @Test("and no other")
  func nothingElse() {
    #expect(Repository.specNames.count >= 20)
    #expect(PlanTable.kept.keys.sorted() == Repository.specNames)
  }
}

/// `generated/plans.md`: a row for every spec.
private enum PlanTable {
  private static let file = Repository.generated.appendingPathComponent("plans.md")
  private static let head = """
    | spec | strategy | modules | stages | steps | batch | parameters | multiply-adds | arena | end-to-end's | layout |
    |---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|

    """

  /// By the spec's name.
  static let kept = rows((try? String(contentsOf: file, encoding: .utf8)) ?? "")

  private static func rows(_ text: String) -> [String: String] {
    var rows: [String: String] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("| [") {
      rows[String(line.dropFirst(3).prefix { $0 != "]" })] = String(line)
    }
    return rows
  }

  private static let written = Mutex(kept)

  /// Writes the table with this row; rows of specs that are gone are left out.
  static func replace(_ name: String, with row: String) throws {
    try written.withLock { rows in
      rows[name] = row
      let lines = Repository.specNames.compactMap { rows[$0] }
      try Data((head + lines.map { $0 + "\n" }.joined()).utf8).write(to: file)
    }
  }
}
