import Foundation
import Testing

private struct Answers: Decodable {
  struct Class: Decodable {
    var `class`: String
    var images, answers, right: Int
    var precision, recall: Double?
  }
  struct Module: Decodable { var testTop1: Double? }
  var perClass: [Class]
  var confusion: [[Int]]?
  var accuracy: Double?
  var modules: [Module]?
}

@Suite("Answers by class, from the command line")
struct AnswersTests {
  @Test("evaluate, summary and page tell the same, and what predict tells")
  func everywhere() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    try #require(try workspace.strata("run", "net.yaml", "-o", "first").exitCode == 0)
    let summary = try workspace.decode(Answers.self, "first/summary.json")
    let evaluation = try workspace.strata("evaluate", "first", "--json")
    let evaluated = try JSONDecoder().decode(Answers.self, from: Data(evaluation.output.utf8))
    let confusion = try #require(summary.confusion)
    #expect(confusion == evaluated.confusion && confusion.count == 10)
    #expect(confusion.joined().reduce(0, +) == 100)
    let right = confusion.indices.map { confusion[$0][$0] }
    #expect(summary.perClass.map(\.right) == right)
    #expect(summary.perClass.map(\.images) == confusion.map { $0.reduce(0, +) })
    #expect(
      summary.perClass.map(\.answers) == confusion.indices.map { c in confusion.reduce(0) { $0 + $1[c] } })
    // The head's accuracy is the diagonal's.
    let top1 = try #require(summary.modules?.last?.testTop1)
    #expect(abs(top1 - Double(right.reduce(0, +)) / 100) < 1e-9)
    let page = try workspace.text("first/report.html")
    #expect(page.contains("Answers by class") && page.contains("is (rows), and is called (columns)"))
    #expect(page.contains("Samples") && page.contains("data:image/png;base64,iVBORw0KGgo"))
    #expect(try workspace.data("first/samples.png").prefix(4) == Data([0x89, 0x50, 0x4E, 0x47]))
    // Another command writes the page anew: nothing of it is lost.
    try #require(try workspace.strata("probe", "first", "--learners", "linear").exitCode == 0)
    let again = try workspace.text("first/report.html")
    #expect(again.contains("Answers by class") && again.contains("data:image/png;base64,iVBORw0KGgo"))
    let text = try workspace.strata("evaluate", "first").output
    #expect(text.contains("by class, the last module:") && text.contains("is, and is called"))
  }

  @Test("a summary that contradicts itself costs the page, not the figures")
  func contradiction() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    try #require(try workspace.strata("run", "net.yaml", "-o", "first").exitCode == 0)
    let text = try workspace.text("first/summary.json")
    try workspace.write(text.replacing("\"right\": ", with: "\"right\": 9"), to: "first/summary.json")
    let probe = try workspace.strata("probe", "first", "--learners", "linear")
    #expect(
      probe.exitCode == 0 && probe.diagnostics.contains("expected answers by class"), "\(probe.diagnostics)")
  }
}
