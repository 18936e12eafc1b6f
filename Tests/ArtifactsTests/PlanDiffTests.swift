import Artifacts
import CompilerSupport
import Testing
import Text

@Suite("Differences between plan files") struct PlanDiffTests {
  private static let largest = "9223372036854775807"
  private let folder: TemporaryFolder
  private let text: String

  init() throws {
    folder = try TemporaryFolder()
    let spec = try DecodedSpec(
      """
      strata: 1
      name: small
      network: {family: vgg, input: 2x6x6, widths: [4, 5]}
      training: {strategy: sequential, epochs: 3, batch: 16}
      """)
    text = PlanDocument.text(
      of: try spec.plan(), specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil, places: spec.places)
  }

  /// The plan with another value wherever the key is.
  private func setting(_ key: String, _ value: String) throws -> String {
    text.replacing(try Regex("\"\(key)\": \\d+"), with: "\"\(key)\": \(value)")
  }

  private func record(_ text: String, _ name: String) throws -> PlanRecord {
    try folder.write(Array(text.utf8), to: name)
    return try PlanRecord(path: "\(folder.path)/\(name)")
  }

  @Test("figures whose difference or sum no number can hold are told without it")
  func extremes() throws {
    for (key, other, row) in [
      ("batch", "-2", "batch"), ("peakBytes", "-\(Self.largest)", "peakBytes"),
      // Of two stages.
      ("steps", "7", "steps in all"),
    ] {
      let (old, new) = (try setting(key, Self.largest), try setting(key, other))
      let diff = PlanDiff(try record(old, "a.json"), try record(new, "b.json"))
      let told = diff.text(.plain)
      #expect(told.contains("9,223,372,036,854,775,807"), "\(told)")
      let line = try #require(told.split(separator: "\n").first { $0.contains(row) }, "\(told)")
      #expect(line.split(separator: " ").contains("-"), "\(line)")
    }
    let modules = text.replacing(/"modules": \[2\]/, with: "\"modules\": [\(Self.largest), 3]")
    try #require(modules != text)
    let told = PlanDiff(try record(text, "a.json"), try record(modules, "b.json")).text(.plain)
    #expect(told.contains("\(Self.largest), 3"), "\(told)")
  }

  @Test("what the spec says of the data is told once")
  func source() throws {
    func text(_ source: String) throws -> String {
      let spec = try DecodedSpec(
        """
        strata: 1
        name: small
        data: {source: \(source)}
        network: {family: vgg, input: 1x8x8, widths: [4]}
        training: {}
        """)
      return PlanDocument.text(
        of: try spec.plan(), specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil,
        places: spec.places)
    }
    let diff = PlanDiff(try record(text("digits"), "a.json"), try record(text("synthetic"), "b.json"))
    let rows = diff.text(.plain).split(separator: "\n").filter { $0.contains("data.source") }
    #expect(rows.count == 1, "\(diff.text(.plain))")
    #expect(diff.altersResults)
  }

  @Test("where the spec lies makes no difference, which operation makes the peak does")
  func places() throws {
    let moved = text.replacing("(net.yaml:", with: "(specs/net.yaml:")
    try #require(moved != text)
    #expect(PlanDiff(try record(text, "a.json"), try record(moved, "b.json")).isEmpty)
    let other = text.replacing("\"peakOperation\": \"", with: "\"peakOperation\": \"another ")
    try #require(other != text)
    #expect(!PlanDiff(try record(text, "a.json"), try record(other, "b.json")).isEmpty)
  }
}
