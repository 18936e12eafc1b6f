import Foundation
import Terminal
import Testing

@Suite("Completions in bash")
struct BashCompletionTests {
  /// What bash would offer, sorted, for the words of a line as bash cuts them; the last one is being completed.
  /// The folder holds `net.yaml`, `b c.yml`, `plan.json` and the folder `runs`.
  private func complete(_ words: String...) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "completions-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "runs"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for name in ["net.yaml", "b c.yml", "plan.json"] {
      try Data().write(to: folder.appending(path: name))
    }
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let script = """
      set -u
      \(ExampleProgram.program.completionScript(for: .bash))
      COMP_WORDS=(strata \(quoted))
      COMP_CWORD=\(words.count)
      _strata
      (( ${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "${COMPREPLY[@]}" | sort
      """
    let bash = Process()
    let output = Pipe()
    let errors = Pipe()
    bash.executableURL = URL(filePath: "/bin/bash")
    bash.arguments = ["--norc", "-c", script]
    bash.environment = ["LC_ALL": "C", "PATH": "/usr/bin:/bin"]
    bash.currentDirectoryURL = folder
    bash.standardOutput = output
    bash.standardError = errors
    try bash.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    bash.waitUntilExit()
    #expect(complaints == "")
    #expect(bash.terminationStatus == 0)
    return text.split(separator: "\n").map(String.init)
  }

  @Test("commands")
  func commands() throws {
    #expect(try complete("") == ["--help", "--version", "compare", "explain", "plan", "shells", "version"])
    #expect(try complete("p") == ["plan"])
    #expect(try complete("--v") == ["--version"])
  }

  @Test("options of the command")
  func options() throws {
    #expect(try complete("plan", "--d") == ["--dry-run"])
    #expect(try complete("compare", "--") == ["--help", "--json"])
    #expect(try complete("nothing", "--") == [])
  }

  @Test("operands: files that fit, folders, words")
  func operands() throws {
    #expect(try complete("plan", "") == ["b c.yml", "net.yaml", "runs"])
    #expect(try complete("plan", "--threads", "2", "n") == ["net.yaml"])
    #expect(try complete("compare", "runs", "") == ["runs"])
    #expect(try complete("shells", "z") == ["zsh"])
    #expect(try complete("version", "") == [])
  }

  @Test("words that are offered and not asked for")
  func suggestions() throws {
    #expect(try complete("explain", "") == ["E001", "E002", "W001"])
    #expect(try complete("explain", "W") == ["W001"])
  }

  @Test("keys and values of assignments, as bash cuts them")
  func assignments() throws {
    #expect(try complete("plan", "--set", "") == ["a.epochs=", "a.mode="])
    #expect(try complete("plan", "--set", "a.m") == ["a.mode="])
    #expect(try complete("plan", "--set", "a.mode", "=") == ["fast", "slow"])
    #expect(try complete("plan", "--set", "a.mode", "=", "s") == ["slow"])
    #expect(try complete("plan", "--set", "=", "a.e") == ["a.epochs="])
    #expect(try complete("plan", "--set", "=", "a.mode", "=", "f") == ["fast"])
    #expect(try complete("plan", "--set", "a.epochs", "=", "") == [])
    #expect(try complete("plan", "--set", "a.mode", "=", "fast", "--threads", "") == [])
    #expect(try complete("plan", "--set", "a.mode", "=", "fast", "n") == ["net.yaml"])
  }

  @Test("values of options, in both spellings")
  func values() throws {
    let everything = ["b c.yml", "net.yaml", "plan.json", "runs"]
    #expect(try complete("plan", "-o", "") == everything)
    #expect(try complete("plan", "--output", "pl") == ["plan.json"])
    #expect(try complete("plan", "--output", "=") == everything)
    #expect(try complete("plan", "--output", "=", "pl") == ["plan.json"])
    #expect(try complete("plan", "--threads", "") == [])
  }
}

@Suite("Completions in zsh and fish")
struct OtherCompletionTests {
  private func script(_ shell: Shell) -> String {
    ExampleProgram.program.completionScript(for: shell)
  }

  @Test("zsh: quotes, brackets and colons of the texts are escaped")
  func zsh() {
    let text = script(.zsh)
    #expect(text.hasPrefix("#compdef strata\n"))
    #expect(text.contains(#"'shells:a shell'\''s name\: it'\''s \[one\]'"#))
    #expect(text.contains("'(-o --output)'{-o,--output=}'[where to write]:PLAN:_files'"))
    #expect(text.contains("'*--set=[set a value]:KEY=VALUE:_strata_assignment'"))
    #expect(
      text.contains("      a.mode) compadd -- fast slow ;;\n")
        && text.contains("compadd -S '=' -- a.epochs a.mode\n"))
    #expect(text.contains("'*:CODE:(E001 E002 W001)'"))
    #expect(text.contains(#"'*:SPEC:_files -g "*.(yaml|yml)"'"#))
    #expect(text.contains("'*:SHELL:(bash zsh)'"))
  }

  @Test("fish: one line for each command and option")
  func fish() {
    let text = script(.fish)
    #expect(text.contains(#"-a shells -d 'a shell\'s name: it\'s [one]'"#))
    let plan = "complete -c strata -n '__fish_seen_subcommand_from plan'"
    #expect(text.contains("\(plan) -F\n"))
    #expect(text.contains("\(plan) -s o -l output -r -F -d 'where to write'\n"))
    #expect(text.contains("\(plan) -l threads -x -d 'workers'\n"))
    #expect(text.contains("\(plan) -l dry-run -d 'stop early'\n"))
    #expect(text.contains("\(plan) -l set -x -a '(__strata_assignments)' -d 'set a value'\n"))
    #expect(text.contains("printf '%s\\n' a.epochs= a.mode= a.mode=fast a.mode=slow\n"))
    #expect(text.contains("from compare' -a '(__fish_complete_directories)'\n"))
  }

  @Test("the shells that are installed accept their scripts", arguments: [Shell.bash, .zsh, .fish])
  func syntax(shell: Shell) throws {
    let paths = ["/bin/\(shell.rawValue)", "/usr/bin/\(shell.rawValue)"]
    guard let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else { return }
    let file = FileManager.default.temporaryDirectory.appending(path: "completions-\(UUID().uuidString)")
    try Data(script(shell).utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = try Process.run(URL(filePath: path), arguments: ["-n", file.path])
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
