import Artifacts
import Foundation
import Testing
import Text

@Suite struct RunStatusTests {
  private static let plan = """
    {"schema": "strata.plan/1", "name": "net", "memory": {"a": [1, {"b": "}"}]},
     "modules": [{"index": 1, "name": "layer 1"}, {"index": 2, "name": "layers 2-3"}],
     "stages": [{"index": 1, "modules": [1, 2], "epochs": 3}, {"index": 2, "modules": [2], "epochs": 4}]}
    """
  private static let metrics = """
    {"module":1,"epoch":1,"split":"test","loss":2.5,"top1":0.25,"seconds":0.1}
    {"module":1,"epoch":1,"split":"train","loss":2.25,"top1":0.5,"seconds":0.1}
    {"module":2,"epoch":1,"split":"train","loss":null,"top1":0.125,"seconds":0.1}
    {"module":1,"epoch":2,"split":"train","loss":1.5e0,"top1":0.75,"seconds":0.1}
    {"module":1,"epoch":2,"spl
    """

  private func folder(_ files: [String: String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path).appendingPathComponent(name))
    }
    return folder
  }

  @Test("the last figures of every module, and how many epochs it has")
  func figures() throws {
    let folder = try folder(["plan.json": Self.plan, "metrics.jsonl": Self.metrics])
    let status = try RunStatus(folder: folder.path)
    #expect(status.name == "net")
    #expect(status.state == .stopped)
    #expect(status.modules.map(\.name) == ["layer 1", "layers 2-3"])
    #expect(status.modules.map(\.epochs) == [3, 7])
    #expect(status.modules[0].train == .init(epoch: 2, loss: 1.5, top1: 0.75))
    #expect(status.modules[0].test == .init(epoch: 1, loss: 2.5, top1: 0.25))
    #expect(status.modules[1].train == .init(epoch: 1, loss: nil, top1: 0.125))
    #expect(status.modules[1].test == nil)
    let text = RunStatusText(status, folder: "runs/net-1")
    #expect(
      text.text(.plain) == """
        net in runs/net-1: stopped before its end; strata run runs/net-1 --resume begins again: there is no checkpoint

        module  made of     epoch  train loss  train top1  test loss  test top1
             1  layer 1       2/3      1.5000       75.0%     2.5000      25.0%
             2  layers 2-3    1/7           -       12.5%          -          -

        """)
    #expect(JSONWriter.line(text.json).contains(#""status":"stopped","process":null"#))
  }

  @Test("a finished run's figures are its summary's, where its metrics say something else or nothing")
  func cutMetrics() throws {
    func summary(_ status: String) -> String {
      """
      {"schema": "strata.summary/1", "status": "\(status)", "modules": [
        {"index": 1, "trainLoss": 1.5, "trainTop1": 0.75, "testTop1": 0.5, "testTop5": 0.875},
        {"index": 2, "trainLoss": null, "trainTop1": 0.125, "testTop1": null},
        {"index": 7, "trainLoss": 1, "trainTop1": 1, "testTop1": 1}]}
      """
    }
    for status in ["finished", "interrupted"] {
      let folder = try folder([
        "plan.json": Self.plan, "metrics.jsonl": Self.metrics, "summary.json": summary(status),
      ])
      let found = try RunStatus(folder: folder.path)
      // The training figures agree, but for the epoch that the summary's are of.
      let epoch = status == "finished" ? 3 : 2
      #expect(found.modules[0].train == .init(epoch: epoch, loss: 1.5, top1: 0.75))
      #expect(found.modules[1].train == .init(epoch: 1, loss: nil, top1: 0.125))
      #expect(found.modules[1].test == nil)
      if status == "finished" {
        #expect(found.modules[0].test == .init(epoch: 3, loss: nil, top1: 0.5, top5: 0.875))
        #expect(found.warnings.count == 1)
        #expect(
          found.warnings.first?.message.hasPrefix("\(folder.path)/metrics.jsonl does not end with") == true)
        let history = try RunHistory(folder: folder.path)
        #expect(history.last(.testTop1, module: 1) == 0.5 && history.last(.testTop5, module: 1) == 0.875)
        #expect(history.last(.testLoss, module: 1) == nil && history.last(.trainLoss, module: 1) == 1.5)
        #expect(history.curve(.testTop1, module: 1).map(\.y) == [0.25])
      } else {
        #expect(found.modules[0].test == .init(epoch: 1, loss: 2.5, top1: 0.25))
        #expect(found.warnings.isEmpty)
      }
    }
  }

  @Test("a last epoch without a number has none, whatever the one before it had")
  func lastEpoch() throws {
    let metrics = """
      {"module":1,"epoch":1,"split":"train","loss":1.5,"top1":0.5,"seconds":0.1}
      {"module":1,"epoch":2,"split":"train","loss":null,"top1":0.25,"seconds":0.1}

      """
    let folder = try folder(["plan.json": Self.plan, "metrics.jsonl": metrics])
    let history = try RunHistory(folder: folder.path)
    #expect(history.last(.trainLoss, module: 1) == nil && history.last(.trainTop1, module: 1) == 0.25)
    #expect(history.curve(.trainLoss, module: 1).map(\.y) == [1.5])
  }

  @Test(
    "how the run ended",
    arguments: [
      ("finished", RunStatus.State.finished), ("interrupted", .interrupted), ("failed", .failed),
    ])
  func states(word: String, state: RunStatus.State) throws {
    let summary = """
      {"schema": "strata.summary/1", "status": "\(word)", "modules": [], "ensembleTop1": 0.5,
       "memory": {"plannedPeakBytes": 2048, "measuredPeakBytes": 1024, "arenaBytes": 1},
       "time": {"plannedSeconds": null, "measuredSeconds": 12.5}, "imagesPerSecond": null, "weightsSha256": "ab"}
      """
    let folder = try folder(["plan.json": Self.plan, "summary.json": summary])
    let status = try RunStatus(folder: folder.path)
    #expect(status.state == state)
    #expect(status.ensembleTop1 == 0.5 && status.measuredSeconds == 12.5 && status.imagesPerSecond == nil)
    let text = RunStatusText(status, folder: "x").text(.plain)
    #expect(text.hasPrefix("net in x: \(word)"))
    #expect(
      text.hasSuffix(
        "\ntime: 12.5 s\npeak memory: planned 2.0 KiB, measured 1.0 KiB (-50.0%)\nweights: SHA-256 ab\n"))
  }

  @Test("what goes on and what begins again")
  func checkpoints() throws {
    let folder = try folder(["plan.json": Self.plan, "summary.json": "{\"status\": \"failed\"}"])
    func words() throws -> String {
      RunStatusText(try RunStatus(folder: folder.path), folder: "a run").text(.plain)
    }
    #expect(try words().contains("strata run 'a run' --resume begins again: there is no checkpoint\n"))
    let checkpoints = URL(fileURLWithPath: folder.path).appendingPathComponent("checkpoints")
    try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
    try Data().write(to: checkpoints.appendingPathComponent("stage-1-epoch-1-step-0.safetensors.refused"))
    #expect(try words().contains("begins again"))
    try Data().write(to: checkpoints.appendingPathComponent("stage-1-epoch-1-step-0.safetensors"))
    #expect(try words().contains("--resume goes on from the last checkpoint\n"))
  }

  @Test("a run at work is seen, and left alone")
  func running() throws {
    let folder = try folder(["plan.json": Self.plan])
    let held = try RunDirectory.open(folder.path)
    #expect(try RunStatus(folder: folder.path).state == .running(process: Int(getpid())))
    _ = consume held
    #expect(try RunStatus(folder: folder.path).state == .stopped)
    // Looking took no lock.
    _ = try RunDirectory.open(folder.path)
  }

  @Test("what is no run, or broken, is told with its place")
  func faults() throws {
    let empty = try folder([:])
    #expect(throws: RunStatusError.noRun(path: empty.path)) { try RunStatus(folder: empty.path) }
    for (files, message) in [
      (["plan.json": "{\"name\": 1}"], "plan.json: at byte 9: expected '\"', found '1'"),
      (
        ["plan.json": Self.plan, "summary.json": #"{"status": "asleep"}"#],
        "summary.json: at byte 11: expected finished, interrupted or failed, found 'asleep'"
      ),
      (
        ["plan.json": Self.plan + " x"],
        "plan.json: at byte \(Self.plan.utf8.count + 1): expected nothing more, found 'x'"
      ),
      (
        ["plan.json": Self.plan, "summary.json": #"{"status": "failed"} {}"#],
        "summary.json: at byte 21: expected nothing more, found '{'"
      ),
    ] {
      let folder = try folder(files)
      do {
        _ = try RunStatus(folder: folder.path)
        Issue.record("\(message) was not found")
      } catch {
        #expect(error.message == "\(folder.path)/\(message)")
      }
      #expect(throws: RunStatusError.self, "\(message)") { try RunHistory(folder: folder.path) }
    }
  }

  @Test("damaged lines of metrics are left out, and told with their place")
  func damagedMetrics() throws {
    for (line, message) in [
      (
        #"{"module":3,"epoch":1,"split":"train"}"#,
        "line 1: at byte 0: expected a module from 1 to 2, found 3"
      ),
      (#"{"module":1,"loss":x}"#, "line 1: at byte 19: expected a number, found 'x'"),
      (
        #"{"module":1,"epoch":1,"split":"tests"}"#,
        "line 1: at byte 30: expected one of 'train', 'test', 'narrowed', 'step', found 'tests'"
      ),
      (
        #"{"module":1,"epoch":1}"#,
        "line 1: at byte 0: expected a module and an epoch from 1, and a split, found a line without"
      ),
    ] {
      let folder = try folder(["plan.json": Self.plan, "metrics.jsonl": line + "\n" + Self.metrics])
      for status in [try RunStatus(folder: folder.path), try RunHistory(folder: folder.path).status] {
        #expect(
          status.warnings.map(\.message) == [
            "\(folder.path)/metrics.jsonl, \(message): the line is left out"
          ])
        #expect(status.modules[0].train == .init(epoch: 2, loss: 1.5, top1: 0.75))
      }
    }
  }

  @Test("a spec that is not the plan's is told")
  func damagedSpec() throws {
    let plan = Self.plan.replacingOccurrences(
      of: #""name": "net","#, with: #""name": "net", "spec": {"text": "a\n"},"#)
    for (text, count) in [("a\n", 0), ("b\n", 1), ("", 1)] {
      let folder = try folder(["plan.json": plan, "spec.yaml": text])
      #expect(try RunStatus(folder: folder.path).warnings.map(\.code) == (count == 1 ? ["W041"] : []))
    }
  }

  @Test("curves of very many epochs are thinned out, and keep their ends and extremes")
  func thinned() throws {
    var lines = ""
    for epoch in 1...20_000 {
      let loss = epoch == 7777 ? 99 : 1 / Double(epoch)
      lines +=
        #"{"module":1,"epoch":\#(epoch),"split":"train","loss":\#(loss),"top1":0.5,"seconds":0.1}"# + "\n"
    }
    let folder = try folder(["plan.json": Self.plan, "metrics.jsonl": lines])
    let whole = try RunHistory(folder: folder.path).curve(.trainLoss, module: 1)
    #expect(whole.count == 20_000)
    let history = try RunHistory(folder: folder.path, isThinned: true)
    let thinned = history.curve(.trainLoss, module: 1)
    #expect(thinned.count < 1000 && history.epochCount == 20_000)
    #expect(thinned.first == whole.first && thinned.last == whole.last)
    #expect(thinned.contains { $0.x == 7777 && $0.y == 99 })
    #expect(history.last(.trainLoss, module: 1) == whole.last?.y)
  }
}
