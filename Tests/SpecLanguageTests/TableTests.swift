import CompilerSupport
import Diagnostics
import Foundation
import SpecLanguage
import Testing

/// The table of keys and what is made from it.
@Suite struct TableTests {
  /// Whatever decodes, the schema accepts; a key that is in nobody's table, it refuses.
  @Test func schemaAgreesWithDecoding() throws {
    let validator = try SchemaValidator(jsonSchema())
    var good = 0
    for seed in 5001...5300 as ClosedRange<UInt64> {
      var generator = SpecGenerator(seed: seed)
      let text = generator.spec()
      guard Decoded(text).codes.isEmpty else { continue }
      good += 1
      #expect(try validator.accepts(text), "seed \(seed)\n\(text)")
      // A stranger in every mapping, one at a time.
      for index in text.indices where text[index] == "{" {
        let space = text[text.index(after: index)] == "}" ? "" : ", "
        var strange = text
        strange.insert(contentsOf: "\"stranger\": 1\(space)", at: text.index(after: index))
        #expect(try !validator.accepts(strange), "seed \(seed)\n\(strange)")
        #expect(Decoded(strange).codes == ["E021"], "\(Decoded(strange).rendered)")
      }
    }
    #expect(good > 50, "too few good specs to say anything: \(good)")
  }

  @Test(arguments: [
    #"{"strata": 2, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {}}"#,
    #"{"strata": 1, "name": "A", "network": {"family": "vgg", "widths": [8]}, "training": {}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg"}, "training": {}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8], "stem": {}}, "training": {}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8], "kernel": 4}, "training": {}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": []}, "training": {}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {"schedule": "step"}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {"drop-last": 1}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {"partition": {}}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {}, "auxiliary": {"k": 3}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {}, "memory": {"budget": "2GB"}}"#,
    #"{"strata": 1, "name": "a", "network": {"family": "vgg", "widths": [8]}, "training": {}, "downsampling": {"before": [1], "schedule": "standard"}}"#,
  ])
  func schemaRefusesWhatDecodingRefuses(text: String) throws {
    #expect(!Decoded(text).codes.isEmpty)
    #expect(try !SchemaValidator(jsonSchema()).accepts(text))
  }

  /// What a fault says a number may be is all that is asked of it.
  @Test(arguments: [
    ("training.optimizer.learning-rate", "1e9", "takes a number above 0, up to 1000000"),
    ("training.optimizer.weight-decay", "1000001", "takes a number from 0, up to 1000000"),
    ("data.normalize", "{mean: [-1e7], std: [1]}", "takes a number from -1000000, up to 1000000"),
  ])
  func boundsAreTold(key: String, value: String, label: String) throws {
    var texts = SourceTexts()
    let text = "strata: 1\nname: a\nnetwork: {family: vgg, input: 1x8x8, widths: [8]}\ntraining: {}\n"
    let source = texts.add(label: "net.yaml", text: text)
    let result = decode(source, overrides: [texts.add(label: "--set", text: "\(key)=\(value)")])
    #expect(result.diagnostics.map(\.code) == ["E034"])
    #expect(result.diagnostics.first?.label == label)
    #expect(referenceTable().contains("| a number above 0, up to 1000000 |"))
  }

  /// Whoever moves a spec's paths moves all of them.
  @Test func everyPathIsKnown() throws {
    let rows = referenceTable().split(separator: "\n").filter { $0.contains("| a path |") }
    #expect(rows.count == 2)
    var texts = SourceTexts()
    let text =
      "strata: 1\nname: a\ndata: {source: cifar10, path: x}\nnetwork: {family: vgg, widths: [8], from: y}\ntraining: {}\n"
    var spec = try #require(decode(texts.add(label: "net.yaml", text: text)).spec)
    var paths: [String] = []
    spec.changePaths { path in
      paths.append(path.value)
      return "z/\(path.value)"
    }
    #expect(paths == ["x", "y"])
    #expect(spec.data.path?.value == "z/x" && spec.network.from?.value == "z/y")
  }

  @Test func referenceListsEveryKeyOnceInTheOrderOfTheText() throws {
    let rows = referenceTable().split(separator: "\n").dropFirst(2)
    let keys = rows.compactMap { $0.split(separator: "`").dropFirst().first.map { String($0) } }
    #expect(keys.count == rows.count && Set(keys).count == keys.count)
    #expect(
      keys.starts(with: [
        "strata", "name", "data", "data.source", "data.path", "data.image", "data.image.resize",
      ]))
    for key in [
      "data.limit.train", "network.stages[].blocks", "training.optimizer.learning-rate",
      "auxiliary.overrides[].module",
    ] {
      #expect(keys.contains(key))
    }
    // Cells hold no bar of their own.
    for row in rows { #expect(row.replacing("\\|", with: "").filter { $0 == "|" }.count == 7, "\(row)") }
  }

