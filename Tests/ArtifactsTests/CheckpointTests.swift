import Artifacts
import Base
import CompilerSupport
import Execution
import Foundation
import Operators
import Planning
import TestSupport
import Testing

/// A folder with a plan, an engine full of numbers, and checkpoints of them.
private final class Run {
  let temporary: TemporaryFolder
  let folder: RunDirectory
  let plan: Plan
  let engine: Engine
  let identity = RunIdentity(specSHA256: "spec", layoutSHA256: "layout", dataFingerprint: "data")

  init() throws {
    temporary = try TemporaryFolder()
    folder = try RunDirectory.create(
      at: temporary.path + "/run", files: [.init(name: "plan.json", text: "{}")])
    let spec = try DecodedSpec(
      """
      strata: 1
      name: small
      network: {family: vgg, input: 2x6x6, widths: [4, 5]}
      training: {strategy: sequential, epochs: 3, batch: 16, optimizer: adam}
      """)
    plan = try spec.plan(images: 40)
    engine = try Engine(plan.memoryMap)
  }

  var checkpoints: String { temporary.path + "/run/checkpoints" }

  func position(stage: Int, epoch: Int, step: Int = 0) -> RunPosition {
    let module = plan.stages[stage - 1].schedule.modules[0].index
    let images = min(16 * step, 40)
    let sums = MetricSums(
      module: module, loss: 0.1 + Double(step), top1Count: step, top5Count: 2 * step, imageCount: images)
    return RunPosition(
      stage: stage, epoch: epoch, step: step, sums: step > 0 ? [sums] : [], seconds: step > 0 ? 1.5 : 0)
  }

  func checkpoint(_ position: RunPosition) throws -> Checkpoint {
    var totals = RunTotals()
    totals.seconds = 12.25
    totals.trainedImages = 80
    return Checkpoint(
      identity: identity, position: position, metrics: MetricsMark(of: try folder.metricsLines()),
      totals: totals, arithmetic: "OpenBLAS \"0.3\"")
  }

  /// Fills the engine with numbers of a seed, not all of them finite, and writes them.
  func write(_ position: RunPosition, seed: UInt64) throws {
    fill(seed: seed)
    try folder.writeCheckpoint(checkpoint(position), of: plan.stages[position.stage - 1], from: engine)
  }

  func fill(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for entry in plan.stages[1].resident.entries {
      engine.withMutableBytes(of: entry) { bytes in
        bytes.withUnsafeMutableBytes {
          // Any finite numbers: the highest bit of the exponent is in every fourth byte.
          for index in $0.indices {
            $0[index] = UInt8.random(in: 0...255, using: &random) & (index % 4 == 3 ? 0xBF : 0xFF)
          }
        }
      }
    }
  }

  func numbers(_ stage: Int) -> [[UInt8]] {
    plan.stages[stage - 1].resident.entries.map { entry in
      engine.withBytes(of: entry) { span in span.withUnsafeBytes { [UInt8]($0) } }
    }
  }

  func restore() throws -> RunDirectory.Restored { try folder.restore(plan, identity, into: engine) }
}

@Suite struct CheckpointTests {
  @Test("what was written comes back to the bit, and its size is the planned one")
  func roundTrip() throws {
    let run = try Run()
    for (stage, position) in [
      (1, run.position(stage: 1, epoch: 2, step: 3)), (2, run.position(stage: 2, epoch: 4)),
    ] {
      try run.folder.appendMetrics(["stage": .integer(stage)])
      try run.write(position, seed: UInt64(stage))
      let written = run.numbers(stage)
      let expected = try run.checkpoint(position)
      run.fill(seed: 99)
      let restored = try run.restore()
      var found = try #require(restored.checkpoint)
      #expect(found.arithmetic == "OpenBLAS 0.3")
      found.arithmetic = expected.arithmetic
      #expect(found == expected && restored.refused.isEmpty)
      let isSame = run.numbers(stage) == written
      #expect(isSame)
      let name = "stage-\(stage)-epoch-\(position.epoch)-step-\(position.step).safetensors"
      let byteCount = try run.temporary.bytes("run/checkpoints/\(name)").count
      #expect(byteCount == run.plan.stages[stage - 1].checkpointByteCount)
    }
    #expect(run.plan.checkpointByteCount >= run.plan.stages[1].checkpointByteCount)
  }

