import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

/// What an override of a module does not say is the section's.
@Suite("Overrides of auxiliaries")
struct InheritanceTests {
  /// The entries of the canonical text.
  private func overrides(_ auxiliary: String, sets: [String] = []) throws -> [String] {
    let text = resolvedText(try spec("auxiliary: \(auxiliary)\n", sets: sets))
    return text.split(separator: "\n").filter { $0.hasPrefix("    - {module: ") }.map {
      String($0.dropFirst(6))
    }
  }

  @Test("inherit the kind and its keys")
  func inherit() throws {
    #expect(
      try overrides("{kind: cnn, k: 2, width: 7, overrides: [{module: 2}, {module: 3, k: 4}]}") == [
        "{module: 2, kind: cnn, k: 2, width: 7, pool: 2}", "{module: 3, kind: cnn, k: 4, width: 7, pool: 2}",
      ])
    // Wherever the list stands in the section, and whatever the entry does not have a default for.
    #expect(
      try overrides("{overrides: [{module: 1, width: doubled}], width: {doubled: 8}, pool: 3, kind: cnn}")
        == [
          "{module: 1, kind: cnn, k: 3, width: doubled, pool: 3}"
        ])
    #expect(
      try overrides("{kind: mlp-sr, hidden: 1, overrides: [{module: 1, convolutions: 2}]}") == [
        "{module: 1, kind: mlp-sr, convolutions: 2, hidden: 1}"
      ])
    #expect(
      try overrides("{pool: 4, overrides: [{module: 1}]}") == ["{module: 1, kind: linear, pool: 4}"])
  }

  @Test("start anew with a kind of their own, the same one too")
  func anew() throws {
    #expect(
      try overrides(
        "{kind: cnn, k: 2, width: 7, overrides: [{module: 2, kind: cnn}, {module: 3, kind: linear}]}")
        == [
          "{module: 2, kind: cnn, k: 3, width: same, pool: 2}", "{module: 3, kind: linear, pool: 2}",
        ])
  }

  @Test("take what --set lays over the section or over them")
  func sets() throws {
    let section = "{kind: cnn, k: 2, overrides: [{module: 2, k: 4}]}"
    #expect(
      try overrides(section, sets: ["auxiliary.width=5"]) == [
        "{module: 2, kind: cnn, k: 4, width: 5, pool: 2}"
      ])
    #expect(
      try overrides(section, sets: ["auxiliary.overrides[1].k=6"]) == [
        "{module: 2, kind: cnn, k: 6, width: same, pool: 2}"
      ])
    // Another kind for the section leaves out what the file's entries have of the old one.
    let changed = Decoded(completed("auxiliary: \(section)\n"), sets: ["auxiliary.kind=linear"])
    #expect(
      changed.codes == [] && changed.result.warnings.map(\.code) == ["E022", "E022"], "\(changed.rendered)")
  }

  @Test("say where each value comes from")
  func origins() throws {
    let decoded = Decoded(
      completed(
        """
        auxiliary:
          kind: cnn
          k: 2
          overrides:
            - {module: 2, width: 5}
            - {module: 3, kind: linear}
        training:
          overrides: [{module: 1, epochs: 3}]

        """), sets: ["auxiliary.k=4"])
    let spec = try #require(decoded.result.spec)
    let text = resolvedText(spec, origins: decoded.result.origins, texts: decoded.texts)
    #expect(
      text.contains(
        "- {module: 2, kind: cnn, k: 4, width: 5, pool: 2}  # module, width: net.yaml:5; kind: net.yaml:2; k: --set; pool: default\n"
      ), "\(text)")
    #expect(
      text.contains("- {module: 3, kind: linear, pool: 2}")
        && text.contains("# module, kind: net.yaml:6; pool: default\n"))
    #expect(text.contains("- {module: 1, epochs: 3}") && text.contains("# net.yaml:8\n"))
    let values = resolvedEntryValues(spec, origins: decoded.result.origins, texts: decoded.texts)
    #expect(
      values.filter { $0.key.hasPrefix("auxiliary.overrides[1]") }.map { "\($0.key) \($0.text) \($0.origin)" }
        == [
          "auxiliary.overrides[1].module 2 net.yaml:5", "auxiliary.overrides[1].kind cnn net.yaml:2",
          "auxiliary.overrides[1].k 4 --set", "auxiliary.overrides[1].width 5 net.yaml:5",
          "auxiliary.overrides[1].pool 2 default",
        ])
  }

  @Test("tell a fault of the section once, and one of their own with the kind that they inherit")
  func faults() {
    let broken = Decoded(completed("auxiliary: {kind: cnn, k: 0, overrides: [{module: 2}, {module: 3}]}\n"))
    #expect(broken.codes == ["E034"])
    let unknown = Decoded(completed("auxiliary: {kind: conv2, overrides: [{module: 2, k: 3}]}\n"))
    #expect(unknown.codes == ["E035"], "\(unknown.rendered)")
    let misplaced = Decoded(completed("auxiliary: {kind: mlp, overrides: [{module: 2, k: 3}]}\n"))
    #expect(misplaced.codes == ["E022"], "\(misplaced.rendered)")
    #expect(misplaced.rendered.contains("'kind: mlp' has no such key"))
  }

  @Test("survive printing")
  func printing() throws {
    let first = try spec(
      "auxiliary: {kind: cnn, k: 2, width: 7, overrides: [{module: 2}, {module: 1, k: 5}]}\n")
    #expect(resolvedText(try spec(resolvedText(first))) == resolvedText(first))
  }
}
