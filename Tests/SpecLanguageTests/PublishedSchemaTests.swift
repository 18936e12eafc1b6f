import CompilerSupport
import Foundation
import SpecLanguage
import Testing

/// `specs/strata.schema.json`, which editors read, and what an independent validator makes of it.
@Suite struct PublishedSchemaTests {
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL
  private static let schema = repository.appendingPathComponent("specs/strata.schema.json")

  @Test("the published schema is the language's")
  func isCurrent() throws {
    let published = try String(contentsOf: Self.schema, encoding: .utf8)
    #expect(published == jsonSchema(), "make it anew: strata schema > specs/strata.schema.json")
  }

  @Test(
    "every spec that comes with Strata is good by the schema",
    .enabled(if: PythonValidator.isInstalled, PythonValidator.whatItNeeds))
  func specsAreGood() throws {
    let folder = Self.repository.appendingPathComponent("specs")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".yaml")
    }
    let texts = try names.map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    #expect(names.count >= 30)
    for (name, verdict) in zip(names, try PythonValidator.verdicts(on: texts, schema: Self.schema)) {
      #expect(verdict == .ok, "\(name)")
    }
  }

  @Test(
    "templates are good by the schema", .enabled(if: PythonValidator.isInstalled, PythonValidator.whatItNeeds)
  )
  func templatesAreGood() throws {
    let verdicts = try PythonValidator.verdicts(on: SpecTemplate.all.map(\.text), schema: Self.schema)
    #expect(verdicts == SpecTemplate.all.map { _ in .ok })
  }

  /// What a schema cannot see: how a value is written, keys written twice, and what several keys or the data say together.
  private static let beyondSchemas: Set<String> = [
    "E007", "E008", "E020", "E023", "E030", "E031", "E032", "E034", "E039", "E041", "E042", "E043", "E044",
    "E045", "E046", "E047", "E048", "E049", "E051", "E052", "E053", "E150", "E151",
  ]

  @Test(
    "faulty specs are not good by the schema",
    .enabled(if: PythonValidator.isInstalled, PythonValidator.whatItNeeds))
  func faultySpecsAreRefused() throws {
    let specs = badTexts + badKeys + badValues + badRelations
    let verdicts = try PythonValidator.verdicts(on: specs.map(\.marked.text), schema: Self.schema)
    for (spec, verdict) in zip(specs, verdicts) where !Self.beyondSchemas.contains(spec.code) {
      #expect(verdict != .ok, "\(spec)")
    }
    #expect(verdicts.count { $0 == .refused } >= 60)
  }
}
