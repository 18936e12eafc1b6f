import Foundation
import Testing

/// What `strata run DIR --resume` does with what it finds.
@Suite("Resuming a run")
struct ResumeCommandTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func path(_ name: String) -> String { workspace.url.appending(path: name).path }

  /// A run that is asked to stop as soon as it has a checkpoint of its third epoch or a later one; how many epochs it is to have.
  @discardableResult
  private func interruptedRun(_ folder: String, _ more: String...) throws -> Int {
    let (epochs, end) = try workspace.signalled(
      folder, SIGTERM, epochs: 40,
      once: {
        let names = (try? workspace.names(in: "\(folder)/checkpoints")) ?? []
        return names.contains { !$0.hasPrefix(".") && !$0.contains("epoch-1-") && !$0.contains("epoch-2-") }
      },
      arguments: { epochs in
        ["run", "net.yaml", "-o", folder, "--set", "training.epochs=\(epochs)", "--checkpoint-every", "1ms"]
          + more
      })
    try #require(end.exitCode == 6, "\(end)")
    #expect(try workspace.names(in: "\(folder)/checkpoints").count == 2)
    return epochs
  }

  private func whole(epochs: Int) throws -> Data {
    let run = try workspace.strata("run", "net.yaml", "-o", "whole", "--set", "training.epochs=\(epochs)")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    return try workspace.data("whole/model.safetensors")
  }

  private func expectFinished(_ folder: String, _ whole: Data, epochs: Int) throws {
    let isSame = try workspace.data("\(folder)/model.safetensors") == whole
    #expect(isSame)
    // As many lines as epochs, modules and parts, each once.
    let lines = try workspace.text("\(folder)/metrics.jsonl").split(separator: "\n")
    let places = Set(lines.map { $0.prefix(while: { $0 != "l" }) })
    #expect(lines.count == epochs * 2 * 2 && places.count <= lines.count)
  }

  @Test("from where it was, and a finished run says so")
  func resume() throws {
    let epochs = try interruptedRun("out", "--threads", "2")
    let whole = try whole(epochs: epochs)
    #expect(
      try workspace.strata("show", "out").output.contains("interrupted; strata run out --resume goes on"))
    let resumed = try workspace.strata("run", "out", "--resume", "--threads", "3")
    #expect(resumed.exitCode == 0)
    #expect(resumed.output.hasPrefix("3 threads instead of 2: peak "), "\(resumed.output)")
    #expect(resumed.diagnostics.contains("out: training small goes on behind stage 1, epoch "))
    try expectFinished("out", whole, epochs: epochs)
    let again = try workspace.strata("run", "out", "--resume")
    #expect(again.exitCode == 0 && again.output == "out: the run is finished\n")
    let json = try workspace.strata("run", "out", "--resume", "--json")
    let summary = try workspace.text("out/summary.json")
    // With its folder, which no file in it names.
    #expect(
      json.exitCode == 0
        && json.output == summary.replacing(/\n}\n$/, with: ",\n  \"folder\": \"out\"\n}\n"))
  }

  @Test("an interrupted run prints one document where one is asked for")
  func json() throws {
    let run = try RunningStrata(
      ["run", "net.yaml", "-o", "out", "--json", "--set", "training.epochs=2000"], in: workspace.url)
    #expect(run.wait { FileManager.default.fileExists(atPath: path("out/checkpoints")) })
    run.send(SIGINT)
    let end = try run.wait()
    #expect(end.exitCode == 6)
    struct Summary: Decodable {
      struct Position: Decodable { var stage, epoch, step: Int }
      struct DeterminedBy: Decodable {
        var specSha256, layoutSha256, dataFingerprint, release, openBLAS: String
      }
      var status: String
      var position: Position
      var determinedBy: DeterminedBy
    }
    let summary = try JSONDecoder().decode(Summary.self, from: Data(end.output.utf8))
    #expect(summary.status == "interrupted" && summary.position.stage == 1 && summary.position.epoch >= 1)
    #expect(summary.determinedBy.openBLAS.hasPrefix("OpenBLAS "))
    #expect(summary.determinedBy.specSha256.count == 64 && summary.determinedBy.layoutSha256.count == 64)
  }

  @Test("a damaged checkpoint is named, and the one before it is used")
  func damaged() throws {
    let epochs = try interruptedRun("out")
    let whole = try whole(epochs: epochs)
    let names = try workspace.names(in: "out/checkpoints").sorted {
      $0.compare($1, options: .numeric) == .orderedAscending
    }
    var bytes = try workspace.data("out/checkpoints/\(names[1])")
    bytes[bytes.count - 10] ^= 4
    try bytes.write(to: workspace.url.appending(path: "out/checkpoints/\(names[1])"))
    let resumed = try workspace.strata("run", "out", "--resume")
    #expect(resumed.exitCode == 0)
    #expect(
      resumed.diagnostics.hasPrefix(
        "warning[W006]: checkpoint refused: out/checkpoints/\(names[1]): damaged: the tensor "))
    #expect(resumed.diagnostics.contains("goes on behind"))
    #expect(try workspace.names(in: "out/checkpoints").contains("\(names[1]).refused"))
    try expectFinished("out", whole, epochs: epochs)
  }

  @Test("checkpoints of another run are named, and not used")
  func foreign() throws {
    try interruptedRun("other", "--set", "training.seed=2")
    let epochs = try interruptedRun("out")
    let whole = try whole(epochs: epochs)
    for name in try workspace.names(in: "out/checkpoints") {
      try FileManager.default.removeItem(atPath: path("out/checkpoints/\(name)"))
    }
    for name in try workspace.names(in: "other/checkpoints") {
      try FileManager.default.copyItem(
        atPath: path("other/checkpoints/\(name)"), toPath: path("out/checkpoints/\(name)"))
    }
    let resumed = try workspace.strata("run", "out", "--resume")
    #expect(resumed.exitCode == 0)
    #expect(
      resumed.diagnostics.components(separatedBy: "not of this run: its spec is another one").count == 3)
    #expect(resumed.diagnostics.contains("out: no checkpoint; training small from the beginning"))
    try expectFinished("out", whole, epochs: epochs)
  }

  @Test("killed between its weights and its summary, or with a torn summary")
  func lastMoments() throws {
    let whole = try whole(epochs: 40)
    for _ in 1...2 {
      try FileManager.default.removeItem(atPath: path("whole/summary.json"))
      try Data("half".utf8).write(to: workspace.url.appending(path: "whole/.summary.json.1-0.tmp"))
      try Data("half".utf8).write(to: workspace.url.appending(path: "whole/.model.safetensors.1-0.tmp"))
      let resumed = try workspace.strata("run", "whole", "--resume")
      #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
      try expectFinished("whole", whole, epochs: 40)
      #expect(try workspace.names(in: "whole").filter { $0.hasSuffix(".tmp") } == [])
    }
  }

  @Test("two at once: the second is refused, the first goes on")
  func lock() throws {
    let run = try RunningStrata(
      ["run", "net.yaml", "-o", "out", "--set", "training.epochs=2000"], in: workspace.url)
    #expect(run.wait { FileManager.default.fileExists(atPath: path("out/checkpoints")) })
    let second = try workspace.strata("run", "out", "--resume")
    #expect(second.exitCode == 2)
    #expect(second.diagnostics.hasPrefix("error: out: another run is at work in this folder (process "))
    #expect(run.isRunning)
    run.send(SIGTERM)
    #expect(try run.wait().exitCode == 6)
  }

  @Test("data that was given once is found again, from whatever folder the run is resumed")
  func dataPath() throws {
    func images(_ count: Int) -> Data {
      let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 8, 0, 0, 0, 8]
      return Data(header + (0..<64 * count).map { UInt8(truncatingIfNeeded: $0 &* 37 ^ ($0 >> 3)) })
    }
    func labels(_ count: Int) -> Data {
      Data([0, 0, 8, 1, 0, 0, 0, UInt8(count)] + (0..<count).map { UInt8($0 % 10) })
    }
    try FileManager.default.createDirectory(atPath: path("set"), withIntermediateDirectories: true)
    for (name, data) in [
      ("train-images-idx3-ubyte", images(200)), ("train-labels-idx1-ubyte", labels(200)),
      ("t10k-images-idx3-ubyte", images(50)), ("t10k-labels-idx1-ubyte", labels(50)),
    ] { try data.write(to: workspace.url.appending(path: "set/\(name)")) }
    let spec = digitsSpec.replacingOccurrences(
      of: "data: {source: digits, augment: {pad-crop: 1}, limit: {train: 192, test: 100}}",
      with: "data: {source: idx, path: elsewhere}"
    )
    .replacingOccurrences(of: "head: gap}", with: "head: gap, input: 1x8x8, classes: 10}")
    try workspace.write(spec, to: "net.yaml")
    try interruptedRun("out", "--data", "set")
    try FileManager.default.createDirectory(atPath: path("deep"), withIntermediateDirectories: true)
    let resumed = try StrataProcess(
      ["run", "../out", "--resume"], in: workspace.url.appending(path: "deep"))
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    // Other images under the same path: the plan is stale.
    try interruptedRun("second", "--data", "set")
    let other = images(200).prefix(16) + Data(images(200).dropFirst(16).reversed())
    try other.write(to: workspace.url.appending(path: "set/train-images-idx3-ubyte"))
    let stale = try workspace.strata("run", "second", "--resume")
    #expect(stale.exitCode == 4 && stale.diagnostics.contains("the data is not what it was planned with"))
    try FileManager.default.removeItem(atPath: path("set"))
    #expect(try workspace.strata("run", "second", "--resume").exitCode == 5)
  }

  @Test("an invalid memory access ends with 70 and one line, and the run goes on afterwards")
  func internalError() throws {
    let (epochs, end) = try workspace.signalled(
      "out", SIGSEGV, epochs: 40, once: { FileManager.default.fileExists(atPath: path("out/checkpoints")) },
      arguments: { ["run", "net.yaml", "-o", "out", "--set", "training.epochs=\($0)"] })
    #expect(end.exitCode == 70)
    #expect(
      end.diagnostics.contains(
        "strata: internal error: invalid memory access; please report the command line and the spec\n"))
    #expect(try workspace.strata("run", "out", "--resume").exitCode == 0)
    try expectFinished("out", try whole(epochs: epochs), epochs: epochs)
  }

  @Test("times that are none", arguments: ["10", "m", "0s", "-1s", "1d", "1 m"])
  func times(text: String) throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--checkpoint-every", text)
    #expect(run.exitCode == 2)
    #expect(run.diagnostics.contains("a time like 90s, 10m or 2h"), "\(run.diagnostics)")
  }
}
