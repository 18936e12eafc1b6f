import Foundation
import TestSupport
import Testing

/// Runs that are ended at any moment, and go on.
///
/// `STRATA_KILLS` and `STRATA_STOPS` set how many are killed and asked to stop, `STRATA_SURVIVAL_SEED` when.
@Suite("Runs that are interrupted", .serialized)
struct SurvivalTests {
  /// What is trained, and how.
  private static let trainings: [[String]] = [
    ["training.strategy=parallel"],
    // Layers that lose channels, behind features that are kept.
    [
      "training.strategy=sequential", "memory.features=cache", "training.epochs=2",
      "data={source: digits, limit: {train: 700, test: 300}}",
      "compression={width: [12, 8, 9], epochs: 2, fine-tune: module}",
    ],
    [
      "training.strategy=asynchronous", "training.asynchronous={buffer: 3, slow: {module: 2, by: 1.3}}",
      "training.epochs=3",
    ],
    // No random augmentation: the frozen modules' features are kept, and computed again behind a kill.
    [
      "training.strategy=sequential", "memory.features=cache", "training.epochs=2",
      "data={source: digits, limit: {train: 700, test: 300}}",
    ],
    ["training.strategy=sequential", "training.epochs=2", "training.optimizer=adam"],
    ["training.strategy=end-to-end", "training.epochs=6"],
    [
      "training.strategy=parallel", "training.start={every: 1}",
      "training.optimizer={kind: sgd, nesterov: true}",
    ],
    [
      "training.strategy=parallel", "training.schedule={kind: step, every: 1, factor: 0.5}",
      "training.momentum-at-decay=drop", "training.optimizer=adam",
    ],
  ]

  private let workspace: Workspace
  private let seed = Self.environment("STRATA_SURVIVAL_SEED") ?? 1

  init() throws {
    workspace = try Workspace()
    try workspace.write(
      """
      strata: 1
      name: small
      data: {source: digits, augment: {pad-crop: 1}, limit: {train: 700, test: 300}}
      network: {family: vgg, widths: [12, 16, 16], head: gap}
      downsampling: {kind: max-pool, before: [2]}
      auxiliary: {kind: mlp-sr, convolutions: 1, hidden: 1}
      training: {epochs: 4, batch: 20}

      """, to: "net.yaml")
  }

