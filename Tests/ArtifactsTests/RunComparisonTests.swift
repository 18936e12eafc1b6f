import Artifacts
import Foundation
import Testing
import Text

@Suite("Which runs are averaged, and how runs stand beside each other")
struct RunComparisonTests {
  private let folder: TemporaryFolder
  private let run = MadeUpRun()
  private static let origin = ReportOrigin(
    date: "2026-03-14 15:09 +0100", host: "h0", processor: "a processor", version: "1.0")

  init() throws { folder = try TemporaryFolder() }

  private func compare(
    _ runs: [MadeUpRun], module: Int? = nil, prefix: String = "r"
  ) throws -> RunComparison {
    let histories = try runs.enumerated().map { index, run in
      try run.history(in: folder, "\(prefix)\(index + 1)")
    }
    return RunComparison(histories, module: module)
  }

  private func second(_ change: (inout MadeUpRun) -> Void) -> MadeUpRun {
    run.with {
      $0.seed = 2
      change(&$0)
    }
  }

  /// `r1`, for a path in the test's folder.
  private func short(_ text: String) -> String { text.replacingOccurrences(of: folder.path + "/", with: "") }

  // MARK: - Repetitions

  @Test("runs that differ in their seed alone are repetitions, whatever they and their folders are called")
  func repetitions() throws {
    let comparison = try compare([
      run,
      second {
        $0.testTop1 = { _, _ in 0.5 }
        $0.name = "other"
        $0.spec[2] = "  path: elsewhere"
      },
      // Computed again instead of kept: the same bits.
      run.with {
        $0.seed = 3
        $0.choice = ("recomputeAboveBytes", 5, "same bits")
      },
    ])
    #expect(comparison.groups.map(\.runs.count) == [3])
    let spread = try #require(comparison.groups[0].spread(.testTop1, module: 2))
    #expect(spread.count == 3 && abs(spread.mean - (0.22 + 0.5 + 0.22) / 3) < 1e-12)
    #expect(comparison.notes.isEmpty)
  }

