import Foundation
import Testing

@Suite("Times on this machine")
struct CalibrationTests {
  private struct Plan: Decodable {
    struct Time: Decodable {
      struct Stage: Decodable { var stepSeconds, epochSeconds, seconds: Double }
      var seconds: Double
      var stages: [Stage]
    }
    struct Row: Decodable { var seconds: Double? }
    var time: Time?
    var comparison: [Row]
  }
  private struct Summary: Decodable {
    struct Time: Decodable {
      var plannedSeconds, plannedSecondsLeft: Double?
      var measuredSeconds: Double
    }
    var time: Time
  }

  @Test("a profile gives plans and runs their times, and plan files nothing")
  func calibrate() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    let cache = ["XDG_CACHE_HOME": workspace.url.appending(path: "cache").path]
    // Of two workers, however many processors there are.
    func strata(_ arguments: String..., threads: Int? = 2) throws -> StrataProcess {
      let workers = threads.map { ["--threads", "\($0)"] } ?? []
      let result = try StrataProcess(arguments + workers, environment: cache, in: workspace.url)
      #expect(result.exitCode == 0, "\(arguments): \(result.diagnostics)")
      return result
    }
    func time(_ result: StrataProcess) throws -> Plan.Time? {
      let plan = try JSONDecoder().decode(Plan.self, from: Data(result.output.utf8))
      #expect(plan.comparison.allSatisfy { ($0.seconds != nil) == (plan.time != nil) })
      return plan.time
    }
    #expect(try strata("plan", "net.yaml").output.contains("its time is unknown: strata bench --calibrate"))
    #expect(try time(strata("plan", "net.yaml", "--json", "-o", "before.plan.json")) == nil)

    _ = try strata("bench", "--calibrate")
    #expect(try workspace.names(in: "cache/strata") == ["profile.json"])
    let known = try #require(try time(strata("plan", "net.yaml", "--json", "-o", "after.plan.json")))
    #expect(known.seconds > 0 && known.stages.count == 1)
    let stage = known.stages[0]
    #expect(stage.stepSeconds > 0 && stage.epochSeconds > stage.stepSeconds && known.seconds > stage.seconds)
    #expect(try workspace.data("before.plan.json") == workspace.data("after.plan.json"))
    try workspace.write(strata("plan", "net.yaml", "--json").output, to: "printed.json")
    #expect(
      try strata("diff", "printed.json", "after.plan.json", threads: nil).output.contains(
        "the plans are equal"))
    #expect(try strata("plan", "net.yaml").output.contains("a run takes about "))
    #expect(try !strata("plan", "net.yaml", "--stages").output.contains("unknown"))
    _ = try strata("plan", "net.yaml", "--html", "net.html")
    #expect(try workspace.text("net.html").contains("of a run, by this machine"))
    // Measured with two workers; three are another machine.
    #expect(try time(strata("plan", "net.yaml", "--json", threads: 3)) == nil)

    #expect(try strata("run", "net.yaml", "-o", "out").output.contains("time: estimated "))
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    #expect(summary.time.plannedSeconds == known.seconds && summary.time.measuredSeconds > 0)
    #expect(summary.time.plannedSecondsLeft == 0)
    #expect(try workspace.text("out/log.txt").contains(" to go\n"))
  }

  @Test("without a place to keep it, a profile is not measured")
  func homeless() throws {
    let result = try StrataProcess("bench", "--calibrate")
    #expect(result.exitCode == 1 && result.diagnostics.contains("neither XDG_CACHE_HOME nor HOME is set"))
  }
}
