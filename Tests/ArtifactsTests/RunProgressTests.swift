import Artifacts
import CompilerSupport
import Foundation
import Planning
import Testing
import Text

@Suite("A run at work, seen from elsewhere") struct RunProgressTests {
  private static let plan = """
    {"schema": "strata.plan/1", "name": "net", "modules": [{"index": 1, "name": "layer 1"}],
     "stages": [{"index": 1, "modules": [1], "epochs": 3}]}
    """

  private func progress(host: String, process: Int) -> RunProgress {
    RunProgress(
      host: host, process: process, started: ClockTime(seconds: 1_800_000_000),
      updated: ClockTime(seconds: 1_800_000_100), stage: 1, stageCount: 2, epoch: 3, epochCount: 50,
      step: 120,
      stepCount: 391,
      modules: [
        .init(index: 1, epoch: 3, loss: 1.25, top1: 0.5, learningRate: 0.1),
        .init(index: 2, epoch: 3, loss: nil, top1: nil, learningRate: 0.1),
      ], imagesPerSecond: 1234.4, seconds: 100, secondsLeft: 900, plannedPeakBytes: 100 << 20,
      peakBytes: 99 << 20, residentBytes: 98 << 20)
  }

  private func folder(_ progress: RunProgress?, summary: String? = nil) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(Array(Self.plan.utf8), to: "plan.json")
    if let progress { try folder.write(Array(JSONWriter.document(progress.json).utf8), to: "status.json") }
    if let summary { try folder.write(Array(summary.utf8), to: "summary.json") }
    return folder
  }

  private func text(_ folder: TemporaryFolder) throws -> String {
    RunStatusText(
      try RunStatus(folder: folder.path), folder: "runs/net-1", now: ClockTime(seconds: 1_800_000_104)
    ).text(.plain)
  }

  @Test("a killed run tells where it was; one on another machine is told as such")
  func gone() throws {
    let killed = try folder(progress(host: hostName(), process: 999_999_999))
    let status = try RunStatus(folder: killed.path)
    #expect(status.state == .stopped && status.progress == progress(host: hostName(), process: 999_999_999))
    let words = try text(killed)
    #expect(
      words.hasPrefix(
        "net in runs/net-1: stopped before its end: process 999999999 is gone, last seen 2027-01-"),
      "\(words)")
    #expect(
      words.hasSuffix(
        """

        place: stage 1 of 2, epoch 3 of 50, step 120 of 391
        time: 1:40 so far, about 15:00 left at this pace
        speed: 1,234 images/s, learning rate 0.1
        peak memory: planned 100.0 MiB, so far 99.0 MiB, now 98.0 MiB

        """), "\(words)")
    let elsewhere = try folder(progress(host: "another-host", process: 12))
    let elsewhereWords = try text(elsewhere)
    #expect(
      elsewhereWords.hasPrefix(
        "net in runs/net-1: at work on another-host (process 12) 4 s ago; "
          + "whether it still is cannot be told from this machine"), "\(elsewhereWords)")
    let json = JSONWriter.line(RunStatusText(try RunStatus(folder: elsewhere.path), folder: "x").json)
    #expect(json.contains(#""status":"elsewhere","process":null"#) && json.contains(#""processAlive":null"#))
    #expect(json.contains(#""progress":{"schema":"strata.status/1","host":"another-host","process":12,"#))
    // At work again behind its summary, and killed.
    let resumed = try folder(
      progress(host: hostName(), process: 999_999_999), summary: #"{"status": "interrupted"}"#)
    #expect(try RunStatus(folder: resumed.path).state == .stopped)
    let finished = try folder(progress(host: "h", process: 1), summary: #"{"status": "finished"}"#)
    #expect(try RunStatus(folder: finished.path).progress == nil)
  }

  @Test("of a process on this machine the memory is that of the moment")
  func alive() throws {
    let folder = try folder(progress(host: hostName(), process: Int(getpid())))
    let held = try RunDirectory.open(folder.path)
    let status = try RunStatus(folder: folder.path)
    #expect(status.state == .running(process: Int(getpid())))
    let found = try #require(status.progress)
    #expect((found.residentBytes ?? 0) > 1 << 20 && found.residentBytes != 98 << 20)
    #expect(
      try text(folder).hasPrefix(
        "net in runs/net-1: running (process \(getpid()) on \(hostName()), as of 4 s ago)\n"))
    let json = JSONWriter.line(RunStatusText(status, folder: "x").json)
    #expect(json.contains(#""processAlive":true"#))
    _ = consume held
  }

  @Test("a status of another kind is refused with its place")
  func faults() throws {
    for (text, message) in [
      ("{}", "status.json: at byte 0: expected a 'strata.status/1', found something else"),
      ("{", "status.json: at byte 1: expected '\"', found the end"),
    ] {
      let folder = try folder(nil)
      try folder.write(Array(text.utf8), to: "status.json")
      do {
        _ = try RunStatus(folder: folder.path)
        Issue.record("it was read")
      } catch {
        #expect(error.message == "\(folder.path)/\(message)")
      }
    }
  }

  @Test("times say their distance from UTC")
  func clock() throws {
    let text = ClockTime(seconds: 1_800_000_000).text
    let match = try #require(text.wholeMatch(of: /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-])(\d\d):(\d\d)/))
    let formatter = ISO8601DateFormatter()
    #expect(formatter.date(from: String(match.0))?.timeIntervalSince1970 == 1_800_000_000)
  }

  @Test(
    "what is done of a training rises with its place to all of it", arguments: ["parallel", "sequential"])
  func work(strategy: String) throws {
    let plan = try DecodedSpec(
      """
      strata: 1
      name: small
      network: {family: vgg, input: 2x6x6, widths: [4, 5]}
      training: {strategy: \(strategy), epochs: 3, batch: 16}
      """
    ).plan()
    let work = TrainingWork(plan)
    var last = -1.0
    for stage in plan.stages {
      for epoch in 1...stage.epochs {
        for step in 0...stage.stepsPerEpoch {
          let done = work.done(stage: stage.index, epoch: epoch, step: step)
          #expect(done > last)
          last = done
        }
      }
      let end = work.done(stage: stage.index, epoch: stage.epochs + 1, step: 0)
      #expect(end == work.done(stage: stage.index + 1, epoch: 1, step: 0))
    }
    #expect(work.done(stage: 1, epoch: 1, step: 0) == 0)
    #expect(work.done(stage: plan.stages.count, epoch: plan.stages.last!.epochs + 1, step: 0) == work.total)
  }
}