  @Test func everyKeyHasASourceAndEverySourceAKey() throws {
    let rows = referenceTable().split(separator: "\n").dropFirst(2)
    for row in rows { #expect(!row.hasSuffix("|  |"), "\(row)") }
    let keys = rows.compactMap { $0.split(separator: "`").dropFirst().first?.replacing("[]", with: "") }
    for entry in SpecSources.all { #expect(keys.contains { $0 == entry.path }, "\(entry.path)") }
    #expect(Set(SpecSources.all.map(\.path)).count == SpecSources.all.count)
    #expect(SpecSources.source(of: "training.asynchronous.slow.by") == "Belilovsky 2020")
    #expect(SpecSources.source(of: "network.head.hidden") == "Belilovsky 2020")
    #expect(SpecSources.source(of: "training.seeds") == "Strata")
    #expect(SpecSources.source(of: "trainin") == nil)
  }

  @Test func documentationIsOneLineWithoutFullStop() throws {
    var keys: [SpecKey] = []
    func collect(_ shape: ValueShape) {
      switch shape {
      case .section(let section):
        keys += section.keys
        for key in section.keys { collect(key.shape) }
      case .list(let element, _): collect(element)
      case .either(let shapes): for shape in shapes { collect(shape) }
      case .version, .flag, .integer, .seed, .number, .word, .name, .path, .image, .size: break
      }
    }
    collect(.section(SpecTable.root))
    #expect(keys.count > 90)
    for key in keys {
      #expect(
        !key.documentation.isEmpty && !key.documentation.hasSuffix(".") && !key.documentation.contains("\n"))
      #expect(key.name.wholeMatch(of: /[a-z0-9-]+/) != nil)
    }
  }

  /// A default has to be a value that the key takes.
  @Test func defaultsDecode() throws {
    let spec = try spec("network: {family: vgg, widths: [8], input: 3x32x32}\n")
    #expect(Decoded(resolvedText(spec)).codes.isEmpty)
  }
}

@Suite struct ExplanationTests {
  private static let sources = [
    "SpecDiagnostics.swift", "SpecDiagnostics+Compression.swift", "SpecDiagnostics+Values.swift",
  ]

  /// The codes that the factories give, read from their source.
  private static func codesInSource() throws -> Set<String> {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/SpecLanguage/Wording")
    var codes: Set<String> = []
    for name in sources {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      for match in text.matches(of: /code: "(E\d{3})"/) { codes.insert(String(match.1)) }
    }
    return codes
  }

  @Test func everyCodeIsExplainedOnce() throws {
    let explained = specExplanations.map(\.code)
    #expect(Set(explained).count == explained.count)
    #expect(Set(explained) == (try Self.codesInSource()))
    // Lowering's codes begin at E100; those of data files at E150.
    #expect(explained.allSatisfy { $0 < "E100" || ("E150"..<"E160").contains($0) })
  }

  /// Needs more than a few lines of text to happen.
  private static let notReproducible = ["E001", "E002", "E003"]

  @Test(arguments: specExplanations.filter { !notReproducible.contains($0.code) })
  func examplesAreTrue(explanation: CodeExplanation) {
    func codes(_ example: String) -> [String] {
      guard example.hasPrefix("--set ") else {
        // A list at the top has no room for keys.
        let text = example.hasPrefix("- ") ? example : completed(example, inFront: true)
        return Decoded(text).codes
      }
      return Decoded(completed(""), sets: [String(example.dropFirst("--set ".count))]).codes
    }
    #expect(codes(explanation.bad) == [explanation.code])
    #expect(codes(explanation.good) == [])
  }

  @Test func anExplanationAsText() throws {
    let unknownKey = try #require(specExplanations.first { $0.code == "E021" })
    #expect(unknownKey.rendered.hasPrefix("E021: an unknown key\n\n"))
    let fragments = "\nFaulty:\n\n    training: {epoch: 2}\n\nRight:\n\n    training: {epochs: 2}\n"
    #expect(unknownKey.rendered.hasSuffix(fragments))
    let other = CodeExplanation(code: "E100", title: "t", text: "x", bad: "a: 1\n\nb: 2", good: "c")
    #expect(
      other.rendered == "E100: t\n\nx\n\nFaulty:\n\n    a: 1\n\n    b: 2\n\nRight:\n\n    c\n")
  }
}
