import Terminal
import Testing
import Text

@Suite("Help")
struct HelpTextTests {
  @Test("one command: synopsis, operands, options with defaults, its exit codes")
  func command() {
    #expect(
      ExampleProgram.program.help(for: ExampleProgram.plan, width: 60, .plain) == """
        strata plan: compile

        usage:
          strata plan [options] SPEC

        Compiles.

        operands:
          SPEC  a spec

        options:
          -o, --output PLAN  where to write
          --threads N        workers (default: 2)
          --budget SIZE      limit
          --set KEY=VALUE    set a value; may be repeated
          --dry-run          stop early
          --json             print one JSON document on standard
                             output
          -h, --help         print this help

        exit codes:
          0   done
          2   fault in the spec or the command line
          3   does not fit the budget
          70  a bug of Strata's own

        examples:
          strata plan net.yaml
              a dry run

        """)
  }

  @Test("the overview lists every command below its group")
  func overview() {
    let text = ExampleProgram.program.overview(width: 80, .plain)
    #expect(text.hasPrefix("strata 9.9: a program\n\nusage: strata COMMAND [options] ...\n\nplans:\n"))
    #expect(
      text.contains(
        "\nabout:\n  shells   a shell's name: it's [one]\n  explain  explain\n  version  version\n"))
    #expect(text.contains("\n  6   interrupted, checkpoint written\n"))
  }

  @Test("colours change nothing but escapes")
  func colours() {
    let coloured = ExampleProgram.program.overview(width: 80, TextStyle(isColoured: true))
    #expect(coloured.contains("\u{1B}["))
    #expect(
      coloured.replacing(/\u{1B}\[[0-9]+m/, with: "") == ExampleProgram.program.overview(width: 80, .plain))
  }

  @Test(
    "operands as synopses show them",
    arguments: [
      (1...1, "DIR"), (2...2, "DIR DIR"), (0...1, "[DIR]"), (1...Int.max, "DIR..."),
      (2...Int.max, "DIR DIR..."),
      (0...Int.max, "[DIR...]"), (1...2, "DIR [DIR]"),
    ])
  func synopsis(count: ClosedRange<Int>, text: String) {
    #expect(OperandSpec("DIR", count, "folders").synopsis == text)
  }

  @Test("exit codes keep their numbers")
  func exitCodes() {
    #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6, 70])
    #expect(ExampleProgram.plan.canExit(with: .overBudget))
    #expect(!ExampleProgram.plan.canExit(with: .stalePlan))
  }
}
