package import Planning
internal import Text

/// What decides a run's result, value by value, the seed apart: runs that agree in all of it repeat each other.
package struct RunConditions: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    /// A dotted key of the spec, or what no spec says: `data.fingerprint`, `choices.microBatch`.
    package var key: String
    package var value: String

    /// The value for people: of a hash its first digits.
    var words: String {
      value.utf8.count == 64 && value.allSatisfy(\.isHexDigit) ? String(value.prefix(12)) : value
    }
  }

  /// In the spec's order, then the data and what the compiler chose.
  package let entries: [Entry]

  package init(_ plan: Plan) {
    self.init(
      specText: plan.specText, fingerprint: plan.data.facts.fingerprint, startSHA256: plan.start?.sha256,
      choices: plan.choiceEffects.map { ($0.choice, $0.results.rawValue) }, values: plan.choices.json)
  }

  /// Of a plan's file; what an older one does not say is left out.
  init(planDocument plan: JSON) {
    self.init(
      specText: plan["spec"]?["text"]?.string ?? "", fingerprint: plan["data"]?["fingerprint"]?.string,
      startSHA256: plan["start"]?["sha256"]?.string,
      choices: (plan["choiceEffects"]?.elements ?? []).compactMap { effect in
        effect["choice"]?.string.map { ($0, effect["results"]?.string ?? "") }
      }, values: plan["choices"] ?? .null)
  }

  /// - Parameters:
  ///   - choices: that are not the default, each with what it does to the results.
  ///   - values: the choices themselves.
  private init(
    specText: String, fingerprint: String?, startSHA256: String?, choices: [(name: String, results: String)],
    values: JSON
  ) {
    let spec = SpecDifference.values(of: specText)
    // Weights are what they are, wherever they lie.
    var entries = spec.filter { !Self.ignored.contains($0.0) }.map { key, value in
      Entry(key: key, value: key == "network.from" ? startSHA256 ?? value : value)
    }
    // Made-up images follow from the spec and the seed.
    if let fingerprint, !spec.contains(where: { $0 == ("data.source", "synthetic") }) {
      entries.append(Entry(key: "data.fingerprint", value: fingerprint))
    }
    for choice in choices where choice.results != ChoiceEffect.Results.same.rawValue {
      for name in [choice.name] + (Self.details[choice.name] ?? []) {
        entries.append(Entry(key: "choices.\(name)", value: values[name]?.words ?? "none"))
      }
    }
    self.entries = entries
  }

  /// Of what else the results of a choice hang on: which convolutions do with little scratch.
  private static let details = ["scratch": ["recomputeAboveBytes", "scratchThreads"]]

  /// Names and places, and the seed.
  private static let ignored = ["name", "data.path", "training.seed"]

  /// What `other` has otherwise, for one line of text; empty where both agree.
  package func difference(from other: RunConditions) -> [String] {
    Self.differingKeys([entries, other.entries]).map { key in
      let values = [other.entries, entries].map { list in list.first { $0.key == key }?.words ?? "(not there)"
      }
      return "\(key): \(values[0]) -> \(values[1])"
    }
  }

  /// Keys that not all lists have with the same value, in the order in which they come up.
  static func differingKeys(_ lists: [[Entry]]) -> [String] {
    var keys: [String] = []
    var known: Set<String> = []
    for entry in lists.joined() where known.insert(entry.key).inserted { keys.append(entry.key) }
    return keys.filter { key in
      Set(lists.map { list in list.first { $0.key == key }?.value }).count > 1
    }
  }
}
