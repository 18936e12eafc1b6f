import Artifacts
import CompilerSupport
import Planning
import Testing
import Text

@Suite("Differences between plan files") struct PlanDiffTests {
  private static let largest = "9223372036854775807"
  private let text: String

  init() throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: small
      network: {family: vgg, input: 2x6x6, widths: [4, 5]}
      training: {strategy: sequential, epochs: 3, batch: 16}
      """)
    let plan = try spec.plan()
    let comparison = try spec.comparison(with: plan)
    text = PlanLock.text(
      of: plan, comparison, specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil,
      places: spec.places)
  }

  /// The plan with another value wherever the key is.
  private func setting(_ key: String, _ value: String) throws -> String {
    text.replacing(try Regex("\"\(key)\": \\d+"), with: "\"\(key)\": \(value)")
  }

  private func record(_ text: String, _ name: String) throws -> PlanLock {
    try PlanLock(path: name, bytes: Array(text.utf8))
  }

  @Test("figures whose difference or sum no number can hold are told without it")
  func extremes() throws {
    for (key, other, row) in [
      ("batch", "-2", "batch"), ("peakBytes", "-\(Self.largest)", "  peak "),
      // Of two stages.
      ("steps", "7", "steps in all"),
    ] {
      let (old, new) = (try setting(key, Self.largest), try setting(key, other))
      let diff = PlanDiff(try record(old, "a.json"), try record(new, "b.json"))
      let told = diff.text(.plain)
      let most = key == "peakBytes" ? "8.0 EiB" : "9,223,372,036,854,775,807"
      #expect(told.contains(most), "\(told)")
      let line = try #require(told.split(separator: "\n").first { $0.contains(row) }, "\(told)")
      #expect(line.split(separator: " ").contains("-"), "\(line)")
    }
    let modules = text.replacing(/"modules": \[2\]/, with: "\"modules\": [\(Self.largest), 3]")
    try #require(modules != text)
    let told = PlanDiff(try record(text, "a.json"), try record(modules, "b.json")).text(.plain)
    #expect(told.contains("\(Self.largest), 3"), "\(told)")
  }

  @Test("people get words and sizes in place of the names of documents, and times in place of huge shares")
  func words() throws {
    let other = try setting("peakBytes", "\(600 << 20)").replacing(
      "\"recomputeAboveBytes\": null", with: "\"recomputeAboveBytes\": \(512 << 20)"
    ).replacing("\"microBatch\": null", with: "\"microBatch\": 8")
    try #require(other.contains("\"microBatch\": 8"))
    let told = PlanDiff(
      try record(setting("peakBytes", "\(2 << 20)"), "a.json"), try record(other, "b.json")
    ).text(.plain)
    #expect(told.contains(/\n  peak +2\.0 MiB +600\.0 MiB +\+598\.0 MiB +300 times\n/), "\(told)")
    #expect(told.contains(/\n  micro-batch +none +8\n/), "\(told)")
    #expect(told.contains(/\n  recompute values above an arena of +none +512\.0 MiB\n/), "\(told)")
    #expect(!told.contains("Bytes") && !told.contains("choices."), "\(told)")
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
      return PlanLock.text(
        of: try spec.plan(), PlanComparison(), specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil,
        places: spec.places)
    }
    let diff = PlanDiff(try record(text("digits"), "a.json"), try record(text("synthetic"), "b.json"))
    let rows = diff.text(.plain).split(separator: "\n").filter { $0.contains("data.source") }
    #expect(rows.count == 1, "\(diff.text(.plain))")
    #expect(diff.altersResults)
  }

  /// A plan that starts from weights, or from none.
  private func text(from: String?, sha256: String) throws -> String {
    func spec(_ from: String?) throws -> DecodedSpec {
      try DecodedSpec(
        """
        strata: 1
        name: small
        network: {family: vgg, input: 2x6x6, widths: [4, 5]\(from.map { ", from: \($0)" } ?? "")}
        training: {strategy: sequential, epochs: 3, batch: 16}
        """)
    }
    let base = try spec(nil).plan()
    let spec = try spec(from)
    let plan = try spec.plan(
      facts: DecodedSpec.facts(images: 64), startingFrom: from == nil ? nil : base)
    return PlanLock.text(
      of: plan, PlanComparison(), specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil,
      places: spec.places
    ).replacing("\"sha256\": \"0123\"", with: "\"sha256\": \"\(sha256)\"")
  }

  @Test("weights to start from are what they are, wherever they lie")
  func start() throws {
    let one = try record(text(from: "one", sha256: "1111"), "a.json")
    let moved = PlanDiff(one, try record(text(from: "two", sha256: "1111"), "b.json"))
    #expect(!moved.altersResults && !moved.isEmpty)
    let words = moved.text(.plain)
    #expect(words.contains("changes names alone\n") && words.contains("network.from"), "\(words)")
    #expect(words.contains("both come to the same weights") && !words.contains("changes the results"))
    #expect(JSONWriter.line(moved.json).contains(#""effect":"cosmetic""#))

    let other = PlanDiff(one, try record(text(from: "one", sha256: "2222"), "b.json"))
    #expect(other.altersResults)
    let told = other.text(.plain)
    #expect(told.contains("changes the results\n") && !told.contains("the same weights"), "\(told)")
    #expect(told.contains(/the weights to start from +1111 +2222\n/), "\(told)")
    #expect(JSONWriter.line(other.json).contains(#""altersResults":true"#))

    #expect(PlanDiff(one, try record(text(from: nil, sha256: ""), "b.json")).altersResults)
  }

  @Test("the arithmetic of a plan is that of its own row, whatever others of its strategy stand before it")
  func ownRow() throws {
    let row = #"{"strategy": "sequential", "isPlan": false, "trainingMacs": 1}"#
    let other = text.replacing("\"comparison\": [", with: "\"comparison\": [\(row), ")
    try #require(other != text)
    let told = PlanDiff(try record(text, "a.json"), try record(other, "b.json")).text(.plain)
    #expect(!told.contains("MACs in all"), "\(told)")
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
