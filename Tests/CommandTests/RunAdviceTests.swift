import Foundation
import Testing

/// What a run says of its folder, of what it took against what was planned, and of the way on.
@Suite("What a run says of itself")
struct RunAdviceTests {
  private struct Document: Decodable {
    var folder: String
    var status: String
  }

  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func document(_ result: StrataProcess) throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
  }

  @Test("a document names the run's folder, and so does the first line on standard error")
  func folder() throws {
    let run = try workspace.strata("run", "net.yaml", "--json", "--set", "training.epochs=1")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(try document(run).folder == "runs/small-1")
    #expect(run.diagnostics.hasPrefix("training small in runs/small-1\n"), "\(run.diagnostics)")
    let again = try workspace.strata("run", "runs/small-1", "--resume", "--json")
    #expect(try document(again).folder == "runs/small-1" && document(again).status == "finished")
    // What is kept in the folder does not say where the folder is.
    #expect(try !workspace.text("runs/small-1/summary.json").contains("\"folder\""))
  }

  @Test("a finished run takes no other values, and names the line that trains on from it")
  func trainOn() throws {
    try #require(
      try workspace.strata("run", "net.yaml", "-o", "a run", "--set", "training.epochs=1").exitCode == 0)
    let refused = try workspace.strata("run", "a run/", "--resume", "--set", "training.epochs=3")
    #expect(refused.exitCode == 2 && refused.output == "")
    #expect(
      refused.diagnostics.contains("is finished: '--resume' takes no '--set'"), "\(refused.diagnostics)")
    let line = try #require(refused.diagnostics.firstMatch(of: /: (strata run '.*)\n/)?.1)
    #expect(
      line == "strata run 'a run/spec.yaml' --set 'network.from=a run' --set training.epochs=3", "\(line)")
    // As it stands, but for the program's place.
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = [
      "-c", "\"$0\" \(line.dropFirst("strata ".count)) -o on", StrataProcess.executable.path,
    ]
    shell.currentDirectoryURL = workspace.url
    shell.standardOutput = FileHandle.nullDevice
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 0)
    #expect(try workspace.strata("show", "on").output.contains("3/3"))
  }

  @Test("both differences are of what was measured from what was planned, with its sign")
  func signs() throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--set", "training.epochs=1")
    let match = try #require(
      run.output.firstMatch(
        of: /peak memory: planned ([0-9.]+) MiB, measured ([0-9.]+) MiB \(([+-])[0-9.]+%\)\n/))
    let (planned, measured) = (Double(match.1) ?? 0, Double(match.2) ?? 0)
    #expect(planned == measured || (match.3 == "+") == (measured > planned))
    #expect(run.output.contains("time: "), "\(run.output)")
    let log = try workspace.text("out/log.txt")
    #expect(log.contains(#/finished: time: .*; peak memory: planned /#), "\(log)")
    #expect(log.contains(/training begins: small, peak planned [0-9.]+ MiB/), "\(log)")
  }

  @Test("the ensemble of a fine-tuned module has the module's own epoch in the log")
  func epochs() throws {
    try workspace.write(
      """
      strata: 1
      name: narrow
      data: {source: digits, limit: {train: 100, test: 50}}
      network: {family: vgg, widths: [8, 8], head: {kind: cnn, k: 2}}
      auxiliary: {kind: cnn, k: 2}
      training: {strategy: sequential, epochs: 2, batch: 50}
      compression: {width: 4, epochs: 2}

      """, to: "narrow.yaml")
    let run = try workspace.strata("run", "narrow.yaml", "-o", "out")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    // Every ensemble follows the test of its module, at the same epoch.
    var last: (module: Substring, epoch: Substring)?
    var count = 0
    for line in try workspace.text("out/log.txt").split(separator: "\n") {
      if let test = line.firstMatch(of: /module ([0-9]+), epoch ([0-9]+), test:/), !line.contains("ensemble")
      {
        last = (test.1, test.2)
      }
      guard let ensemble = line.firstMatch(of: /ensemble to module ([0-9]+), epoch ([0-9]+), test:/) else {
        continue
      }
      count += 1
      #expect(last?.module == ensemble.1 && last?.epoch == ensemble.2, "\(line)")
    }
    #expect(count >= 1)
  }
}
