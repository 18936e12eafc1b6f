import Foundation
import Testing

private struct Status: Decodable {
  struct Progress: Decodable {
    struct Module: Decodable {
      var index, epoch: Int
      var loss, top1, learningRate: Double?
    }
    struct Memory: Decodable { var plannedPeakBytes, peakBytes, residentBytes: Int }
    var host: String
    var process, stage, stages, epoch, epochs, step, steps: Int
    var modules: [Module]
    var imagesPerSecond, secondsLeft: Double?
    var seconds: Double
    var updated: String
    var memory: Memory
  }
  var status: String
  var process: Int?
  var processAlive: Bool?
  var progress: Progress?
}

/// What others see of a run while it goes on, from its folder alone.
@Suite("A run at work, from the command line", .serialized)
struct LiveRunTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec.replacing("epochs: 2", with: "epochs: 100000"), to: "net.yaml")
  }

  private func status() throws -> Status {
    let show = try workspace.strata("show", "out", "--json")
    try #require(show.exitCode == 0, "\(show.diagnostics)")
    return try JSONDecoder().decode(Status.self, from: Data(show.output.utf8))
  }

  private func file(_ name: String) -> String? { try? workspace.text("out/\(name)") }

  @Test("place, pace, time left and memory; the page reloads itself; killed, it says where it was")
  func killed() throws {
    let running = try RunningStrata(["run", "net.yaml", "-o", "out", "--threads", "1"], in: workspace.url)
    #expect(running.wait { self.file("status.json")?.contains("\"secondsLeft\": null") == false })
    let found = try status()
    #expect(found.status == "running" && found.processAlive == true)
    let progress = try #require(found.progress)
    #expect(progress.process == found.process && !progress.host.isEmpty)
    #expect(progress.stage == 1 && progress.stages == 1 && progress.epoch > 0 && progress.epochs == 100_000)
    #expect(progress.step <= progress.steps && progress.steps == 4)
    #expect(
      progress.modules.map(\.index) == [1, 2] && progress.modules.allSatisfy { $0.learningRate == 0.1 })
    #expect(progress.seconds > 0 && (progress.secondsLeft ?? 0) > 0 && (progress.imagesPerSecond ?? 0) > 0)
    #expect(progress.memory.plannedPeakBytes > 1 << 20 && progress.memory.residentBytes > 1 << 20)
    #expect(progress.updated.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d/) != nil)
    let text = try workspace.strata("show", "out").output
    for words in [
      "running (process \(progress.process) on ", "place: stage 1 of 1, epoch ", " left at this pace\n",
      "images/s, learning rate 0.1\n", "peak memory: planned ",
    ] {
      #expect(text.contains(words), "\(words): \(text)")
    }
    // The page so far, which a browser reads again; no script does it.
    #expect(
      running.wait { self.file("report.html")?.contains("<meta http-equiv=\"refresh\" content=\"") == true })
    let page = try #require(file("report.html"))
    #expect(page.contains("running: ") && page.contains("<svg") && !page.contains("<script"))

    running.send(SIGKILL)
    _ = try running.wait()
    let gone = try status()
    #expect(gone.status == "stopped" && gone.process == nil && gone.processAlive == false)
    #expect(gone.progress?.process == progress.process)
    #expect(
      try workspace.strata("show", "out").output.contains("process \(progress.process) is gone, last seen 20")
    )
  }

  @Test(
    "a run that ends by itself leaves no status, and a page that stays; its log has the time on every line")
  func ended() throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--set", "training.epochs=2")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    #expect(file("status.json") == nil)
    let page = try #require(file("report.html"))
    #expect(!page.contains("http-equiv") && page.contains("finished: "))
    let found = try status()
    #expect(found.status == "finished" && found.processAlive == false && found.progress == nil)
    let lines = try workspace.text("out/log.txt").split(separator: "\n")
    #expect(lines.count > 5)
    for line in lines {
      #expect(line.prefixMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d[ ]/) != nil, "\(line)")
    }
    #expect(try workspace.text("out/metrics.jsonl").split(separator: "\n").count == 8)

    let stopped = try RunningStrata(["run", "net.yaml", "-o", "other", "--threads", "1"], in: workspace.url)
    #expect(stopped.wait { (try? self.workspace.text("other/status.json")) != nil })
    stopped.send(SIGTERM)
    #expect(try stopped.wait().exitCode == 6)
    #expect((try? workspace.text("other/status.json")) == nil)
  }
}
