import Foundation
import Testing

@Suite("Specs that are watched")
struct WatchTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  @Test("check again on every save, and a plan with what the save has changed")
  func saves() throws {
    for command in ["check", "plan"] {
      try workspace.write(digitsSpec, to: "net.yaml")
      let (running, output) = try start(command)
      #expect(running.wait { count("-- watching net.yaml", in: output) == 1 })
      // An editor puts another file in its place.
      try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 60"), to: "new.yaml")
      let renamed = rename(
        workspace.url.appending(path: "new.yaml").path, workspace.url.appending(path: "net.yaml").path)
      #expect(renamed == 0)
      #expect(running.wait { count("-- watching net.yaml", in: output) == 2 })
      try workspace.write("strata: 1\n", to: "net.yaml")
      #expect(running.wait { count("-- watching net.yaml", in: output) == 3 })
      running.send(SIGTERM)
      let end = try running.wait()
      #expect(end.exitCode == nil)
      #expect(end.diagnostics.contains("E023"))
      if command == "plan" {
        #expect(end.output.contains("since the last save: "))
        #expect(end.output.contains("training.batch: 50 -> 60"))
      } else {
        #expect(count("net.yaml: ok", in: end.output) == 2)
      }
    }
  }

  /// With its output where the test can read it while it runs.
  private func start(_ command: String) throws -> (RunningStrata, () -> String) {
    let running = try RunningStrata([command, "--watch", "net.yaml"], in: workspace.url)
    return (running, { running.outputSoFar })
  }

  private func count(_ words: String, in output: () -> String) -> Int { count(words, in: output()) }
  private func count(_ words: String, in output: String) -> Int {
    output.components(separatedBy: words).count - 1
  }

  @Test(
    "what can't be watched",
    arguments: [
      ["check", "--watch", "-"], ["check", "--watch", "--json", "net.yaml"],
      ["plan", "--watch", "net.yaml", "-o", "p.json"],
      ["plan", "--watch", "net.yaml", "--html", "p.html"], ["plan", "--watch", "net.yaml", "--json"],
      ["plan", "--watch", "--largest-batch", "net.yaml"], ["plan", "--watch", "-"],
    ])
  func refusals(arguments: [String]) throws {
    let result = try StrataProcess(arguments, in: workspace.url)
    #expect(result.exitCode == 2 && result.diagnostics.contains("'--watch'"), "\(result.diagnostics)")
    #expect(try workspace.names(in: ".") == ["net.yaml"])
  }
}
