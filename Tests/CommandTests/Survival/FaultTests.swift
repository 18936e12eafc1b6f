import Foundation
import TestSupport
import Testing

/// What the system refuses while a run is at work. Whatever happens, what was kept before stays whole.
@Suite("Runs that the system fails", .serialized)
struct FaultTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private static func environment(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  private func run(_ arguments: String..., limits: String? = nil) throws -> RunningStrata.End {
    try RunningStrata(arguments, limits: limits, in: workspace.url).wait()
  }

  private func path(_ name: String) -> String { workspace.url.appending(path: name).path }

  private func expectSameWeights(_ folder: String, _ whole: String, _ place: Comment? = nil) throws {
    let isSame =
      try workspace.data("\(folder)/model.safetensors") == workspace.data("\(whole)/model.safetensors")
    #expect(isSame, place)
  }

  // The thread sanitizer keeps files of its own that would have to grow.
  @Test("files that may not grow: a clear failure, and a run to go on with", .enabled(if: !Sanitizer.isOn))
  func fileSizeLimit() throws {
    #expect(try run("run", "net.yaml", "-o", "whole").exitCode == 0)
    let checkpoint = try workspace.names(in: "whole/checkpoints").map {
      try workspace.data("whole/checkpoints/\($0)").count
    }
    // Blocks of 1,024 bytes: from less than a plan to a little less than a checkpoint.
    let largest = (checkpoint.max() ?? 0) / 1024 - 1
    let count = Self.environment("STRATA_DISK_FAULTS") ?? 3
    for number in 1...count {
      let limit = max(1, largest * number / count)
      let folder = "limited-\(number)"
      let end = try run("run", "net.yaml", "-o", folder, limits: "-f \(limit)")
      #expect(end.exitCode == 1, "limit \(limit): \(end.diagnostics)")
      #expect(end.diagnostics.contains("File too large"), "limit \(limit): \(end.diagnostics)")
      if FileManager.default.fileExists(atPath: path(folder)) {
        #expect(try run("run", folder, "--resume").exitCode == 0)
      } else {
        #expect(try run("run", "net.yaml", "-o", folder).exitCode == 0)
      }
      try expectSameWeights(folder, "whole", "limit \(limit)")
      #expect(try workspace.names(in: ".").filter { $0.hasSuffix(".tmp") } == [])
    }
  }

  /// A small file system of the test's own, where the system lets us have one.
  private static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  private func shell(_ line: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = workspace.url
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
  }

  @Test("a disk that fills up at any moment: nothing that was kept is lost", .enabled(if: canMount))
  func fullDisk() throws {
    #expect(try run("run", "net.yaml", "-o", "whole", "--set", "training.epochs=400").exitCode == 0)
    let count = Self.environment("STRATA_DISK_FAULTS") ?? 2
    var random = SplitMix64(seed: 5)
    try shell("mkdir disk && mount -t tmpfs -o size=4m none disk")
    defer { try? shell("umount disk") }
    var full = 0
    for number in 1...count {
      let running = try RunningStrata(
        [
          "run", "net.yaml", "-o", "disk/run", "--set", "training.epochs=400", "--checkpoint-every", "20ms",
        ], in: workspace.url)
      // From the first checkpoint on, and while there is a quarter of the 1,600 lines still to come.
      let lines = Int.random(in: 1...1200, using: &random)
      #expect(
        running.wait {
          let names = (try? workspace.names(in: "disk/run/checkpoints")) ?? []
          let metrics = (try? workspace.text("disk/run/metrics.jsonl")) ?? ""
          return names.contains { !$0.hasPrefix(".") } && metrics.count { $0 == "\n" } >= lines
        })
      try shell("dd if=/dev/zero of=disk/filler bs=64k")
      let end = try running.wait()
      if end.exitCode != 0 {
        full += 1
        #expect(end.exitCode == 1, "\(end.diagnostics)")
        #expect(end.diagnostics.contains("No space left on device"), "\(end.diagnostics)")
        #expect(end.diagnostics.contains("go on: strata run disk/run --resume"), "\(end.diagnostics)")
        #expect(try !workspace.names(in: "disk/run/checkpoints").isEmpty)
      }
      try shell("rm disk/filler")
      #expect(try run("run", "disk/run", "--resume").exitCode == 0)
      try expectSameWeights("disk/run", "whole", "disk fault \(number)")
      try shell("rm -r disk/run")
    }
    #expect(full > 0)
  }

  @Test("too little room on the disk is told before anything is made", .enabled(if: canMount))
  func noRoom() throws {
    try shell("mkdir disk && mount -t tmpfs -o size=64k none disk")
    defer { try? shell("umount disk") }
    let end = try run("run", "net.yaml", "-o", "disk/run")
    #expect(end.exitCode == 1)
    #expect(
      end.diagnostics.hasPrefix("error: disk/run: 64.0 KiB are free on this disk, "), "\(end.diagnostics)")
    #expect(end.diagnostics.contains("3 checkpoints of "))
    #expect(try workspace.names(in: "disk") == [])
  }

  @Test("a folder that can't be written to", .enabled(if: canMount))
  func readOnly() throws {
    try shell("mkdir disk && mount -t tmpfs -o size=4m none disk")
    defer { try? shell("umount disk") }
    #expect(try run("run", "net.yaml", "-o", "disk/run", "--set", "training.epochs=1").exitCode == 0)
    try shell("rm disk/run/summary.json; mount -o remount,ro disk")
    for arguments in [["run", "net.yaml", "-o", "disk/other"], ["run", "disk/run", "--resume"]] {
      let end = try RunningStrata(arguments, in: workspace.url).wait()
      #expect(end.exitCode == 1 && end.diagnostics.contains("Read-only file system"), "\(end)")
    }
    try shell("mount -o remount,rw disk")
    #expect(try run("run", "disk/run", "--resume").exitCode == 0)
  }

  @Test("a folder that goes away underneath: the run ends with an error that names it")
  func deletedFolder() throws {
    let running = try RunningStrata(
      ["run", "net.yaml", "-o", "gone", "--set", "training.epochs=2000", "--checkpoint-every", "20ms"],
      in: workspace.url)
    #expect(running.wait { FileManager.default.fileExists(atPath: path("gone/checkpoints")) })
    try FileManager.default.moveItem(atPath: path("gone"), toPath: path("elsewhere"))
    let end = try running.wait()
    #expect(end.exitCode == 1 && end.diagnostics.contains("No such file or directory"), "\(end)")
  }

  // MARK: - Streams

  private func shellRun(_ redirection: String, _ arguments: String) throws -> (code: Int32, text: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", "exec '\(StrataProcess.executable.path)' \(arguments) \(redirection)"]
    process.environment = StrataProcess.environment
    process.currentDirectoryURL = workspace.url
    process.standardError = output
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationReason == .exit ? process.terminationStatus : -1, text)
  }

  @Test("streams that are closed or full don't reach the files of a run")
  func streams() throws {
    #expect(try run("run", "net.yaml", "-o", "whole").exitCode == 0)
    for (number, (redirection, code)) in [
      ("2>&-", Int32(0)), ("<&- 2>&-", 0), ("2>/dev/full", 0), (">&-", 1), (">/dev/full", 1),
      (">&- 2>&- <&-", 1),
    ].enumerated() {
      let end = try shellRun(redirection, "run net.yaml -o closed-\(number)")
      #expect(end.code == code, "\(redirection): \(end)")
      try expectSameWeights("closed-\(number)", "whole", "\(redirection)")
      for name in ["plan.json", "metrics.jsonl", "log.txt", "summary.json"] {
        let text = try workspace.text("closed-\(number)/\(name)")
        #expect(!text.contains("error:") && !text.contains("epoch 1/2"), "\(redirection): \(name)")
      }
    }
  }

  @Test("a reader of the progress that has fallen asleep holds nothing up, a wish to stop is heard")
  func sleepingReader() throws {
    // A pipe that is full already, and that nobody reads.
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer {
      for end in ends { close(end) }
    }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    let zeros = [UInt8](repeating: 0, count: 4096)
    while write(ends[1], zeros, zeros.count) > 0 {}
    _ = fcntl(ends[1], F_SETFL, 0)
    let full = FileHandle(fileDescriptor: ends[1], closeOnDealloc: false)

    func start(_ arguments: [String], output: FileHandle, errors: FileHandle) throws -> Process {
      let process = Process()
      process.executableURL = StrataProcess.executable
      process.arguments = arguments
      process.environment = StrataProcess.environment
      process.currentDirectoryURL = workspace.url
      process.standardOutput = output
      process.standardError = errors
      try process.run()
      return process
    }
    let progress = try start(["run", "net.yaml", "-o", "asleep"], output: .nullDevice, errors: full)
    progress.waitUntilExit()
    #expect(progress.terminationStatus == 0)

    let result = try start(["run", "net.yaml", "-o", "stopped"], output: full, errors: .nullDevice)
    // It waits with its first line for the reader: its folder is there, and it does nothing any more.
    var (last, idle) = (-1, 0)
    while result.isRunning, idle < 50 {
      let ticks = processorTicks(of: result.processIdentifier)
      idle = ticks == last && FileManager.default.fileExists(atPath: path("stopped/plan.json")) ? idle + 1 : 0
      last = ticks
      usleep(10_000)
    }
    #expect(result.isRunning)
    kill(result.processIdentifier, SIGTERM)
    for _ in 0..<6000 where result.isRunning { usleep(10_000) }
    if result.isRunning { kill(result.processIdentifier, SIGKILL) }
    result.waitUntilExit()
    #expect(result.terminationReason == .exit && result.terminationStatus == 6)
    #expect(try run("run", "stopped", "--resume").exitCode == 0)
    try expectSameWeights("stopped", "asleep")
  }

  /// The processor's time that a process has taken, in ticks of the system's clock.
  private func processorTicks(of process: Int32) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    // Behind the name, which may hold anything: the state, and ten more numbers before the two times.
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
  }

  // MARK: - Losses

  @Test("a loss that is no number any more stops the run, and tells what there is to go back to")
  func divergence() throws {
    let end = try run(
      "run", "net.yaml", "-o", "out", "--set", "training.optimizer.learning-rate=1e6", "--set",
      "training.epochs=50", "--set", "network.batch-norm=false")
    #expect(end.exitCode == 1)
    let lines = end.diagnostics.split(separator: "\n").suffix(2)
    #expect(lines.first?.contains("are not finite in epoch") == true, "\(end.diagnostics)")
    #expect(lines.last?.contains("there is no checkpoint yet") == true, "\(end.diagnostics)")
    #expect(lines.last?.contains("learning-rate") == true)
    #expect(try workspace.text("out/summary.json").contains("\"status\": \"failed\""))
    #expect(try workspace.text("out/report.html").contains("failed:"))
  }
}
