import Foundation
import TestSupport
import Testing

private struct Probe: Decodable {
  struct Figure: Decodable {
    var trainTop1: Double?
    var testTop1: Double
  }
  struct Depth: Decodable {
    var module: Int
    var name: String
    var features: Int
    var linear, nearest: Figure
    var one: Figure

    enum CodingKeys: String, CodingKey {
      case module, name, features, linear, nearest
      case one = "cnn-1"
    }
  }
  var schema: String
  var depths: [Depth]
}

private struct Lines: Decodable {
  var module, epoch: Int
  var split: String
  var top1: Double
  var ensembleTop1, ensembleTestLoss: Double?
}

private struct Evaluation: Decodable {
  struct Module: Decodable {
    var index: Int
    var testLoss, testTop1: Double
    var ensembleTop1, ensembleTestLoss: Double?
  }
  var modules: [Module]
  var ensembleTop1, ensembleTestLoss: Double?
}

private struct Summary: Decodable {
  struct Module: Decodable {
    var index: Int
    var trainLoss, testLoss, testTop1, ensembleTop1, ensembleTestLoss: Double?
  }
  var modules: [Module]
  var ensembleTop1, ensembleTestLoss: Double?
}

@Suite("Methods, from the command line")
struct MethodTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func run(_ arguments: String...) throws {
    let run = try StrataProcess(["run"] + arguments, in: workspace.url)
    try #require(run.exitCode == 0, "\(run.diagnostics)")
  }

  private func metrics(_ folder: String) throws -> [Lines] {
    try workspace.text("\(folder)/metrics.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(Lines.self, from: Data($0.utf8))
    }
  }

  private func evaluation(_ folder: String) throws -> Evaluation {
    let process = try workspace.strata("evaluate", folder, "--json")
    #expect(process.exitCode == 0, "\(process.diagnostics)")
    return try JSONDecoder().decode(Evaluation.self, from: Data(process.output.utf8))
  }

  @Test("asynchronous training: every module its epochs, the ensemble on the last module's line")
  func asynchronous() throws {
    let sets = [
      "--set", "training.strategy=asynchronous", "--set",
      "training.asynchronous={buffer: 3, slow: {module: 2, by: 1.5}}", "--set", "training.epochs=3",
    ]
    for threads in ["1", "2"] {
      let run = try StrataProcess(
        ["run", "net.yaml", "-o", "out-\(threads)", "--threads", threads] + sets, in: workspace.url)
      #expect(run.exitCode == 0, "\(run.diagnostics)")
    }
    #expect(
      try workspace.data("out-1/model.safetensors") == workspace.data("out-2/model.safetensors"))
    let lines = try metrics("out-1")
    for module in 1...2 {
      for split in ["train", "test"] {
        #expect(lines.filter { $0.module == module && $0.split == split }.map(\.epoch) == [1, 2, 3])
      }
    }
    let ensembles = lines.filter { $0.ensembleTop1 != nil }
    #expect(ensembles.map(\.module) == [2, 2, 2] && ensembles.allSatisfy { $0.split == "test" })
    #expect(try evaluation("out-1").ensembleTop1 == ensembles.last?.ensembleTop1)
    let plan = try StrataProcess(["plan", "net.yaml"] + sets, in: workspace.url)
    #expect(plan.output.contains("replay: 3 batches a module"))
  }

  @Test("the mean of probabilities is another ensemble than the mean of logits")
  func ensembles() throws {
    try run("net.yaml", "-o", "logits")
    try run("net.yaml", "-o", "probabilities", "--set", "network.ensemble=probabilities")
    // The files say which ensemble it is, and hold the same weights behind that.
    func weights(_ folder: String) throws -> Data {
      let file = try workspace.data("\(folder)/model.safetensors")
      return file.dropFirst(8 + Int(file.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }))
    }
    #expect(try Data(weights("logits")) == Data(weights("probabilities")))
    let (logits, probabilities) = (try evaluation("logits"), try evaluation("probabilities"))
    #expect(logits.modules.map(\.testTop1) == probabilities.modules.map(\.testTop1))
    let losses = try [logits, probabilities].map { try #require($0.ensembleTestLoss) }
    // The modules are the same, and what is made of them is not.
    #expect(abs(losses[0] - losses[1]) > 1e-5 * losses[0])
    for (folder, evaluation) in [("logits", logits), ("probabilities", probabilities)] {
      let last = try #require(try metrics(folder).last { $0.ensembleTop1 != nil })
      let summary = try workspace.decode(Summary.self, "\(folder)/summary.json")
      for loss in [last.ensembleTestLoss, summary.ensembleTestLoss, summary.modules[1].ensembleTestLoss] {
        #expect(loss == evaluation.ensembleTestLoss)
      }
    }
  }

  @Test("sequential training measures the ensemble of all modules so far at each stage's end")
  func sequentialEnsembles() throws {
    try run(
      "net.yaml", "-o", "out", "--set", "training.strategy=sequential", "--set",
      "network.widths=[8, 16, 16]")
    let lines = try metrics("out").filter { $0.split == "test" }
    #expect(lines.map(\.module) == [1, 1, 2, 2, 3, 3])
    #expect(lines.map { $0.ensembleTop1 != nil } == [false, false, false, true, false, true])
    let evaluation = try evaluation("out")
    // Nothing changes a module behind its stage: the end of the run finds the same.
    #expect(evaluation.modules.map(\.ensembleTop1) == [nil, lines[3].ensembleTop1, lines[5].ensembleTop1])
    #expect(evaluation.modules.map(\.testTop1) == [1, 3, 5].map { lines[$0].top1 })
    #expect(evaluation.ensembleTop1 == lines[5].ensembleTop1)
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    #expect(summary.modules.map(\.ensembleTop1) == evaluation.modules.map(\.ensembleTop1))
    #expect(summary.modules.map(\.ensembleTestLoss) == evaluation.modules.map(\.ensembleTestLoss))
    #expect(summary.modules.map(\.testLoss) == evaluation.modules.map(\.testLoss))
    for command in [["evaluate", "out"], ["show", "out"]] {
      let text = try StrataProcess(command, in: workspace.url).output
      #expect(text.contains("ensemble to here"), "\(text)")
    }
    #expect(try workspace.text("out/report.html").contains("ensemble to here"))
  }

  @Test("asynchronous modules of different lengths: nobody is told epochs that a module never had")
  func unequalEpochs() throws {
    try run(
      "net.yaml", "-o", "out", "--set", "training.strategy=asynchronous", "--set", "training.epochs=1",
      "--set",
      "training.overrides=[{module: 2, epochs: 3}]", "--set", "network.widths=[8, 16, 16]")
    let lines = try metrics("out")
    for (module, epochs) in [(1, [1]), (2, [1, 2, 3]), (3, [1])] {
      for split in ["train", "test"] {
        #expect(
          lines.filter { $0.module == module && $0.split == split }.map(\.epoch) == epochs,
          "module \(module), \(split)")
      }
    }
    // Module 3 stands on one that went on learning: what it comes to is what the end of the run measures.
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    #expect(summary.modules.map(\.testTop1) == (try evaluation("out")).modules.map(\.testTop1))
  }

  @Test("a run is extended: frozen modules come out as they went in, and are proved to")
  func extended() throws {
    try run("net.yaml", "-o", "first")
    let longer = [
      "net.yaml", "-o", "second", "--set", "network.widths=[8, 16, 16]", "--set", "network.from=first",
      "--set",
      "network.frozen=2", "--set", "training.strategy=sequential",
    ]
    let second = try StrataProcess(["run"] + longer, in: workspace.url)
    try #require(second.exitCode == 0, "\(second.diagnostics)")
    #expect(try metrics("second").map(\.module) == [3, 3, 3, 3])
    let before = try tensors("first")
    let after = try tensors("second")
    for (name, bytes) in before where name.hasPrefix("layers.") {
      #expect(after[name] == bytes, "\(name) has changed")
    }
    #expect(after.keys.contains { $0.hasPrefix("layers.3.") })
    #expect(try workspace.text("second/log.txt").contains("frozen modules 1, 2 are unchanged, SHA-256 "))
    // Module 2 had the head, which is no mlp-sr: nobody can tell what it knows.
    let figures = try evaluation("second")
    #expect(figures.modules.map(\.index) == [1, 3])
    #expect(figures.modules[0].testTop1 == (try evaluation("first")).modules[0].testTop1)
    // A frozen module's accuracy is among the run's own figures, wherever they are shown.
    let summary = try workspace.decode(Summary.self, "second/summary.json")
    #expect(
      summary.modules.map(\.testTop1) == [figures.modules[0].testTop1, nil, figures.modules[1].testTop1])
    #expect(summary.modules.map(\.ensembleTop1) == [nil, nil, figures.ensembleTop1])
    #expect(try metrics("second").last?.ensembleTop1 == figures.ensembleTop1)
    let compared = try workspace.strata("compare", "second", "--json")
    #expect(compared.output.contains("\(figures.modules[0].testTop1)"), "\(compared.output)")
    let accuracy = String(format: "%.1f%%", 100 * figures.modules[0].testTop1)
    for (words, text) in [
      ("closing table", second.output), ("report", try workspace.text("second/report.html")),
      ("show", try workspace.strata("show", "second").output),
    ] { #expect(text.contains(accuracy), "\(words): \(text)") }
  }

  /// The bytes of a model file's tensors by name.
  private func tensors(_ folder: String) throws -> [String: Data] {
    let data = try workspace.data("\(folder)/model.safetensors")
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any])
    var tensors: [String: Data] = [:]
    for case (let name, let entry as [String: Any]) in header {
      guard let offsets = entry["data_offsets"] as? [Int] else { continue }
      tensors[name] = data[8 + length + offsets[0]..<8 + length + offsets[1]]
    }
    return tensors
  }

  @Test("weights that do not fit, or are not there, are told at the key's line")
  func faults() throws {
    let missing = try workspace.strata("plan", "net.yaml", "--set", "network.from=nowhere")
    #expect(missing.exitCode == 2)
    #expect(missing.diagnostics.contains("error[E132]") && missing.diagnostics.contains("nowhere"))
    try run("net.yaml", "-o", "first", "--set", "training.epochs=1")
    let spec = digitsSpec.replacing(
      "widths: [8, 16], head: gap", with: "widths: [8, 20], head: gap, from: first")
    try workspace.write(spec, to: "wide.yaml")
    let wide = try workspace.strata("run", "wide.yaml", "-o", "second")
    #expect(wide.exitCode == 2)
    #expect(wide.diagnostics.contains("error[E132]") && wide.diagnostics.contains("--> wide.yaml:4:"))
    #expect(wide.diagnostics.contains("'layers.2.conv.weight' [16, 8, 3, 3], here [20, 8, 3, 3]"))
  }

  @Test(
    "a plan is stale once the weights it starts from have changed; a finished run is evaluated without them")
  func stale() throws {
    try run("net.yaml", "-o", "first", "--set", "training.epochs=1")
    let spec = digitsSpec.replacing("head: gap", with: "head: gap, from: first/model.safetensors")
    try workspace.write(spec, to: "next.yaml")
    let plan = try workspace.strata("plan", "next.yaml", "-o", "next.plan.json")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    try run("next.plan.json", "-o", "second")
    let name = "first/model.safetensors"
    var bytes = try workspace.data(name)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: workspace.url.appending(path: name))
    let stale = try workspace.strata("run", "next.plan.json", "-o", "third")
    #expect(stale.exitCode == 4)
    #expect(stale.diagnostics.contains("the weights at first/model.safetensors have changed"))
    try FileManager.default.removeItem(at: workspace.url.appending(path: "first"))
    #expect(try evaluation("second").modules.map(\.index) == [1, 2])
  }

  @Test("what probing takes is estimated, and refused where a limit forbids it")
  func probeMemory() throws {
    struct Probe: Decodable {
      struct Memory: Decodable { var plannedPeakBytes, measuredPeakBytes: Int }
      var memory: Memory
    }
    let workspace = try Workspace()
    // 4,000 images of 16 x 16 x 16 floats are 66 MB.
    try workspace.write(
      """
      strata: 1
      name: wide
      data: {source: synthetic, limit: {train: 3000, test: 1000}}
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [16], head: gap}
      training: {epochs: 1, batch: 100}
      """, to: "net.yaml")
    let run = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    var peaks: [Probe.Memory] = []
    for size in ["2x2", "full"] {
      let probe = try workspace.strata(
        "probe", "out", "--learners", "nearest", "--features", size, "--json")
      #expect(probe.exitCode == 0, "\(probe.diagnostics)")
      peaks.append(try JSONDecoder().decode(Probe.self, from: Data(probe.output.utf8)).memory)
    }
    let (planned, measured) = (
      peaks[1].plannedPeakBytes - peaks[0].plannedPeakBytes,
      peaks[1].measuredPeakBytes - peaks[0].measuredPeakBytes
    )
    #expect(planned > 50_000_000, "\(planned)")
    // What debug code takes besides is in both; a sanitizer keeps what was given back.
    #expect(Sanitizer.isOn || abs(measured - planned) < planned / 10, "\(measured), \(planned)")
  }

  @Test("what probing takes includes the run's own plan, which lies beside the probe's")
  func probeBesideRun() throws {
    struct Figures: Decodable {
      struct Memory: Decodable { var plannedPeakBytes, runtimeBytes: Int? }
      var memory: Memory
    }
    // The same probes of the same network, behind plans of one stage and of six.
    var probes: [[Int]] = []
    var runtimes: [Int] = []
    for strategy in ["parallel", "sequential"] {
      try run(
        "net.yaml", "-o", strategy, "--set", "training.strategy=\(strategy)", "--set", "training.epochs=1",
        "--set", "network.widths=[8, 8, 8, 8, 8, 8]")
      runtimes.append(
        try #require(try workspace.decode(Figures.self, "\(strategy)/plan.json").memory.runtimeBytes))
      probes.append(
        try [["nearest"], ["cnn-1", "--epochs", "1"]].map { learner in
          let probe = try StrataProcess(
            ["probe", strategy, "--json", "--learners"] + learner, in: workspace.url)
          try #require(probe.exitCode == 0, "\(probe.diagnostics)")
          let figures = try JSONDecoder().decode(Figures.self, from: Data(probe.output.utf8))
          return try #require(figures.memory.plannedPeakBytes)
        })
    }
    // Products, and so what they touch of a buffer, are the same in both.
    let difference = runtimes[1] - runtimes[0]
    #expect(difference > 0)
    for (parallel, sequential) in zip(probes[0], probes[1]) { #expect(sequential - parallel == difference) }
  }

  @Test("probes of every depth, the same for any number of threads")
  func probes() throws {
    try run(
      "net.yaml", "-o", "out", "--set", "data.limit.train=600", "--set", "training.epochs=4", "--set",
      "network.widths=[16, 32]")
    var outputs: [String] = []
    for threads in ["1", "3"] {
      let probe = try workspace.strata(
        "probe", "out", "--learners", "linear,nearest,cnn-1", "--epochs", "3", "--threads", threads, "--json")
      #expect(probe.exitCode == 0, "\(probe.diagnostics)")
      outputs.append(probe.output)
    }
    // But for the memory.
    let figures = outputs.map { $0.split(separator: "\n").filter { !$0.contains("PeakBytes") } }
    #expect(figures[0] == figures[1] && figures[0].count > 20)
    let probe = try JSONDecoder().decode(Probe.self, from: Data(outputs[0].utf8))
    #expect(probe.schema == "strata.probe/1")
    #expect(probe.depths.map(\.name) == ["images", "layer 1", "layer 2"])
    #expect(probe.depths.map(\.features) == [4, 64, 128])
    // Four means of a digit tell little; what the layers make of it tells nearly all.
    #expect(probe.depths[0].linear.testTop1 < 0.6)
    for depth in probe.depths.dropFirst() {
      #expect(depth.linear.testTop1 > 0.75 && depth.nearest.testTop1 > 0.75 && depth.one.testTop1 > 0.6)
      #expect(depth.nearest.trainTop1 == nil && depth.linear.trainTop1 ?? 0 > 0.9)
    }
    let full = try workspace.strata("probe", "out", "--learners", "linear", "--features", "full")
    #expect(full.exitCode == 0, "\(full.diagnostics)")
    #expect(full.output.contains("test accuracy, linear\n"))
    let wrong = try workspace.strata("probe", "out", "--learners", "linear,linear")
    #expect(wrong.exitCode == 2)
    let none = try workspace.strata("probe", "nowhere")
    #expect(none.exitCode == 2)
  }

  @Test(
    "images of odd sizes train, are measured, and go on from their weights",
    arguments: [
      "network: {family: vgg, widths: [4, 4, 6, 6, 8, 8], head: {kind: mlp, hidden: [8]}}\n"
        + "downsampling: {kind: max-pool, before: [3, 5, 6]}\nauxiliary: {kind: linear, loss: predsim}\n",
      "network: {family: resnet, stem: {width: 4}, head: gap, "
        + "stages: [{blocks: 1, width: 4}, {blocks: 1, width: 4}, {blocks: 1, width: 6}, {blocks: 1, width: 8}]}\n",
    ])
  func oddSizes(sections: String) throws {
    let workspace = try Workspace()
    try workspace.write(
      """
      strata: 1
      name: odd
      data: {source: synthetic, limit: {train: 64, test: 32}}
      \(sections.replacing("family", with: "input: 1x28x28, family"))
      training: {epochs: 1, batch: 16}

      """, to: "odd.yaml")
    for strategy in ["parallel", "sequential"] {
      let run = try workspace.strata(
        "run", "odd.yaml", "-o", strategy, "--strict", "--set", "training.strategy=\(strategy)")
      #expect(run.exitCode == 0, "\(run.diagnostics)")
    }
    #expect(try workspace.strata("evaluate", "sequential").exitCode == 0)
    let further = try workspace.strata(
      "run", "odd.yaml", "-o", "further", "--set", "network.from=parallel", "--set", "network.frozen=2")
    #expect(further.exitCode == 0, "\(further.diagnostics)")
  }
}
