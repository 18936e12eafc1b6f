package import Diagnostics
internal import GraphIR
package import Pipeline
package import Planning
package import SpecLanguage

/// A spec's text, decoded, with what is needed to compile it and to word its faults.
package struct DecodedSpec: Sendable {
  package let texts: SourceTexts
  package let spec: Spec
  package let places: SourcePlaces

  /// - Parameter sets: texts of `--set`, like `training.epochs=1`.
  /// - Throws: `SpecFaults` with the decoder's own.
  package init(_ text: String, sets: [String] = [], label: String = "net.yaml") throws(SpecFaults) {
    var texts = SourceTexts()
    let file = texts.add(label: label, text: text)
    var overrides: [SourceFile] = []
    for text in sets { overrides.append(texts.add(label: "--set", text: text)) }
    let result = decode(file, overrides: overrides)
    guard let spec = result.spec, result.diagnostics.isEmpty else {
      throw SpecFaults(result.diagnostics, texts: texts)
    }
    self.texts = texts
    self.spec = spec
    places = SourcePlaces(
      texts, values: result.origins.compactMap { key, origin in origin.writtenSpan.map { (key, $0) } })
  }

  /// - Parameter images: of the training and of the test part.
  package func plan(
    threads: Int = 2, images: Int = 64, choices: PlanChoices? = PlanChoices()
  ) throws(SpecFaults) -> Plan {
    try plan(threads: threads, facts: Self.facts(images: images), choices: choices)
  }

  /// Of made-up images.
  package static func facts(images: Int) -> DataFacts {
    DataFacts(trainCount: images, testCount: images, residentBytes: 0, fingerprint: nil)
  }

  /// - Parameter run: what left the weights that the network starts from.
  package func plan(
    threads: Int = 2, facts: DataFacts, choices: PlanChoices? = PlanChoices(), startingFrom run: Plan? = nil
  ) throws(SpecFaults) -> Plan {
    let start = run.map { run in
      StoredWeights(
        path: "runs/first/model.safetensors", sha256: "0123",
        tensors: run.resident.entries.map {
          StoredWeights.Tensor(name: $0.value.name, shape: $0.value.type.pyTorchShape)
        })
    }
    do {
      return try compile(
        LoweredSpec(spec),
        options: CompileOptions(
          threads: threads, facts: facts, specText: resolvedText(spec), start: start.map { .file($0) },
          choices: choices))
    } catch {
      throw SpecFaults(error.diagnostics, texts: texts)
    }
  }

  /// - Parameter plan: of this spec.
  package func comparison(with plan: Plan) throws(SpecFaults) -> PlanComparison {
    do {
      return try LoweredSpec(spec).comparison(with: plan)
    } catch {
      throw SpecFaults(error.diagnostics, texts: texts)
    }
  }

  /// The graphs as a pass leaves them; nil: as the planner gets them.
  package func graphs(
    after pass: String?, choices: PlanChoices = PlanChoices()
  ) throws(SpecFaults) -> [GraphDump] {
    do {
      return try GraphDump.all(of: spec, after: pass, choices: choices)
    } catch {
      throw SpecFaults(error.diagnostics, texts: texts)
    }
  }

  /// As `strata ir` prints them.
  package func text(_ dumps: [GraphDump]) -> String {
    dumps.map { "# \($0.title)\n" + GraphPrinter($0.graph, place: places.origin).text }.joined(
      separator: "\n")
  }
}

/// Faults of a spec, in the words that a user reads.
package struct SpecFaults: Error, CustomStringConvertible {
  package let diagnostics: [Diagnostic]
  package let texts: SourceTexts

  init(_ diagnostics: [Diagnostic], texts: SourceTexts) {
    self.diagnostics = diagnostics
    self.texts = texts
  }

  package var description: String { DiagnosticRenderer(texts: texts).render(diagnostics) }
}