  @Test("of a plan that computes values again, they are read with any number of threads")
  func otherThreads() throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: two-layers
      network: {family: vgg, input: 3x32x32, classes: 10, widths: [16, 16, 16, 12], head: gap}
      downsampling: {kind: max-pool, before: [4]}
      training: {strategy: parallel, partition: {cuts: [4]}, batch: 32}
      """)
    func plan(threads: Int, limit: Int?) throws -> Plan {
      var choices = PlanChoices()
      choices.recomputeAboveBytes = limit
      return try spec.plan(threads: threads, choices: choices)
    }
    func updates(_ plan: Plan) -> [String] {
      let graph = plan.stages[0].training.graph
      return graph.nodes.compactMap { node in
        node.op.is(Update.self) ? graph[node.operands[0]].name : nil
      }
    }
    let most = try plan(threads: 1, limit: nil).arenaBytes
    // Where they update in another order.
    let limit = try #require(
      try (30...120).map { most * $0 / 100 }.first { limit in
        try updates(plan(threads: 1, limit: limit)) != updates(plan(threads: 64, limit: limit))
      })
    let (first, second) = (try plan(threads: 1, limit: limit), try plan(threads: 64, limit: limit))
    let (engine, other) = (try Engine(first.memoryMap), try Engine(second.memoryMap))
    engine.initialize(
      first.stages[0].schedule.indices, in: first.stages[0].resident, seed: first.training.seed)
    for (index, entry) in first.stages[0].resident.entries.enumerated() {
      engine.withMutableBytes(of: entry) { bytes in
        bytes.withUnsafeMutableBytes { $0[0] = UInt8(index % 256) }
      }
    }
    let temporary = try TemporaryFolder()
    let checkpoint = Checkpoint(
      identity: RunIdentity(specSHA256: "", layoutSHA256: "", dataFingerprint: ""),
      position: RunPosition(stage: 1, epoch: 2), metrics: MetricsMark(of: []),
      totals: RunTotals(), arithmetic: "")
    let folder = try FolderDescriptor(path: temporary.path)
    let name = "checkpoint.safetensors"
    try CheckpointFile(of: first.stages[0]).write(checkpoint, from: engine, to: name, in: folder)
    try CheckpointFile(of: second.stages[0]).read(into: other, from: name, in: folder)
    func bytes(_ engine: Engine, _ plan: Plan) -> [String: [UInt8]] {
      Dictionary(
        uniqueKeysWithValues: plan.stages[0].resident.entries.map { entry in
          (entry.value.name, engine.withBytes(of: entry) { span in span.withUnsafeBytes { [UInt8]($0) } })
        })
    }
    let isSame = bytes(engine, first) == bytes(other, second)
    #expect(isSame)
  }

  @Test("the last two stay")
  func pruning() throws {
    let run = try Run()
    for (epoch, step) in [(1, 2), (2, 0), (2, 1), (10, 3)] where epoch <= 3 || step > 0 {
      try run.write(run.position(stage: 1, epoch: min(epoch, 3), step: step), seed: 1)
    }
    #expect(
      try run.temporary.names(in: "run/checkpoints") == [
        "stage-1-epoch-2-step-1.safetensors", "stage-1-epoch-3-step-3.safetensors",
      ])
    try run.write(run.position(stage: 2, epoch: 1, step: 1), seed: 1)
    #expect(
      try run.temporary.names(in: "run/checkpoints") == [
        "stage-1-epoch-3-step-3.safetensors", "stage-2-epoch-1-step-1.safetensors",
      ])
  }

  @Test("two stay where a killed process left three")
  func threeLeft() throws {
    let run = try Run()
    for epoch in 2...4 {
      try run.write(run.position(stage: 1, epoch: epoch), seed: 1)
      let name = "stage-1-epoch-\(epoch)-step-0.safetensors"
      try run.temporary.write(try run.temporary.bytes("run/checkpoints/\(name)"), to: name)
    }
    try FileManager.default.copyItem(
      atPath: run.temporary.path + "/stage-1-epoch-2-step-0.safetensors",
      toPath: run.checkpoints + "/stage-1-epoch-2-step-0.safetensors")
    #expect(try run.temporary.names(in: "run/checkpoints").count == 3)
    #expect(try run.restore().checkpoint?.position.epoch == 4)
    #expect(
      try run.temporary.names(in: "run/checkpoints") == [
        "stage-1-epoch-3-step-0.safetensors", "stage-1-epoch-4-step-0.safetensors",
      ])
  }

  @Test("metrics behind the checkpoint are taken back, torn lines and leftovers are removed")
  func metrics() throws {
    let run = try Run()
    try run.folder.appendMetrics(["epoch": 1])
    try run.write(run.position(stage: 1, epoch: 2), seed: 1)
    try run.folder.appendMetrics(["epoch": 2])
    try run.temporary.write(
      try run.temporary.bytes("run/metrics.jsonl") + Array("{\"ep".utf8), to: "run/metrics.jsonl")
    try run.temporary.write([1, 2, 3], to: "run/checkpoints/.stage-1-epoch-3-step-0.safetensors.99-0.tmp")
    try run.temporary.write([1, 2, 3], to: "run/.summary.json.99-0.tmp")
    #expect(try run.restore().checkpoint?.position.epoch == 2)
    #expect(try run.temporary.text("run/metrics.jsonl") == "{\"epoch\":1}\n")
    #expect(try run.temporary.names(in: "run/checkpoints") == ["stage-1-epoch-2-step-0.safetensors"])
    let hidden = try run.temporary.names(in: "run").filter { $0.hasPrefix(".") }
    #expect(hidden == [".lock"])
  }

  @Test("no checkpoint: from the beginning, without metrics")
  func none() throws {
    let run = try Run()
    try run.folder.appendMetrics(["epoch": 1])
    let restored = try run.restore()
    #expect(restored.checkpoint == nil && restored.refused.isEmpty)
    #expect(try run.folder.metricsLines().isEmpty)
  }

  /// Every byte of a file is covered by a checksum or by the format's own grammar.
  @Test("one changed byte anywhere: the one before is used")
  func everyByte() throws {
    let run = try Run()
    try run.write(run.position(stage: 1, epoch: 2), seed: 1)
    let before = run.numbers(1)
    try run.write(run.position(stage: 1, epoch: 2, step: 2), seed: 2)
    let name = "run/checkpoints/stage-1-epoch-2-step-2.safetensors"
    let whole = try run.temporary.bytes(name)
    var random = SplitMix64(seed: 7)
    // All bytes of the header take long without optimisation; its ends and a sample in between do not.
    let places =
      Array(0..<64) + (0..<150).map { _ in Int.random(in: 0..<whole.count, using: &random) }
      + [whole.count - 1]
    for place in places {
      var damaged = whole
      damaged[place] ^= UInt8.random(in: 1...255, using: &random)
      try run.temporary.write(damaged, to: name)
      let restored = try run.restore()
      #expect(restored.checkpoint?.position.step == 0, "byte \(place)")
      #expect(restored.refused.count == 1, "byte \(place)")
      #expect(restored.refused.allSatisfy { $0.contains("stage-1-epoch-2-step-2.safetensors") })
      let isSame = run.numbers(1) == before
      #expect(isSame, "byte \(place)")
      #expect(try run.temporary.names(in: "run/checkpoints").contains { $0.hasSuffix(".refused") })
    }
    for count in [0, 7, 8, 9, 500, whole.count / 2, whole.count - 1] {
      try run.temporary.write(Array(whole[..<count]), to: name)
      #expect(try run.restore().checkpoint?.position.step == 0, "cut to \(count) bytes")
    }
    try run.temporary.write(whole + [0], to: name)
    #expect(try run.restore().checkpoint?.position.step == 0)
    try run.temporary.write(whole, to: name)
    #expect(try run.restore().checkpoint?.position.step == 2)
  }

  @Test(
    "one that is no file gives way to the one before; without another nothing is changed",
    arguments: ["link to itself", "link", "folder", "pipe"])
  func unreadable(kind: String) throws {
    let run = try Run()
    for epoch in 2...3 {
      try run.folder.appendMetrics(["epoch": .integer(epoch - 1)])
      try run.write(run.position(stage: 1, epoch: epoch), seed: 1)
    }
    try run.folder.appendMetrics(["epoch": 3])
    let names = (2...3).map { "stage-1-epoch-\($0)-step-0.safetensors" }
    func replace(_ name: String) throws {
      let path = run.checkpoints + "/" + name
      try FileManager.default.moveItem(atPath: path, toPath: run.temporary.path + "/" + name)
      switch kind {
      case "link to itself":
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: name)
      case "link":
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "../../" + name)
      case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      case _: #expect(mkfifo(path, 0o600) == 0)
      }
    }
    try replace(names[1])
    let finite = try run.folder.lastFiniteCheckpoint(run.plan, run.identity, using: run.engine)
    #expect(finite == nil || finite?.hasSuffix(names[0]) == true)
    let restored = try run.restore()
    #expect(restored.checkpoint?.position.epoch == 2 && restored.lostMetrics == nil)
    #expect(restored.refused.count == 1 && restored.refused[0].contains(names[1]), "\(restored.refused)")
    #expect(try run.temporary.names(in: "run/checkpoints") == [names[0], names[1] + ".refused"])
    #expect(try run.folder.metricsLines().count == 1)

    try replace(names[0])
    #expect(throws: FileError.self) { _ = try run.restore() }
    #expect(try run.temporary.names(in: "run/checkpoints") == [names[0], names[1] + ".refused"])
    #expect(try run.folder.metricsLines().count == 1)
  }

  @Test("of a run that moved more often than there is room for, the last arithmetic stays")
  func arithmetic() throws {
    let run = try Run()
    var checkpoint = try run.checkpoint(run.position(stage: 1, epoch: 2))
    #expect(checkpoint.isOf(arithmetic: "OpenBLAS \"0.3\""))
    checkpoint.arithmetic = (1...20).map { "OpenBLAS 0.3.\($0) Zen" }.joined(separator: "; then ")
    run.fill(seed: 1)
    try run.folder.writeCheckpoint(checkpoint, of: run.plan.stages[0], from: run.engine)
    let found = try #require(try run.restore().checkpoint)
    #expect(found.arithmetic.utf8.count == 240)
    #expect(found.isOf(arithmetic: "OpenBLAS 0.3.20 Zen") && !found.isOf(arithmetic: "OpenBLAS 0.3.1 Zen"))
  }

  @Test("foreign ones are refused, with the reason")
  func foreign() throws {
    let run = try Run()
    func refusal(_ change: (inout RunIdentity) -> Void) throws -> String {
      var identity = run.identity
      change(&identity)
      try run.write(run.position(stage: 1, epoch: 2), seed: 1)
      let restored = try run.folder.restore(run.plan, identity, into: run.engine)
      #expect(restored.checkpoint == nil && restored.refused.count == 1)
      return String(restored.refused.joined().split(separator: "/").last ?? "")
    }
    let name = "stage-1-epoch-2-step-0.safetensors: not of this run:"
    #expect(try refusal { $0.specSHA256 = "x" } == "\(name) its spec is another one")
    #expect(try refusal { $0.layoutSHA256 = "x" } == "\(name) its plan is another one")
    #expect(try refusal { $0.dataFingerprint = "x" } == "\(name) its data is another one")
    // Under the name of another moment.
    try run.write(run.position(stage: 1, epoch: 2), seed: 1)
    try run.temporary.write(
      try run.temporary.bytes("run/checkpoints/stage-1-epoch-2-step-0.safetensors"),
      to: "run/checkpoints/stage-1-epoch-3-step-0.safetensors")
    let restored = try run.restore()
    #expect(restored.checkpoint?.position.epoch == 2 && restored.refused.count == 1)
  }

  private static func line(_ epoch: Int, loss: String = "1.5") -> String {
    #"{"module":1,"epoch":\#(epoch),"split":"train","loss":\#(loss),"top1":0.5,"seconds":0.1}"#
  }

  @Test("the checkpoint decides: metrics that are damaged or missing are told, and cost no epoch")
  func lostMetrics() throws {
    let lines = (1...4).map { Self.line($0) }
    for (text, kept, keptCount) in [
      // A byte of the format, a figure, the end of a line, the end of the line before the checkpoint.
      (lines.joined(separator: "\n").replacingOccurrences(of: #""epoch":2"#, with: #""epoch"2"#), [1, 3], 2),
      (([Self.line(1, loss: "9.5")] + lines[1...]).joined(separator: "\n"), [1, 2, 3], 3),
      (lines[0] + "x" + lines[1...].joined(separator: "\n"), [3], 1),
      (lines[..<3].joined(separator: "\n") + "x" + lines[3], [1, 2], 2),
      (lines[..<2].joined(separator: "\n"), [1, 2], 2),
      ("", [], 0),
    ] as [(String, [Int], Int)] {
      let run = try Run()
      for epoch in 1...3 {
        try run.folder.appendMetrics([
          "module": 1, "epoch": .integer(epoch), "split": "train", "loss": 1.5, "top1": 0.5, "seconds": 0.1,
        ])
      }
      let mark = run.folder.metricsMark
      var checkpoint = try run.checkpoint(run.position(stage: 1, epoch: 4))
      checkpoint.metrics = mark
      run.fill(seed: 2)
      try run.folder.writeCheckpoint(checkpoint, of: run.plan.stages[0], from: run.engine)
      try run.temporary.write(Array((text.isEmpty ? "" : text + "\n").utf8), to: "run/metrics.jsonl")
      let restored = try run.restore()
      #expect(restored.checkpoint?.position.epoch == 4 && restored.refused.isEmpty, "\(text)")
      #expect(
        restored.lostMetrics
          == LostMetrics(lineCount: 3, keptCount: keptCount, keptName: "metrics.jsonl.damaged"), "\(text)")
      let found = try run.folder.metricsLines()
      #expect(found.count == kept.count, "\(text): \(found)")
      for (line, epoch) in zip(found, kept) { #expect(line.contains("\"epoch\":\(epoch),")) }
      #expect(try run.temporary.text("run/metrics.jsonl.damaged") == (text.isEmpty ? "" : text + "\n"))
      // What was repaired is whole from now on.
      #expect(try run.folder.metricsMark == MetricsMark(of: run.folder.metricsLines()))
    }
  }

  @Test("metrics that were deleted do not make a run begin anew")
  func deletedMetrics() throws {
    let run = try Run()
    try run.folder.appendMetrics(["module": 1, "epoch": 1, "split": "train"])
    try run.write(run.position(stage: 1, epoch: 2), seed: 1)
    try FileManager.default.removeItem(atPath: run.temporary.path + "/run/metrics.jsonl")
    let restored = try run.restore()
    #expect(restored.checkpoint?.position.epoch == 2)
    #expect(restored.lostMetrics == LostMetrics(lineCount: 1, keptCount: 0, keptName: nil))
    #expect(try run.temporary.text("run/metrics.jsonl") == "")
  }

  @Test("positions that no training can stand at are refused")
  func positions() throws {
    let run = try Run()
    for (stage, epoch, step) in [(1, 4, 1), (1, 5, 0), (1, 1, 0), (1, 2, 4)] {
      try run.write(run.position(stage: stage, epoch: epoch, step: step), seed: 1)
      let restored = try run.restore()
      #expect(restored.checkpoint == nil && restored.refused.count == 1, "\(stage) \(epoch) \(step)")
    }
    var position = run.position(stage: 1, epoch: 2, step: 2)
    position.sums = [MetricSums(module: 1, loss: .infinity, top1Count: 0, top5Count: 0, imageCount: 32)]
    try run.write(position, seed: 1)
    #expect(try run.restore().checkpoint == nil)
    position.sums = [MetricSums(module: 1, loss: 1, top1Count: 0, top5Count: 0, imageCount: 31)]
    try run.write(position, seed: 1)
    #expect(try run.restore().checkpoint == nil)
  }

  @Test("of weights that have run away the last finite ones are found")
  func finite() throws {
    let run = try Run()
    func write(epoch: Int, spoiled: Bool) throws {
      for entry in run.plan.stages[0].resident.entries {
        engineFill(run.engine, entry, 0.5)
      }
      if spoiled, let entry = run.plan.stages[0].resident.entries.last { engineFill(run.engine, entry, .nan) }
      try run.folder.writeCheckpoint(
        run.checkpoint(run.position(stage: 1, epoch: epoch)), of: run.plan.stages[0], from: run.engine)
    }
    try write(epoch: 2, spoiled: false)
    try write(epoch: 3, spoiled: true)
    let found = try run.folder.lastFiniteCheckpoint(run.plan, run.identity, using: run.engine)
    #expect(found == run.checkpoints + "/stage-1-epoch-2-step-0.safetensors")
    try write(epoch: 2, spoiled: true)
    #expect(try run.folder.lastFiniteCheckpoint(run.plan, run.identity, using: run.engine) == nil)
  }

  private func engineFill(_ engine: Engine, _ entry: ResidentLayout.Entry, _ number: Float) {
    engine.withMutableBytes(of: entry) { bytes in
      bytes.withUnsafeMutableBytes { raw in
        for index in 0..<raw.count / 4 { raw.storeBytes(of: number, toByteOffset: 4 * index, as: Float.self) }
      }
    }
  }
}

@Suite struct CheckpointScheduleTests {
  @Test("within an epoch after ten minutes, or after what was asked for")
  func withinEpoch() {
    let usual = CheckpointSchedule(every: nil, now: 100)
    #expect(!usual.isDueWithinEpoch(now: 699) && usual.isDueWithinEpoch(now: 700))
    let wanted = CheckpointSchedule(every: 5, now: 100)
    #expect(!wanted.isDueWithinEpoch(now: 104.9) && wanted.isDueWithinEpoch(now: 105))
  }

  @Test("at the first epoch's end, and then as often as it is cheap")
  func epochEnds() {
    var schedule = CheckpointSchedule(every: nil, now: 0)
    #expect(schedule.isDueAtEpochEnd(now: 0.1))
    schedule.noteWritten(from: 1, to: 1.5)
    #expect(!schedule.isDueAtEpochEnd(now: 26) && schedule.isDueAtEpochEnd(now: 26.5))
    // A checkpoint of half a minute comes every 25 minutes, unless the user has another wish.
    schedule.noteWritten(from: 0, to: 30)
    #expect(!schedule.isDueWithinEpoch(now: 1529) && schedule.isDueWithinEpoch(now: 1530))
    var wanted = CheckpointSchedule(every: 60, now: 0)
    wanted.noteWritten(from: 0, to: 30)
    #expect(!wanted.isDueAtEpochEnd(now: 89) && wanted.isDueAtEpochEnd(now: 90))
    #expect(wanted.isDueWithinEpoch(now: 90))
  }
}
