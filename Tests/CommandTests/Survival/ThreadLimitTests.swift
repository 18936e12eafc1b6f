import Foundation
import TestSupport
import Testing

/// How many workers there are, and what happens where the system does not start them.
@Suite("Limits of threads", .serialized, .enabled(if: !Sanitizer.isOn))
struct ThreadLimitTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private struct Document: Decodable { var threads: Int }

  /// The first of the processors that there are here, which need not be the machine's first.
  private static let onOne = "taskset -c \(StrataProcess.processors.first ?? 0)"

  @Test("without --threads there is one worker for each processor that the process may use")
  func affinity() throws {
    let bound = try StrataProcess.shell("\(Self.onOne) strata plan net.yaml --json", in: workspace.url)
    try #require(bound.exitCode == 0, "\(bound.diagnostics)")
    #expect(try JSONDecoder().decode(Document.self, from: Data(bound.output.utf8)).threads == 1)
    let kept = try StrataProcess.shell(
      "\(Self.onOne) strata plan net.yaml -o net.plan.json", in: workspace.url)
    #expect(kept.exitCode == 0)
    // As kept, wherever it runs.
    #expect(try workspace.decode(Document.self, "net.plan.json").threads == 1)
    let run = try workspace.strata("run", "net.plan.json", "-o", "out")
    #expect(run.exitCode == 0)
    #expect(try workspace.decode(Document.self, "out/plan.json").threads == 1)
  }

  @Test("more workers than processors work, with a warning, and come to the same weights")
  func many() throws {
    let one = try workspace.strata("run", "net.yaml", "-o", "one", "--threads", "1")
    #expect(one.exitCode == 0 && !one.diagnostics.contains("W040"))
    let many = try StrataProcess.shell(
      "\(Self.onOne) strata run net.yaml -o many --threads 16", in: workspace.url)
    #expect(many.exitCode == 0)
    #expect(
      many.diagnostics.contains("warning[W040]: 16 workers share the 1 processor"), "\(many.diagnostics)")
    let isSame = try workspace.data("one/model.safetensors") == workspace.data("many/model.safetensors")
    #expect(isSame)
  }

  /// The superuser's processes are not counted, and another user may be kept from the program, or from the folder that it lies in.
  private static let canLimit: Bool = {
    guard let workspace = try? Workspace() else { return false }
    return (try? run("--version", processes: nil, in: workspace))?.exitCode == 0
  }()

  /// Runs the program as a user that may have so many processes and threads, killed after five minutes.
  private static func run(_ line: String, processes: Int?, in workspace: Workspace) throws -> StrataProcess {
    // Where this user cannot reach the program that was built, a copy of it.
    let program = workspace.url.appending(path: "strata")
    if !FileManager.default.fileExists(atPath: program.path) {
      try FileManager.default.copyItem(at: StrataProcess.executable, to: program)
    }
    let other = geteuid() == 0 ? "setpriv --reuid=nobody --regid=nogroup --clear-groups " : ""
    let limit = processes.map { "prlimit --nproc=\($0):\($0) " } ?? ""
    return try StrataProcess.shell(
      "chmod -R a+rwX .; HOME=\"$PWD\" timeout 300 \(other)\(limit)./strata \(line)",
      in: workspace.url)
  }

  @Test(
    "refused threads are told with how many there could be",
    .enabled(if: canLimit, "no other user can run the program here, whose threads would be counted"))
  func refused() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out", "--threads", "8").exitCode == 0)
    for line in [
      "run net.yaml -o more --threads 8", "bench --threads 8", "bench net.yaml --threads 8",
      "bench --calibrate --threads 8", "evaluate out", "probe out --learners nearest",
    ] {
      let end = try Self.run(line, processes: 1, in: workspace)
      #expect(end.exitCode == 1, "\(line): \(end)")
      #expect(end.diagnostics.contains("error: the system starts 1 of 8 workers: "), "\(line): \(end)")
      #expect(end.diagnostics.contains("pass --threads 1, or raise"), "\(line): \(end)")
    }
    // Nothing is made for a run that is not begun.
    #expect(!FileManager.default.fileExists(atPath: workspace.url.appending(path: "more").path))
    for line in [
      "run net.yaml -o more --threads 1", "evaluate out --threads 1", "check net.yaml", "--version",
    ] {
      let end = try Self.run(line, processes: 1, in: workspace)
      #expect(end.exitCode == 0, "\(line): \(end)")
    }
    let isSame = try workspace.data("out/model.safetensors") == workspace.data("more/model.safetensors")
    #expect(isSame)
  }
}
