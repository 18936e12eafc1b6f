import Foundation
import TestSupport
import Testing

/// Less memory, or fewer addresses, than a run needs: told before anything is made, never by a crash.
@Suite("Limits of memory", .serialized, .enabled(if: !Sanitizer.isOn))
struct LimitTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  /// The smallest limit, in KiB and to a MiB, under which the program says its version: programs and libraries are of other sizes
  /// elsewhere. What a run takes besides, for one worker's products alone, is more than 32 MiB.
  private static let least: Int = {
    var (less, enough) = (1024, 1 << 22)
    while enough - less > 1024 {
      let middle = (less + enough) / 2
      let folder = FileManager.default.temporaryDirectory
      let end = try? RunningStrata(["--version"], limits: "-v \(middle)", in: folder).wait()
      if end?.exitCode == 0 { enough = middle } else { less = middle }
    }
    return enough + 1024
  }()

  /// More than any command of two workers needs here.
  private static let plenty = least + 1_000_000

  /// - Parameter kibibytes: of addresses beside those that every command needs.
  private func end(_ arguments: String..., addresses kibibytes: Int) throws -> RunningStrata.End {
    let running = try RunningStrata(arguments, limits: "-v \(Self.least + kibibytes)", in: workspace.url)
    // Whoever waits for threads that can't start waits for ever.
    _ = running.wait { !running.isRunning }
    guard !running.isRunning else {
      running.send(SIGKILL)
      return try running.wait()
    }
    return try running.wait()
  }

  @Test("few addresses keep no command from ending", arguments: [16_000, 80_000, 120_000, 180_000])
  func ends(kibibytes: Int) throws {
    #expect(try end("--version", addresses: kibibytes).exitCode == 0)
    let plan = try end("plan", "net.yaml", addresses: kibibytes)
    #expect(plan.exitCode == 0, "\(plan)")
    #expect(try end("plan", "net.yaml", "--budget", "5MiB", addresses: kibibytes).exitCode == 3)
  }

  @Test("a run that the limit has no room for is refused before its folder is made")
  func refused() throws {
    let short = try end("run", "net.yaml", "-o", "out", addresses: 16_000)
    #expect(short.exitCode == 3, "\(short)")
    #expect(short.diagnostics.contains("the limit of address space (ulimit -v) leaves "), "\(short)")
    #expect(short.diagnostics.contains("--budget 90%"))
    let plan = try end("plan", "net.yaml", addresses: 16_000)
    #expect(plan.exitCode == 0 && plan.diagnostics.contains("warning[W005]: the plan's peak is "), "\(plan)")
    #expect(try workspace.names(in: ".") == ["net.yaml"])
    let dry = try end("run", "net.yaml", "--dry-run", addresses: 16_000)
    #expect(dry.exitCode == 0 && dry.diagnostics.contains("warning[W005]: the plan's peak is "), "\(dry)")
  }

  @Test(
    "whatever computes is refused with what it needs, or gets to its end",
    arguments: [20_000, 50_000, 110_000, 160_000, 180_000, 230_000, 310_000, 380_000])
  func everyCommand(kibibytes: Int) throws {
    #expect(try end("run", "net.yaml", "-o", "out", "--threads", "2", addresses: Self.plenty).exitCode == 0)
    for line in [
      ["evaluate", "out"], ["bench", "net.yaml", "--steps", "2", "--threads", "2"], ["probe", "out"],
      ["bench", "--calibrate", "--threads", "2"],
    ] {
      let running = try RunningStrata(line, limits: "-v \(Self.least + kibibytes)", in: workspace.url)
      _ = running.wait { !running.isRunning }
      try #require(!running.isRunning, "\(line) under \(kibibytes) does not end")
      let end = try running.wait()
      guard end.exitCode != 0 else { continue }
      #expect(end.exitCode == 3, "\(line) under \(kibibytes): \(end)")
      #expect(end.diagnostics.contains("the limit of address space (ulimit -v)"), "\(line): \(end)")
    }
    // The operands of all kernels are more than that, and measuring them takes too long for this test.
    if kibibytes < 150_000 {
      let kernels = try end("bench", "--threads", "2", addresses: kibibytes)
      #expect(kernels.exitCode == 3, "\(kibibytes): \(kernels)")
    }
  }

  @Test("what is not refused gets to its end, at the first limit that does")
  func edge() throws {
    // The smallest limit under which a run is begun, to a MiB.
    var (refused, begun) = (16_000, Self.plenty)
    #expect(try end("run", "net.yaml", "-o", "whole", "--threads", "2", addresses: begun).exitCode == 0)
    while begun - refused > 1024 {
      let middle = (refused + begun) / 2
      let dry = try end("run", "net.yaml", "--dry-run", "--threads", "2", addresses: middle)
      #expect(dry.exitCode == 0)
      if dry.diagnostics.contains("warning[W005]: the plan's peak is ") {
        refused = middle
      } else {
        begun = middle
      }
    }
    for threads in ["2", "1"] {
      let run = try end(
        "run", "net.yaml", "-o", "edge-\(threads)", "--threads", threads, addresses: begun + 2048)
      #expect(run.exitCode == 0, "\(begun): \(run)")
    }
    let isSame = try workspace.data("edge-2/model.safetensors") == workspace.data("whole/model.safetensors")
    #expect(isSame)
    // What the help says: a share is of what workers leave. A sixty-fourth of it stays free.
    let budget = try end(
      "run", "net.yaml", "--dry-run", "--threads", "2", "--budget", "100%",
      addresses: begun + (Self.least + begun) / 63 + 2048)
    #expect(budget.exitCode == 0, "\(budget)")
  }

  @Test("a run is not gone on with where it would be stopped")
  func resume() throws {
    #expect(try end("run", "net.yaml", "-o", "out", "--threads", "2", addresses: Self.plenty).exitCode == 0)
    try FileManager.default.removeItem(at: workspace.url.appending(path: "out/summary.json"))
    let short = try end("run", "out", "--resume", addresses: 16_000)
    #expect(short.exitCode == 3, "\(short)")
  }

  @Test("a batch of more images than there are is told")
  func largeBatch() throws {
    let plan = try workspace.strata("plan", "net.yaml", "--set", "training.batch=500")
    #expect(plan.exitCode == 0)
    #expect(
      plan.diagnostics.hasPrefix(
        "warning[W004]: the batch of 500 is larger than the 192 training images: every step has them all\n"
          + " --> --set:1:16\n"))
    #expect(try workspace.strata("plan", "net.yaml", "--set", "training.batch=192").diagnostics == "")
    let found = try workspace.strata("plan", "net.yaml", "--largest-batch", "--budget", "1GiB")
    #expect(found.exitCode == 0)
    #expect(found.output.contains("192 (all images)"), "\(found.output)")
    #expect(found.output.contains("no batch is larger than the 192 training images"))
  }
}
