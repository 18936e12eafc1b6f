import Foundation
import TestSupport
import Testing

private struct Summary: Decodable {
  struct Memory: Decodable {
    var plannedPeakBytes, measuredPeakBytes, deviationBytes, toleranceBytes: Int
    var asPlanned: Bool
  }
  var status: String
  var memory: Memory
}

/// The plan's peak against the process's own.
@Suite("Planned and measured peak", .enabled(if: !Sanitizer.isOn))
struct StrictMemoryTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  /// Specs whose memory is in different places: activations, parameters and the products' buffers, the data set, scratch of
  /// several workers, the programs of many stages.
  static let settings: [[String]] = [
    [],
    ["training.strategy=sequential"],
    ["training.strategy=end-to-end", "network.widths=[64, 128]"],
    ["network.widths=[512, 512]", "training.batch=8"],
    ["network.widths=[8, 8, 8, 8, 8, 8, 8, 8]", "training.strategy=sequential", "training.epochs=1"],
    ["data.source=synthetic", "network.input=3x64x64", "network.classes=10", "training.batch=16"],
  ]

  @Test("the peak is what was planned", arguments: settings)
  func peak(settings: [String]) throws {
    var arguments = ["run", "net.yaml", "-o", "out", "--strict-memory"]
    for setting in settings { arguments += ["--set", setting] }
    let run = try StrataProcess(arguments, in: workspace.url)
    let memory = try workspace.decode(Summary.self, "out/summary.json").memory
    #expect(memory.deviationBytes == memory.measuredPeakBytes - memory.plannedPeakBytes)
    #expect(memory.toleranceBytes == max(memory.plannedPeakBytes / 20, 4 << 20))
    #expect(memory.asPlanned == (abs(memory.deviationBytes) <= memory.toleranceBytes))
    #if DEBUG
      // Unoptimised code is larger, and so are its heaps.
      #expect(
        memory.deviationBytes >= -memory.toleranceBytes && memory.deviationBytes <= 16 << 20,
        "\(memory.deviationBytes) bytes beside \(memory.plannedPeakBytes)")
    #else
      #expect(run.exitCode == 0, "\(run.diagnostics)")
      #expect(memory.asPlanned)
    #endif
  }

  #if DEBUG
    private static let isOptimized = false
  #else
    private static let isOptimized = true
  #endif

  /// Networks whose memory is the programs themselves.
  @Test(
    "the programs of many stages take what was planned for them", .enabled(if: isOptimized),
    arguments: [
      ["training.strategy=sequential", "network.widths=[{width: 4, repeat: 80}]"],
      [
        "training.strategy=sequential", "network.widths=[{width: 4, repeat: 40}]",
        "compression={width: [\(Array(repeating: "2", count: 40).joined(separator: ", "))], epochs: 1, fine-tune: module}",
      ],
      ["training.strategy=parallel", "network.widths=[{width: 4, repeat: 120}]"],
    ])
  func programs(settings: [String]) throws {
    try workspace.write(
      """
      strata: 1
      name: deep
      data: {source: synthetic, limit: {train: 32, test: 16}}
      network: {family: vgg, input: 1x4x4, classes: 10, widths: [4]}
      training: {epochs: 1, batch: 16}

      """, to: "deep.yaml")
    let sets = settings.flatMap { ["--set", $0] }
    let run = try StrataProcess(
      ["run", "deep.yaml", "-o", "out", "--strict-memory"] + sets, in: workspace.url)
    #expect(run.exitCode == 0, "\(run.diagnostics)")
  }

  @Test("figures of long runs are not kept in memory")
  func longRuns() throws {
    try workspace.write(
      """
      strata: 1
      name: long
      data: {source: synthetic, limit: {train: 8, test: 4}}
      network: {family: vgg, input: 1x2x2, classes: 2, widths: [2, 2, 2]}
      training: {strategy: parallel, batch: 8}

      """, to: "long.yaml")
    func peak(epochs: Int) throws -> Int {
      let folder = "epochs-\(epochs)"
      let run = try workspace.strata("run", "long.yaml", "-o", folder, "--set", "training.epochs=\(epochs)")
      #expect(run.exitCode == 0, "\(run.diagnostics)")
      // The curves of all epochs are in the page, in as many points as can be told apart.
      #expect(try workspace.data("\(folder)/report.html").count < 250_000)
      return try workspace.decode(Summary.self, "\(folder)/summary.json").memory.measuredPeakBytes
    }
    let (short, long) = (try peak(epochs: 10), try peak(epochs: 2500))
    #expect(long - short < 1 << 20, "\(short), then \(long)")
  }

  @Test("four workers on fewer processors use what was planned for them")
  func workers() throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--threads", "4")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let memory = try workspace.decode(Summary.self, "out/summary.json").memory
    #expect(memory.deviationBytes >= -memory.toleranceBytes)
  }

  /// Whether a process may have a stack as large as it likes.
  private static let canHaveAnyStack: Bool = {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit) == 0 && limit.rlim_max == .max
  }()

  @Test(
    "a peak that is not the planned one fails the run, which stays whole", .enabled(if: canHaveAnyStack))
  func unplannedMemory() throws {
    let run = try overfull("-o out")
    #expect(run.exitCode == 1 && run.output.contains("weights, metrics and plan are in out"))
    #expect(
      run.diagnostics.contains("above the planned one; '--strict-memory' allows 4.0 MiB"),
      "\(run.diagnostics)")
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    #expect(summary.status == "finished" && !summary.memory.asPlanned)
    #expect(summary.memory.deviationBytes > 4 << 20)
    #expect(try workspace.strata("evaluate", "out").exitCode == 0)
    // Programs get one document, that of the failure.
    struct Failure: Decodable {
      var schema: String
      var exitCode: Int
    }
    let told = try JSONDecoder().decode(Failure.self, from: Data(try overfull("-o json --json").output.utf8))
    #expect(told.schema == "strata.error/1" && told.exitCode == 1)
  }

  /// A run on whose stack 5 MiB of environment lie, which nobody plans.
  private func overfull(
    _ arguments: String
  ) throws -> (exitCode: Int32, output: String, diagnostics: String) {
    let script = """
      ulimit -s unlimited || exit 99
      block=$(head -c 130000 /dev/zero | tr '\\0' x)
      for number in $(seq 46); do export "BLOCK_$number=$block"; done
      exec "$0" run net.yaml \(arguments) --strict-memory
      """
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script, StrataProcess.executable.path]
    process.environment = StrataProcess.environment
    process.currentDirectoryURL = workspace.url
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let diagnostics = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text, diagnostics)
  }
}