  private static func environment(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  /// A plan within a budget that values are computed again for: how many, hangs on the number of threads that a run goes on with.
  private func tightPlan() throws -> String {
    let name = "tight.plan.json"
    guard !FileManager.default.fileExists(atPath: workspace.url.appending(path: name).path) else {
      return name
    }
    struct Document: Decodable {
      struct Memory: Decodable { var peakBytes: Int }
      struct Choices: Decodable { var recomputeAboveBytes: Int? }
      var memory: Memory
      var choices: Choices
    }
    func plan(_ arguments: String...) throws -> Document {
      let sets = ["--set", "training.strategy=end-to-end", "--set", "training.epochs=6", "--threads", "2"]
      let plan = try StrataProcess(["plan", "net.yaml", "--json"] + sets + arguments, in: workspace.url)
      try #require(plan.exitCode == 0, "\(plan.diagnostics)")
      return try JSONDecoder().decode(Document.self, from: Data(plan.output.utf8))
    }
    let natural = try plan().memory.peakBytes
    // A sixty-fourth of a budget stays free.
    let tight = try plan("--budget", "\((natural - (48 << 10)) * 64 / 63)", "-o", name)
    try #require(tight.choices.recomputeAboveBytes != nil)
    return name
  }

  private func arguments(_ training: Int, _ folder: String, threads: Int) throws -> [String] {
    let options = ["-o", folder, "--threads", "\(threads)", "--checkpoint-every", "50ms"]
    guard training > 0 else { return ["run", try tightPlan()] + options }
    return ["run", "net.yaml"] + options + Self.trainings[training - 1].flatMap { ["--set", $0] }
  }

  /// One within a budget, and those of the list.
  private static let trainingCount = 1 + trainings.count

  /// A run that nobody interrupts: what it leaves, and how long it takes.
  private struct Whole {
    var model: Data
    var metrics: [[String]]
    var seconds: Double
  }

  private func whole(_ training: Int) throws -> Whole {
    let folder = "whole-\(training)"
    let start = ContinuousClock.now
    let run = try RunningStrata(try arguments(training, folder, threads: 1), in: workspace.url)
    let end = try run.wait()
    try #require(end.exitCode == 0, "\(end.diagnostics)")
    let seconds =
      Double((ContinuousClock.now - start).components.attoseconds) * 1e-18
      + Double((ContinuousClock.now - start).components.seconds)
    return Whole(
      model: try workspace.data("\(folder)/model.safetensors"), metrics: try metrics(folder), seconds: seconds
    )
  }

  /// The members of each line, without the time.
  private func metrics(_ folder: String) throws -> [[String]] {
    try workspace.text("\(folder)/metrics.jsonl").split(separator: "\n").map { line in
      line.split(separator: ",").map { String($0) }.filter { !$0.contains("\"seconds\"") }
    }
  }

  private func expectSame(_ folder: String, _ whole: Whole, _ place: Comment) throws {
    let isSame = try workspace.data("\(folder)/model.safetensors") == whole.model
    #expect(isSame, place)
    #expect(try metrics(folder) == whole.metrics, place)
    #expect(try workspace.names(in: "\(folder)/checkpoints").filter { $0.hasSuffix(".refused") } == [], place)
    let hidden = try workspace.names(in: folder).filter { $0.hasPrefix(".") }
    #expect(hidden == [".lock"], place)
    #expect(try workspace.names(in: "\(folder)/checkpoints").count <= 2, place)
  }

  /// - Returns: false where there is no run to go on with, so early was it ended.
  private func resume(_ folder: String, threads: Int) throws -> RunningStrata.End? {
    guard FileManager.default.fileExists(atPath: workspace.url.appending(path: folder).path) else {
      return nil
    }
    return try RunningStrata(
      ["run", folder, "--resume", "--threads", "\(threads)", "--checkpoint-every", "50ms"], in: workspace.url
    ).wait()
  }

  private func sleep(_ seconds: Double) { usleep(UInt32(max(0, seconds) * 1e6)) }

  /// Waits for a moment of a run that is far from its last one, whatever the machine does beside it: so many lines of metrics
  /// are there, and a part of the time that the next one takes is over.
  private func waitInside(
    _ run: RunningStrata, _ folder: String, of whole: Whole, atLeast first: Int = 0,
    using random: inout SplitMix64
  ) {
    let last = max(first, whole.metrics.count * 3 / 4)
    let count = Int.random(in: first...last, using: &random)
    let pause = Double.random(in: 0...0.5, using: &random) * whole.seconds / Double(whole.metrics.count)
    #expect(run.wait { lineCount(folder) >= count }, "\(folder) ends before it has \(count) lines of metrics")
    sleep(pause)
  }

  /// Of the metrics that are there.
  private func lineCount(_ folder: String) -> Int {
    ((try? workspace.text("\(folder)/metrics.jsonl")) ?? "").count { $0 == "\n" }
  }

  @Test("killed at random moments, they come to the same weights and metrics")
  func kills() throws {
    let count = Self.environment("STRATA_KILLS") ?? 3
    var random = SplitMix64(seed: UInt64(seed))
    var wholes: [Int: Whole] = [:]
    var (killed, resumed) = (0, 0)
    for number in 0..<count {
      let training = number % Self.trainingCount
      let whole = try wholes[training] ?? whole(training)
      wholes[training] = whole
      let folder = "killed-\(number)"
      let place: Comment = "kill \(number) of seed \(seed), training \(training)"
      let run = try RunningStrata(try arguments(training, folder, threads: 1 + number % 3), in: workspace.url)
      if number % 4 == 3 {
        // At any moment, before the folder is there too.
        sleep(Double.random(in: 0...1, using: &random) * whole.seconds)
      } else {
        waitInside(run, folder, of: whole, atLeast: 1, using: &random)
      }
      run.send(SIGKILL)
      if try run.wait().exitCode == nil { killed += 1 }
      // One in two is killed again while it goes on.
      if Bool.random(using: &random),
        FileManager.default.fileExists(atPath: workspace.url.appending(path: folder).path)
      {
        let again = try RunningStrata(
          ["run", folder, "--resume", "--checkpoint-every", "50ms"], in: workspace.url)
        waitInside(again, folder, of: whole, atLeast: lineCount(folder), using: &random)
        again.send(SIGKILL)
        if try again.wait().exitCode == nil { killed += 1 }
      }
      var end = try resume(folder, threads: 1 + (number + 1) % 3)
      if end == nil {
        // Killed before the folder was there: it begins again, in a parent without leftovers.
        end = try RunningStrata(try arguments(training, folder, threads: 2), in: workspace.url).wait()
      } else {
        resumed += 1
      }
      #expect(end?.exitCode == 0, "\(place): \(end?.diagnostics ?? "")")
      try expectSame(folder, whole, place)
    }
    #expect(try workspace.names(in: ".").filter { $0.hasSuffix(".tmp") } == [])
    #expect(killed > 0 && resumed > 0)
    print("killed \(killed) times, \(count) runs, \(resumed) of them resumed, all to the same weights")
  }

  @Test("asked to stop at random moments, they write a checkpoint and exit with 6, in time")
  func stops() throws {
    let count = Self.environment("STRATA_STOPS") ?? 2
    var random = SplitMix64(seed: UInt64(1000 + seed))
    var wholes: [Int: Whole] = [:]
    var interrupted = 0
    var slowest = 0.0
    for number in 0..<count {
      let training = number % Self.trainingCount
      let whole = try wholes[training] ?? whole(training)
      wholes[training] = whole
      let folder = "stopped-\(number)"
      let place: Comment = "stop \(number) of seed \(seed), training \(training)"
      let run = try RunningStrata(try arguments(training, folder, threads: 2), in: workspace.url)
      // Before its folder is there a run has nothing to keep.
      #expect(run.wait { FileManager.default.fileExists(atPath: workspace.url.appending(path: folder).path) })
      waitInside(run, folder, of: whole, using: &random)
      let signal = [SIGTERM, SIGINT][number % 2]
      run.send(signal)
      let start = ContinuousClock.now
      let end = try run.wait()
      let elapsed = ContinuousClock.now - start
      slowest = max(
        slowest, Double(elapsed.components.attoseconds) * 1e-18 + Double(elapsed.components.seconds))
      // A second at the most, but for a machine that is busy with other things.
      #expect(elapsed < .seconds(60), place)
      #expect(end.exitCode == 6 || end.exitCode == 0, "\(place): \(end.diagnostics)")
      if end.exitCode == 6 {
        interrupted += 1
        #expect(end.output.hasSuffix("go on: strata run \(folder) --resume\n"), place)
        #expect(try workspace.text("\(folder)/summary.json").contains("\"status\": \"interrupted\""), place)
        #expect(try !workspace.names(in: "\(folder)/checkpoints").isEmpty, place)
      }
      let resumed = try resume(folder, threads: 1)
      #expect(resumed?.exitCode == 0, "\(place): \(resumed?.diagnostics ?? "")")
      try expectSame(folder, whole, place)
    }
    #expect(interrupted > 0)
    print("stopped \(interrupted) of \(count) runs, the slowest within \(slowest) s")
  }

  @Test("stopped while a stage's features are made, they keep the end of the stage before")
  func stopsWhileFeaturesAreMade() throws {
    // Features that take far longer than it takes to see that they are begun.
    try workspace.write(
      """
      strata: 1
      name: features
      data: {source: synthetic, limit: {train: 20000, test: 100}}
      network: {family: vgg, input: 3x32x32, classes: 10, widths: [4, 4], kernel: [7, 3]}
      downsampling: {kind: average-pool, before: [1]}
      training: {strategy: sequential, epochs: 1, batch: 100}
      memory: {features: cache}

      """, to: "features.yaml")
    let run = try RunningStrata(["run", "features.yaml", "-o", "features"], in: workspace.url)
    #expect(
      run.wait {
        FileManager.default.fileExists(atPath: workspace.url.appending(path: "features/features.bin").path)
      })
    run.send(SIGTERM)
    let end = try run.wait()
    #expect(end.exitCode == 6, "\(end.diagnostics)")
    #expect(try workspace.names(in: "features/checkpoints") == ["stage-1-epoch-2-step-0.safetensors"])
    let resumed = try resume("features", threads: 2)
    #expect(resumed?.exitCode == 0 && resumed?.diagnostics.contains("refused") == false)
  }
}
