import Foundation
import Testing

@Suite("Files that the command line asks for")
struct OutputFileTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  /// Runs a command that is to be refused, and looks whether everything in `names` is as it was.
  private func expectRefused(
    _ arguments: [String], _ words: String, leaving names: [String],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let before = try names.map(workspace.data)
    let end = try StrataProcess(arguments, in: workspace.url)
    #expect(end.exitCode == 2, "\(end)", sourceLocation: location)
    #expect(end.diagnostics.contains(words), "\(end.diagnostics)", sourceLocation: location)
    let isSame = try names.map(workspace.data) == before
    #expect(isSame, "\(arguments)", sourceLocation: location)
  }

  @Test("nothing but plans and pages of Strata's own is written over")
  func refusals() throws {
    try workspace.write("my thesis\n", to: "thesis.txt")
    try FileManager.default.linkItem(
      at: workspace.url.appending(path: "net.yaml"), to: workspace.url.appending(path: "same.yaml"))
    let plan = ["plan", "net.yaml"]
    try expectRefused(plan + ["-o", "net.yaml"], "is read by the same command", leaving: ["net.yaml"])
    try expectRefused(plan + ["--html", "same.yaml"], "is read by the same command", leaving: ["net.yaml"])
    try expectRefused(
      plan + ["-o", "thesis.txt"],
      "'-o thesis.txt': the file is there already, and is not a plan of Strata's",
      leaving: ["thesis.txt"])
    try expectRefused(plan + ["--html", "thesis.txt"], "is not a page of Strata's", leaving: ["thesis.txt"])
    try expectRefused(plan + ["-o", "a", "--html", "./a"], "name the same file", leaving: [])
    #expect(try workspace.names(in: ".") == ["net.yaml", "same.yaml", "thesis.txt"])

    // What Strata has written, and what holds nothing.
    try workspace.write("", to: "empty")
    for path in ["net.plan.json", "net.plan.json", "empty"] {
      let end = try workspace.strata("plan", "net.yaml", "-o", path, "--html", "net.html")
      #expect(end.exitCode == 0, "\(path): \(end.diagnostics)")
    }
    try expectRefused(plan + ["--html", "net.plan.json"], "is not a page", leaving: ["net.plan.json"])
    try expectRefused(plan + ["-o", "net.html"], "is not a plan", leaving: ["net.html"])
  }

  @Test("a run's files are its own, those that are not there yet as well")
  func files() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let names = [
      "plan.json", "spec.yaml", "metrics.jsonl", "summary.json", "model.safetensors", "report.html",
    ]
    for name in names {
      try expectRefused(
        ["compare", "out", "--html", "out/\(name)"], "is one of the run in its folder",
        leaving: ["out/\(name)"])
    }
    try expectRefused(
      ["plan", "net.yaml", "-o", "out/plan.json"], "is one of the run in its folder",
      leaving: ["out/plan.json"])
    try expectRefused(["plan", "net.yaml", "-o", "out/checkpoints/1"], "is one of the run", leaving: [])
    #expect(try workspace.strata("compare", "out", "--html", "out/compared.html").exitCode == 0)
  }

  @Test("links stay, what they lead to is replaced; streams are written into")
  func links() throws {
    try workspace.write("", to: "kept/real.json")
    try FileManager.default.createSymbolicLink(
      atPath: workspace.url.appending(path: "link.json").path, withDestinationPath: "kept/real.json")
    #expect(try workspace.strata("plan", "net.yaml", "-o", "link.json").exitCode == 0)
    #expect(try workspace.text("kept/real.json").contains("strata.plan/1"))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(
        atPath: workspace.url.appending(path: "link.json").path) == "kept/real.json")
    #expect(try workspace.names(in: "kept") == ["real.json"])

    try FileManager.default.createSymbolicLink(
      atPath: workspace.url.appending(path: "full").path, withDestinationPath: "/dev/full")
    let full = try workspace.strata("plan", "net.yaml", "-o", "full")
    #expect(full.exitCode == 1 && full.diagnostics.contains("No space left on device"), "\(full)")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(
        atPath: workspace.url.appending(path: "full").path) == "/dev/full")

    // Piped, and into a file that the shell has opened: the plan first, then what is printed.
    let piped = try workspace.strata("plan", "net.yaml", "-o", "/dev/stdout")
    #expect(piped.exitCode == 0)
    #expect(piped.output.hasPrefix("{") && piped.output.contains("\nsmall: parallel"))
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", "\"$0\" plan net.yaml -o /dev/stdout > all.txt", StrataProcess.executable.path]
    shell.currentDirectoryURL = workspace.url
    try shell.run()
    shell.waitUntilExit()
    #expect(try workspace.text("all.txt") == piped.output)
  }

  @Test("a plan of a spec that came through a pipe keeps no path to it; one whose spec is gone says so")
  func specs() throws {
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = [
      "-c", "cat net.yaml | \"$0\" plan /dev/stdin -o piped.json", StrataProcess.executable.path,
    ]
    shell.currentDirectoryURL = workspace.url
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    let piped = try workspace.strata("run", "piped.json", "--dry-run")
    #expect(piped.exitCode == 0 && piped.diagnostics == "", "\(piped.diagnostics)")

    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.json").exitCode == 0)
    try FileManager.default.removeItem(at: workspace.url.appending(path: "net.yaml"))
    let gone = try workspace.strata("run", "net.json", "--dry-run")
    #expect(gone.exitCode == 0)
    #expect(gone.diagnostics.hasPrefix("note: net.yaml is not there"), "\(gone.diagnostics)")
  }

  @Test("a plan whose number of workers was edited is called edited, not another release's")
  func edited() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.json", "--threads", "2").exitCode == 0)
    let text = try workspace.text("net.json")
    try workspace.write(text.replacing("\"threads\": 2", with: "\"threads\": 3"), to: "net.json")
    let end = try workspace.strata("run", "net.json", "--dry-run")
    #expect(end.exitCode == 4)
    #expect(end.diagnostics.contains("it was edited since it was made"), "\(end.diagnostics)")
  }
}
