internal import Glibc
internal import LanguageServer
internal import Terminal

/// `strata lsp`
struct LspCommand: Command {
  static let stdio = Flag("stdio", "what some editors pass: the server has no other way to talk")

  static let spec = CommandSpec(
    "lsp", group: CommandGroup.specs,
    summary: "serve editors: faults, shapes and memory on the line, while typing",
    discussion: """
      A language server (LSP 3.17) over standard input and output, for editors to start. It looks after YAML files whose first key is \
      'strata', or whose first comment names strata.schema.json, and leaves others alone: diagnostics of 'strata check' with quick \
      fixes, the output shape, parameters and MACs behind each layer, each line's share of the planned peak, and, above the first \
      line, the peak, its share of end-to-end training's, the time of an epoch where 'strata bench --calibrate' was run, and whether \
      the budget is met; completion, hover, symbols, and the way to the run that 'network.from' names. Settings: \
      strata.hints.shapes, strata.hints.memory, strata.lens, each true or false. It exits with 0 when the editor has shut it down, and \
      with 1 when the editor is gone. '--json' changes nothing.
      """,
    options: [stdio.spec], exitCodes: [.failed],
    examples: [
      .init("strata lsp", "what an editor starts"),
      .init("vim.lsp.start({name = 'strata', cmd = {'strata', 'lsp'}})", "in Neovim, for a YAML buffer"),
    ])

  static func run(_ arguments: Arguments, _ session: Session) throws(CommandFailure) -> ExitCode {
    guard let server = LanguageServer(service: EditorService(), version: CommandTable.program.version) else {
      throw CommandFailure(.failed, "the system gives no thread or no pipe")
    }
    return server.serve(input: STDIN_FILENO, output: STDOUT_FILENO) == 0 ? .done : .failed
  }
}
