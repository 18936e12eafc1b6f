import Foundation
import Testing

/// What comes through a pipe is there but once.
@Suite("Specs and plans through a pipe")
struct PipeTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func piped(_ file: String, _ line: String) throws -> StrataProcess {
    let process = try StrataProcess.shell("cat \(file) | strata \(line)", in: workspace.url)
    #expect(process.exitCode == 0, "\(line): \(process.diagnostics)")
    return process
  }

  @Test(
    "a spec is what it is in its file",
    arguments: [
      "run FILE --dry-run", "run FILE --dry-run --seeds 2", "show FILE", "show FILE --layout", "plan FILE",
      "check FILE", "diff FILE net.yaml",
    ])
  func specs(line: String) throws {
    let streamed = try piped("net.yaml", line.replacing("FILE", with: "/dev/stdin"))
    let direct = try StrataProcess(
      line.replacing("FILE", with: "net.yaml").split(separator: " ").map { String($0) }, in: workspace.url)
    // Places name the file, and make columns and the rules below them wider.
    func words(_ text: String) -> [Substring] {
      text.split(whereSeparator: \.isWhitespace).filter { $0.contains { $0 != "-" } }
    }
    #expect(words(streamed.output.replacing("/dev/stdin", with: "net.yaml")) == words(direct.output))
  }

  @Test("so is a plan", arguments: ["run FILE --dry-run", "show FILE", "diff FILE net.yaml"])
  func plans(line: String) throws {
    try #require(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    let streamed = try piped("net.plan.json", line.replacing("FILE", with: "/dev/stdin"))
    #expect(streamed.output.contains("small") || streamed.output.contains("the plans are equal"))
  }

  @Test("every seed is trained from the spec that came")
  func seeds() throws {
    _ = try piped("net.yaml", "run /dev/stdin --seeds 2 -o ls --set training.epochs=1")
    #expect(try workspace.names(in: "ls") == ["seed-1", "seed-2"])
    let run = try workspace.strata(
      "run", "net.yaml", "-o", "direct", "--set", "training.epochs=1", "--set", "training.seed=2")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    let isSame =
      try workspace.data("ls/seed-2/model.safetensors") == workspace.data("direct/model.safetensors")
    #expect(isSame)
  }
}
