import SpecLanguage
import Testing

@Suite("Templates")
struct TemplateTests {
  @Test("compile, under the name they go by", arguments: SpecTemplate.all)
  func compiles(template: SpecTemplate) throws {
    let checked = CheckedText(template.text)
    #expect(checked.codes == [], "\(checked.rendered)")
    #expect(checked.spec?.name.value == template.name)
    #expect(try checked.plan().memory.peakBytes > 0)
    #expect(template.text.hasPrefix("# yaml-language-server: $schema=strata.schema.json\n"))
    #expect(template.text.split(separator: "\n").allSatisfy { $0.count <= 120 && $0.last != " " })
    // A template explains itself.
    #expect(template.text.split(separator: "  # ").count > 2)
  }

  @Test("have names of their own and one line to say what they are")
  func names() {
    #expect(Set(SpecTemplate.all.map(\.name)).count == SpecTemplate.all.count)
    for template in SpecTemplate.all {
      #expect(!template.summary.isEmpty && !template.summary.contains("\n") && template.summary.last != ".")
    }
  }
}