  @Test(
    "what changes results makes another experiment",
    arguments: [
      "data.fingerprint", "choices.microBatch", "choices.modules", "network.from", "release",
      "training.batch",
    ])
  func conditions(key: String) throws {
    var first = run
    let other = second {
      switch key {
      case "data.fingerprint": $0.fingerprint = String(repeating: "b", count: 64)
      case "choices.microBatch": $0.choice = ("microBatch", 10, "batch-norm statistics of smaller batches")
      case "choices.modules": $0.choice = ("modules", 2, "other weights")
      case "network.from":
        // The same path, other weights behind it.
        first.spec = ["network:", "  from: start"] + first.spec
        first.start = String(repeating: "1", count: 64)
        $0.spec = first.spec
        $0.start = String(repeating: "2", count: 64)
      case "release": $0.release = "1.1"
      case _: $0 = $0.setting("  batch: 25")
      }
    }
    let comparison = try compare([first, other])
    #expect(comparison.groups.map(\.runs.count) == [1, 1])
    let differences = try #require(
      try JSONSerialization.jsonObject(with: Data(JSONWriter.line(comparison.json).utf8)) as? [String: Any])
    let keys = (differences["differences"] as? [[String: Any]])?.map { $0["key"] as? String }
    #expect(keys == [key])
  }

  @Test("weights to start from are what they are, wherever they lie; made-up images follow from the seed")
  func sameConditions() throws {
    let sum = String(repeating: "1", count: 64)
    let from = run.with {
      $0.spec = ["network:", "  from: start"] + $0.spec
      $0.start = sum
    }
    let moved = from.setting("  from: elsewhere").with { $0.seed = 2 }
    #expect(try compare([from, moved]).groups.count == 1)
    let synthetic = run.setting("  source: synthetic")
    let next = synthetic.with {
      $0.seed = 2
      $0.fingerprint = String(repeating: "b", count: 64)
    }
    #expect(try compare([synthetic, next]).groups.count == 1)
  }

  @Test("a seed counts once")
  func seeds() throws {
    let again = run.with { $0.testTop1 = { _, _ in 0.9 } }
    let comparison = try compare([run, again, second { $0.testTop1 = { _, _ in 0.24 } }])
    let group = comparison.groups[0]
    #expect(group.name == "net (2 of 3 runs)")
    let spread = try #require(group.spread(.testTop1, module: 2))
    #expect(spread.count == 2 && abs(spread.mean - 0.23) < 1e-12)
    #expect(comparison.notes.map(short) == ["r2 has seed 1 as r1 has: counted once"])
  }

  @Test("finished runs count, others beside them do not", arguments: ["interrupted", "failed", nil])
  func unfinished(status: String?) throws {
    let other = second {
      $0.status = status
      $0.epochs = 1
    }
    let comparison = try compare([other, run])
    let group = comparison.groups[0]
    #expect(group.runs.count == 2 && group.counted.count == 1)
    let spread = try #require(group.spread(.testTop1, module: 1))
    #expect(spread.count == 1 && abs(spread.mean - 0.12) < 1e-12)
    #expect(group.curve(.testTop1, module: 1).map(\.x) == [1, 2])
    #expect(
      comparison.notes.map(short) == ["r1 is \(status ?? "stopped"): not in the mean of the finished runs"])
    let text = comparison.text(.plain)
    #expect(text.contains("note: ") && !text.contains("±"))
    #expect(JSONWriter.line(comparison.json).contains(#""status":"finished","counted":true"#))
    #expect(JSONWriter.line(comparison.json).contains(#""status":"\#(status ?? "stopped")","counted":false"#))
  }

  @Test("where none is finished, the last epoch of all counts, and the number of runs is told")
  func noneFinished() throws {
    let ahead = run.with {
      $0.status = "interrupted"
      $0.epochs = 5
    }
    let behind = second {
      $0.status = "interrupted"
      $0.epochs = 3
      $0.moduleCount = 1
    }
    let comparison = try compare([ahead, behind])
    let group = comparison.groups[0]
    let spread = try #require(group.spread(.testTop1, module: 1))
    #expect(spread.count == 2 && abs(spread.mean - 0.13) < 1e-12 && spread.deviation < 1e-12)
    #expect(group.curve(.testTop1, module: 1).map(\.x) == [1, 2, 3])
    // One of the two has come to module 2.
    #expect(group.spread(.testTop1, module: 2)?.count == 1)
    let text = comparison.text(.plain)
    #expect(text.contains("25.0% (1 of 2)"), "\(text)")
    #expect(comparison.notes.count == 1)
  }

  // MARK: - Modules and guesses

  @Test("a module that a run lacks is not drawn in the name of another")
  func lackingModule() throws {
    let deep = run.setting("  batch: 25").with { $0.moduleCount = 3 }
    let comparison = try compare([run.with { $0.name = "flat" }, deep], module: 3)
    #expect(comparison.moduleCount == 3)
    #expect(comparison.notes == ["flat has no module 3 to draw, but 2"])
    let text = comparison.text(.plain)
    #expect(text.contains("test top1, module 3\n"))
    let legend = text.split(separator: "\n").compactMap { $0.wholeMatch(of: /\s+\S (flat|net)/)?.1 }
    // Two curves over the epochs, of `net` alone, and both by depth.
    #expect(legend == ["net", "net", "net", "flat"], "\(legend)")
  }

  @Test("a page names every curve, if no chart has all of them")
  func legend() throws {
    let made = try run.history(in: folder, "r")
    func line(_ module: Int, _ split: String) -> String {
      #"{"module":\#(module),"epoch":1,"split":"\#(split)","loss":1.5,"top1":0.5,"seconds":0.1}"# + "\n"
    }
    // Of one module nothing but the training was measured, of the other nothing but the test.
    try folder.write([UInt8]((line(1, "train") + line(2, "test")).utf8), to: "r/metrics.jsonl")
    let page = RunComparison([try RunHistory(folder: made.folder)], module: nil).page(origin: Self.origin)
    for name in ["1 layer 1", "2 layer 2"] {
      #expect(page.matches(of: try Regex("</svg>\\s*\(name)")).count == 1, "\(name)")
    }
  }

  @Test("the first five guesses stand where they were counted, and nowhere else")
  func top5() throws {
    let comparison = try compare([run.with { $0.testTop5 = 0.625 }])
    let text = comparison.text(.plain)
    #expect(text.contains("top5") && text.contains("62.5%"))
    #expect(comparison.page(origin: Self.origin).contains("test top5"))
    #expect(JSONWriter.line(comparison.json).contains(#""testTop5":{"mean":0.625,"#))
    #expect(JSONWriter.line(comparison.json).contains(#""ensembleTop5":0.625"#))
    let without = try compare([run])
    #expect(!without.text(.plain).contains("top5") && !without.page(origin: Self.origin).contains("top5"))
    #expect(!JSONWriter.line(without.json).contains("op5"))
  }

  @Test("size and cost are the plan's")
  func cost() throws {
    let comparison = try compare([run])
    #expect(comparison.text(.plain).contains(/\nnet +1,234 +30 +56,789 +400 +7,000 +1\.23e7\n/))
    #expect(JSONWriter.line(comparison.json).contains(#""auxiliaries":{"parameters":30,"macs":400}"#))
    #expect(
      JSONWriter.line(comparison.json).contains(
        #""network":{"parameters":1234,"macs":56789},"stepMacs":7000,"trainingMacs":12300000"#))
  }

  // MARK: - Sweeps

  private func sweep(_ values: [String]) throws -> RunComparison {
    try compare(
      values.flatMap { value in
        let one = run.setting("      by: \(value)")
        return [one, one.with { $0.seed = 2 }]
      })
  }

  @Test("many experiments are rows, are called by what they differ in, and look different")
  func manyGroups() throws {
    let values = (0..<12).map { "1.\(10 + $0)" }
    let comparison = try sweep(values)
    #expect(comparison.groups.map(\.name) == values.map { "slow.by = \($0)" })
    let text = short(comparison.text(.plain))
    let widest = text.split(separator: "\n").map(\.count).max() ?? 0
    #expect(widest <= Table.widthLimit, "\(widest)")
    let marks = text.split(separator: "\n").compactMap { line in
      line.wholeMatch(of: /\s+(\S) slow\.by = .*/).map { String($0.1) }
    }
    // Two charts over the epochs, one by depth.
    #expect(marks.count == 36 && Set(marks).count == 12, "\(marks)")
    let page = comparison.page(origin: Self.origin)
    let curves = Set(page.matches(of: /"(curve s[^"]*)"/).map { String($0.1) })
    #expect(curves.count == 12, "\(curves)")
    // The folders are still told.
    #expect(text.contains("r1 ") && text.contains("r24"))
  }

  @Test("a few whose columns would be too wide are rows as well")
  func wideGroups() throws {
    let wide = short(try sweep(["1.10", "1.20", "1.30"]).text(.plain))
    #expect(wide.contains("test top1 by module, last epoch\ngroup "), "\(wide)")
    let narrow = try compare([run.with { $0.name = "a" }, run.setting("  batch: 25")]).text(.plain)
    #expect(narrow.contains("a: test top1") && !narrow.contains("by module"), "\(narrow)")
    // What has more modules than a line has room for keeps them all, or says that it does not.
    let deep = run.with { $0.moduleCount = 12 }
    func deepSweep(_ count: Int) throws -> String {
      try compare((0..<count).map { deep.setting("      by: \($0 + 1).5") }).text(.plain)
    }
    #expect(try deepSweep(4).contains("\n      12 "))
    #expect(try deepSweep(5).contains("test top1 by module, last epoch, 9 of 12 modules\n"))
  }

  @Test("over the one number that experiments differ in, their final accuracy is drawn")
  func sweepChart() throws {
    let swept = try sweep(["3", "1.5", "2.25"])
    #expect(swept.groups.map(\.name) == ["1.5", "2.25", "3"].map { "slow.by = \($0)" })
    let text = swept.text(.plain)
    #expect(text.contains("test top1, last epoch, over slow.by"))
    #expect(text.contains("o last module") && text.contains("x ensemble"))
    let page = try sweep(["3", "1.5"]).page(origin: Self.origin)
    #expect(page.contains("By training.asynchronous.slow.by"))
    // Words are no numbers, and two keys are no axis.
    #expect(try !sweep(["3", "off"]).text(.plain).contains("last epoch, over"))
    let two = [run, run.setting("      by: 3").setting("  batch: 25")]
    #expect(try !compare(two).text(.plain).contains("last epoch, over"))
  }

  /// A run with a `cnn` auxiliary of k layers; of one, as the language writes it.
  private func classified(k: Int, width: String = "same", strategy: String = "parallel") -> MadeUpRun {
    var one = run
    one.spec =
      ["auxiliary:"]
      + (k == 1 ? ["  kind: linear"] : ["  kind: cnn", "  k: \(k)", "  width: \(width)"]) + run.spec
    return one.setting("  strategy: \(strategy)")
  }

  @Test("k = 1 is linear, and the first of an axis over k; a second key makes lines")
  func linearFirst() throws {
    let swept = try compare(
      [3, 1, 2].flatMap { k in [1, 2, 3].map { seed in classified(k: k).with { $0.seed = seed } } })
    #expect(swept.groups.map(\.name) == ["k = 1", "k = 2", "k = 3"])
    let text = swept.text(.plain)
    #expect(text.contains("test top1, last epoch, over k\n"), "\(text)")
    #expect(text.contains(/\nauxiliary\.k +1 +2 +3\n/) && !text.contains("auxiliary.kind"), "\(text)")
    #expect(text.matches(of: /sample deviation over seeds, n = 3\n/).count == 1)
    #expect(!text.contains("(3 runs)"))
    // Documents have the keys as the specs have them.
    #expect(
      JSONWriter.line(swept.json).contains(#"{"key":"auxiliary.kind","values":["linear","cnn","cnn"]}"#))

    let crossed = try compare(
      ["parallel", "sequential"].flatMap { strategy in
        [1, 2, 3].map { classified(k: $0, strategy: strategy) }
      }, prefix: "x")
    #expect(
      crossed.groups.map(\.name)
        == ["parallel", "sequential"].flatMap { way in (1...3).map { "k = \($0), \(way)" } })
    let lines = crossed.text(.plain)
    #expect(lines.contains("test top1, last module, last epoch, over k\n"), "\(lines)")
    #expect(lines.contains("test top1, ensemble, last epoch, over k\n"))
    #expect(lines.contains(" o parallel\n") && lines.contains(" x sequential\n"))

    // Widths of convolutions that `linear` does not have are no difference, unless the others have several.
    let widths = try compare(
      [classified(k: 1), classified(k: 2), classified(k: 2, width: "16")], prefix: "w")
    #expect(widths.groups.map(\.name) == ["k = 1", "k = 2, width = same", "k = 2, width = 16"])
    #expect(!widths.text(.plain).contains("over k"))
  }

  @Test("other kinds are called by what they are of, and what hangs on them goes without saying")
  func kinds() throws {
    var mlp = run
    mlp.spec = ["auxiliary:", "  kind: mlp", "  hidden: 2"] + run.spec
    #expect(
      try compare([classified(k: 1), mlp]).groups.map(\.name) == ["auxiliary = linear", "auxiliary = mlp"])
  }

  @Test("accuracy stands first, and every line fits")
  func columns() throws {
    let deep = run.with { $0.moduleCount = 20 }
    let text = try compare([deep, deep.setting("  batch: 25"), deep.setting("  batch: 75")]).text(.plain)
    for line in text.split(separator: "\n") { #expect(line.count <= Table.widthLimit, "\(line)") }
    let one = try compare([run]).text(.plain)
    #expect(one.contains(/\nrun +(test )?top1 +ensemble +seed/), "\(one)")
    #expect(one.contains(/\n *module +test top1 +train top1 +train loss\n/), "\(one)")
  }

  @Test("a page says when and where it was written")
  func origin() throws {
    #expect(
      try compare([run]).page(origin: Self.origin).contains(
        "written 2026-03-14 15:09 +0100 on h0, a processor, by strata 1.0"))
  }

  // MARK: - Probes

  private func probe(_ learner: String, _ top1: Double, fingerprint: String? = nil) -> ProbeRecord {
    ProbeRecord(
      .init(
        learner: learner, features: "2x2", epochs: nil, width: nil,
        dataFingerprint: fingerprint ?? run.fingerprint),
      [
        .init(module: 0, name: "images", features: 4, trainTop1: nil, testTop1: 0.125),
        .init(module: 1, name: "layer 1", features: 8, trainTop1: 0.5, testTop1: top1),
      ])
  }

  @Test("separability is a mean where all have it, of the runs' own images")
  func separability() throws {
    let first = run.with { $0.probes = [probe("linear", 0.5), probe("nearest", 0.25)] }
    let next = second { $0.probes = [probe("linear", 0.75)] }
    let comparison = try compare([first, next])
    let text = short(comparison.text(.plain))
    #expect(text.contains("Separability: linear probe, features 2x2, test top1 by depth"))
    #expect(text.contains("62.5% ± 17.7%\n"), "\(text)")
    #expect(!text.contains("Separability: nearest"))
    #expect(text.contains("note: without a nearest probe, features 2x2: r2\n"), "\(text)")
    #expect(comparison.page(origin: Self.origin).contains("separability, linear probe, features 2x2"))
    #expect(
      JSONWriter.line(comparison.json).contains(
        #"{"module":1,"name":"layer 1","testTop1":{"mean":0.625,"deviation":"#))
    // Made-up images are others for each seed.
    let synthetic = run.setting("  source: synthetic").with { $0.probes = [probe("linear", 0.5)] }
    let other = String(repeating: "b", count: 64)
    let nextSynthetic = synthetic.with {
      $0.seed = 2
      $0.fingerprint = other
      $0.probes = [probe("linear", 0.75, fingerprint: other)]
    }
    #expect(try compare([synthetic, nextSynthetic], prefix: "s").text(.plain).contains("62.5% ± 17.7%"))
    let foreign = run.with { $0.probes = [probe("linear", 0.5, fingerprint: "c")] }
    let elsewhere = try compare([foreign], prefix: "f")
    #expect(!elsewhere.text(.plain).contains("eparability"))
    #expect(
      elsewhere.notes.map(short) == ["f1 was probed on other images than its own as well: not shown"])
  }

  @Test(
    "a probe with the settings of one before takes its place, any other is added; what is no file of ours stays"
  )
  func kept() throws {
    let history = try run.with { $0.probes = [probe("linear", 0.5)] }.history(in: folder, "r")
    try ProbeRecords.keep([probe("nearest", 0.25), probe("linear", 0.75)], in: history.folder)
    let records = try ProbeRecords(folder: history.folder).records
    #expect(records == [probe("linear", 0.75), probe("nearest", 0.25)])
    let text = try folder.text("r/probes.json")
    #expect(text.contains("\"name\": \"") && text.contains("\"weightsSha256\": "))
    let spoilt = [UInt8]("{\"schema\": \"strata.probes/1\", \"probes\": [{}]}".utf8)
    try folder.write(spoilt, to: "r/probes.json")
    #expect(throws: RunStatusError.self) {
      try ProbeRecords.keep([probe("nearest", 0.25)], in: history.folder)
    }
    #expect(try folder.bytes("r/probes.json") == spoilt)
    #expect(throws: RunStatusError.self) { try RunHistory(folder: history.folder) }
  }
}
