import Artifacts
import CompilerSupport
import Datasets
import Diagnostics
import Foundation
import Planning
import SpecLanguage
import TestSupport
import Testing

/// The specs of the repository and the folder of their compiled plans.
private enum Repository {
  static let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    .standardizedFileURL
  static let generated = url.appendingPathComponent("generated")

  /// Without `.yaml`, in alphabetical order.
  static let specNames = names(in: "specs", suffix: ".yaml")

  static func names(in folder: String, suffix: String) -> [String] {
    let files =
      (try? FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(folder).path)) ?? []
    return files.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }.sorted()
  }
}

@Suite("generated/ holds the plan of every spec in specs/")
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
        SyntheticPictures(
          dimensions: PictureDimensions(channels: input.channels, height: input.height, width: input.width),
          classCount: spec.network.classes.value, seed: spec.training.seed.value))
    case .cifar10: source = .cifar10(folder: ".")
    case .cifar100: source = .cifar100(folder: ".")
    case .idx, .npy, .imageFolder:
      // Only the files know how many pictures there are: no plan that holds everywhere.
      throw SourceNeedsFiles(source: data.source.value)
    }
    let facts = try Dataset.facts(
      of: source, limit: DatasetLimit(train: data.trainLimit?.value, test: data.testLimit?.value))
    return DataFacts(
      trainCount: facts.trainCount, testCount: facts.testCount,
      residentBytes: facts.residentByteCount + 4 * facts.trainCount, fingerprint: nil)
  }

  private struct SourceNeedsFiles: Error { let source: DataSource }

  /// What `strata plan specs/NAME.yaml --threads 2 -o generated/NAME.plan.json` writes.
  private func planText(_ plan: Plan, _ name: String, _ spec: DecodedSpec) -> String {
    let path = "specs/\(name).yaml"
    return PlanDocument.text(
      of: plan, specPath: path,
      keptSpecPath: PlanDocument.relativePath(of: path, from: "generated", currentFolder: "/"),
      options: PlanOptions(threads: "2"), dataPath: plan.data.path, places: spec.places)
  }

  @Test("to the byte", arguments: Repository.specNames)
  func plan(name: String) throws {
    let spec = try spec(name)
    let plan = try spec.plan(threads: 2, facts: facts(spec.spec))
    let text = planText(plan, name, spec)
    #expect(text.utf8.count < 200_000)
    let isUpdate = ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1"
    let difference = compareWithGolden(
      text, name: "\(name).plan.json", folder: Repository.generated, update: isUpdate)
    if let difference { Issue.record(Comment(rawValue: difference)) }
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
    #expect(Repository.names(in: "generated", suffix: ".plan.json") == Repository.specNames)
  }
}
