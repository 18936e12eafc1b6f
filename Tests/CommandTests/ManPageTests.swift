import Foundation
import Testing

@Suite("The manual page")
struct ManPageTests {
  @Test("every command with every option, and nothing that troff takes for a request")
  func page() throws {
    let page = try StrataProcess("help", "--man")
    #expect(page.exitCode == 0 && page.output.hasPrefix(".TH \"STRATA\" \"1\" "))
    let help =
      try JSONSerialization.jsonObject(
        with: Data(try StrataProcess("help", "--json").output.utf8)) as? [String: Any]
    let commands = try #require(help?["commands"] as? [[String: Any]])
    #expect(commands.count > 10)
    for command in commands {
      let name = try #require(command["name"] as? String)
      #expect(page.output.contains(".SH \"STRATA \(name.uppercased())\"\n"))
      for option in command["options"] as? [[String: Any]] ?? [] {
        let option = (option["name"] as? String ?? "").replacing("-", with: "\\-")
        #expect(page.output.contains(option), "\(name) \(option)")
      }
    }
    let requests = Set(
      page.output.split(separator: "\n").filter { $0.hasPrefix(".") || $0.hasPrefix("'") }.map {
        $0.prefix { $0 != " " }
      })
    #expect(requests == [".TH", ".SH", ".SS", ".PP", ".TP", ".nf", ".fi"])
  }

  @Test("one page, not of one command, and no document")
  func refusals() throws {
    #expect(try StrataProcess("help", "--man", "plan").exitCode == 2)
    #expect(try StrataProcess("help", "--man", "--json").exitCode == 2)
  }
}
