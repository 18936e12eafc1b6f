internal import SpecLanguage
internal import Terminal
internal import Text

/// `strata new [TEMPLATE] [--list]`
struct NewCommand: Command {
  static let list = Flag("list", "list the templates")

  static let spec = CommandSpec(
    "new", group: CommandGroup.specs, summary: "print a commented spec to start from",
    discussion: """
      Prints the template to standard output; without a name, the smallest one. '--list' tells what there is.
      """,
    operands: OperandSpec(
      "TEMPLATE", 0...1, "the template's name", completion: .words(SpecTemplate.all.map(\.name))),
    options: [list.spec], synopses: ["[TEMPLATE]", "--list"],
    examples: [
      .init("strata new vgg-greedy > net.yaml", "start a spec"),
      .init("strata new --list", "the templates, a line each"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    if arguments[list] {
      guard arguments.operands.isEmpty else {
        throw CommandFailure(.faultyInput, "'--list' takes no template", help: "leave one of them out")
      }
      printList(session)
      return .done
    }
    let name = arguments.operands.first ?? SpecTemplate.all[0].name
    guard let template = SpecTemplate.all.first(where: { $0.name == name }) else {
      preconditionFailure("the operand is one of its words")
    }
    if session.json {
      session.output.write(
        JSONWriter.document([
          "schema": "strata.template/1", "name": .string(template.name), "text": .string(template.text),
        ]))
    } else {
      session.output.write(template.text)
    }
    return .done
  }

  private static func printList(_ session: Session) {
    if session.json {
      let templates = SpecTemplate.all.map {
        JSON.object([("name", .string($0.name)), ("summary", .string($0.summary))])
      }
      session.output.write(
        JSONWriter.document(["schema": "strata.templates/1", "templates": .array(templates)]))
    } else {
      var table = Table([.left(""), .left("")])
      for template in SpecTemplate.all { table.add([template.name, template.summary]) }
      session.output.write(table.text(session.output.style))
    }
  }
}
