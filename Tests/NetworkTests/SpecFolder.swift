import Diagnostics
import Foundation
import Pipeline
import Planning
import SpecLanguage
import Testing

/// The specs that come with Strata.
enum SpecFolder {
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL
  static let url = repository.appendingPathComponent("specs")

  /// Without `.yaml`, in alphabetical order.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static func text(_ name: String) throws -> String {
    try String(contentsOf: url.appendingPathComponent("\(name).yaml"), encoding: .utf8)
  }
}

/// A text, decoded; faults of the text and of lowering, by their codes.
struct CheckedText {
  let spec: Spec?
  let codes: [String]
  /// Codes of what was warned of.
  let warnings: [String]
  let rendered: String

  init(_ text: String, sets: [String] = []) {
    var texts = SourceTexts()
    let file = texts.add(label: "net.yaml", text: text)
    var overrides: [SourceFile] = []
    for set in sets { overrides.append(texts.add(label: "--set", text: set)) }
    let result = decode(file, overrides: overrides)
    var diagnostics = result.diagnostics
    if let spec = result.spec {
      do {
        try check(spec, images: spec.data.trainCount)
      } catch {
        diagnostics += error.diagnostics
      }
    }
    spec = result.spec
    codes = diagnostics.map(\.code)
    warnings = (result.spec.map { Pipeline.warnings(of: $0, images: $0.data.trainCount) } ?? []).map(\.code)
    rendered = DiagnosticRenderer(texts: texts).render(diagnostics)
  }

  /// The plan for two workers and a data set of 1,000 images.
  func plan() throws -> Plan {
    let spec = try #require(spec)
    let facts = DataFacts(trainCount: 1000, testCount: 100, residentBytes: 0, fingerprint: nil)
    return try compile(
      LoweredSpec(spec), options: CompileOptions(threads: 2, facts: facts, specText: resolvedText(spec)))
  }
}
