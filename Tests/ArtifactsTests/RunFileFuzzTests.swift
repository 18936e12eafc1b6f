import Artifacts
import CompilerSupport
import Diagnostics
import Execution
import Foundation
import Pipeline
import Planning
import SpecLanguage
import TestSupport
import Testing
import Text

/// The files of a run, spoiled: each is read or refused, in time and without asking for memory, whatever it says.
@Suite("Spoiled files of runs") struct RunFileFuzzTests {
  private static let spec = """
    strata: 1
    name: small
    network: {family: vgg, input: 2x6x6, widths: [4, 5]}
    training: {strategy: sequential, epochs: 3, batch: 16, optimizer: adam}
    """

  /// Fast storage where there is some: every mutant is a file.
  private static func folder() throws -> TemporaryFolder { try TemporaryFolder(inMemory: true) }

  private func expectHarmless(_ report: FuzzCampaign.Report) {
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
    if report.isLong { #expect(report.peakByteCount < FuzzCampaign.memoryCap) }
    #expect(report.refusedCount > report.acceptedCount / 100, "most changes are faults")
  }

  @Test("plans")
  func plans() throws {
    let spec = try DecodedSpec(Self.spec)
    let good = Array(
      PlanLock.text(
        of: try spec.plan(), PlanComparison(), specPath: "net.yaml", keptSpecPath: "net.yaml", dataPath: nil,
        places: spec.places
      ).utf8)
    let goodText = resolvedText(spec.spec)
    let folder = try Self.folder()
    let report = try FuzzCampaign("plan").run { seed, random in
      var bytes = good
      Mutation.spoil(&bytes, head: bytes.count, &random)
      try folder.write(bytes, to: "a.plan.json")
      let stored: PlanLock
      do throws(PlanLockError) {
        stored = try PlanLock(path: folder.path + "/a.plan.json")
      } catch {
        #expect(!error.message.isEmpty, "seed \(seed)")
        return false
      }
      // Its spec is text from a stranger, too, and so are the choices with which it is compiled again.
      var texts = SourceTexts()
      let result = decode(texts.add(label: "spec.text", text: stored.specText))
      guard let spec = result.spec, result.diagnostics.isEmpty else { return false }
      let options = CompileOptions(
        threads: min(stored.threads, 2),
        facts: DataFacts(trainCount: 40, testCount: 40, residentBytes: 0, fingerprint: nil),
        specText: resolvedText(spec), choices: stored.choices, budgetBytes: stored.budgetBytes)
      // Others are refused before they are compiled; their faults are the business of another test.
      guard options.specText == goodText else { return (try? check(spec)) != nil }
      return (try? compile(LoweredSpec(spec), options: options)) != nil
    }
    expectHarmless(report)
  }

  @Test("checkpoints")
  func checkpoints() throws {
    let plan = try DecodedSpec(Self.spec).plan(images: 40)
    let engine = try Engine(plan.memoryMap)
    engine.initialize([1], in: plan.stages[0].resident, seed: plan.training.seed)
    let folder = try Self.folder()
    let run = try RunDirectory.create(
      at: folder.path + "/run", files: [.init(name: "plan.json", text: "{}")])
    let identity = RunIdentity(specSHA256: "spec", layoutSHA256: "layout", dataFingerprint: "data")
    let sums = MetricSums(module: 1, loss: 1.5, top1Count: 3, top5Count: 9, imageCount: 32)
    let position = RunPosition(stage: 1, epoch: 2, step: 2, sums: [sums], seconds: 0.5)
    try run.writeCheckpoint(
      Checkpoint(
        identity: identity, position: position, metrics: MetricsMark(of: []), totals: RunTotals(),
        arithmetic: "x"), of: plan.stages[0], from: engine)
    let name = "run/checkpoints/stage-1-epoch-2-step-2.safetensors"
    let good = try folder.bytes(name)
    let report = try FuzzCampaign("checkpoint").run { seed, random in
      var bytes = good
      Mutation.spoil(&bytes, head: 4096, &random)
      if bytes == good { return false }
      try folder.write(bytes, to: name)
      let restored = try run.restore(plan, identity, into: engine)
      #expect(restored.checkpoint == nil && restored.refused.count == 1, "seed \(seed)")
      return restored.checkpoint != nil
    }
    #expect(report.acceptedCount == 0)
    expectHarmless(report)
  }

  @Test("weights")
  func weights() throws {
    let plan = try DecodedSpec(Self.spec).plan()
    let engine = try Engine(plan.memoryMap)
    engine.initialize([1, 2], in: plan.resident, seed: plan.training.seed)
    let folder = try Self.folder()
    _ = try ModelFile(plan).write(from: engine, to: folder.path + "/good")
    let good = try folder.bytes("good")
    #expect(good.count == ModelFile(plan).byteCount)
    let report = try FuzzCampaign("safetensors").run { seed, random in
      var bytes = good
      Mutation.spoil(&bytes, head: 2048, &random)
      try folder.write(bytes, to: "model.safetensors")
      do throws(ModelFileError) {
        try ModelFile(plan).read(into: engine, from: folder.path + "/model.safetensors")
        return true
      } catch {
        #expect(!error.message.isEmpty, "seed \(seed)")
        return false
      }
    }
    expectHarmless(report)
  }

  @Test("weights of other programs")
  func foreignWeights() throws {
    let good = ForeignTensor.file([
      ForeignTensor("layers.1.conv.weight", "F16", (0..<60).map { UInt16($0) }),
      ForeignTensor("layers.1.conv.bias", "BF16", [0x3F80, 0xC000] as [UInt16]),
      ForeignTensor(
        "layers.1.batch_norm.weight", "F64", [Double(1.5).bitPattern, Double(1e-300).bitPattern]),
      ForeignTensor("layers.1.batch_norm.num_batches_tracked", "I64", [3] as [UInt64]),
      ForeignTensor("head.output.weight", "I8", [1, 2, 3, 4] as [UInt8]),
      ForeignTensor("head.output.bias", "F4", [4], [1, 2]),
    ])
    let folder = try Self.folder()
    let types = ["F32", "F16", "BF16", "F64", "I64", "U8", "F4", "F8_E4M3", "X"].map { Array($0.utf8) }
    let report = try FuzzCampaign("safetensors types").run { seed, random in
      var bytes = good
      Mutation.spoil(&bytes, head: 600, &random)
      // Another type under the same extents.
      if seed % 3 == 0, let place = bytes.firstRange(of: Array("\"BF16\"".utf8)) {
        bytes.replaceSubrange(place, with: [0x22] + types[Int(seed / 3) % types.count] + [0x22])
      }
      try folder.write(bytes, to: "w.safetensors")
      do throws(ModelFileError) {
        let stored = try StartFile.facts(of: folder.path + "/w.safetensors")
        return !stored.tensors.isEmpty
      } catch {
        #expect(!error.message.isEmpty, "seed \(seed)")
        return false
      }
    }
    expectHarmless(report)
  }

  @Test("metrics and summaries, as 'strata show' reads them")
  func status() throws {
    let plan = #"""
      {"schema": "strata.plan/1", "name": "net", "modules": [{"index": 1, "name": "layer 1"}, {"name": "layer 2"}],
       "stages": [{"index": 1, "modules": [1, 2], "epochs": 3}, {"index": 2, "modules": [2], "epochs": 4}]}
      """#
    let summary = #"""
      {"schema": "strata.summary/1", "status": "finished", "ensembleTop1": 0.5, "imagesPerSecond": 1e3,
       "memory": {"plannedPeakBytes": 2048, "measuredPeakBytes": 1024}, "time": {"measuredSeconds": 12.5}}
      """#
    let metrics = #"""
      {"module":1,"epoch":1,"split":"test","loss":2.5,"top1":0.25,"seconds":0.1}
      {"module":2,"epoch":1,"split":"train","loss":null,"top1":0.125,"seconds":0.1}

      """#
    let progress = JSONWriter.document(
      RunProgress(
        host: "h", process: 12, started: ClockTime(seconds: 1), updated: ClockTime(seconds: 2), stage: 1,
        stageCount: 2, epoch: 1, epochCount: 3, step: 4, stepCount: 5,
        modules: [.init(index: 1, epoch: 1, loss: 1.5, top1: 0.5, learningRate: 0.1)], imagesPerSecond: 10,
        seconds: 3, secondsLeft: 4, plannedPeakBytes: 1 << 20, peakBytes: 1 << 20, residentBytes: 1 << 19
      ).json)
    let goods = [
      ("plan.json", plan), ("summary.json", summary.replacing("finished", with: "interrupted")),
      ("metrics.jsonl", metrics), ("status.json", progress),
    ]
    let folder = try Self.folder()
    let report = try FuzzCampaign("status").run { seed, random in
      let spoiled = Int.random(in: 0..<goods.count, using: &random)
      for (index, (name, text)) in goods.enumerated() {
        var bytes = Array(text.utf8)
        if index == spoiled { Mutation.spoil(&bytes, head: bytes.count, &random) }
        try folder.write(bytes, to: name)
      }
      do throws(RunStatusError) {
        _ = RunStatusText(try RunStatus(folder: folder.path), folder: "x").text(.plain)
        return true
      } catch {
        #expect(!error.message.isEmpty, "seed \(seed)")
        return false
      }
    }
    #expect(report.slowest.seconds < FuzzCampaign.secondsCap, "seed \(report.slowest.seed)")
  }
}
