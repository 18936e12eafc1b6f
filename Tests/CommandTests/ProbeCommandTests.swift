import Foundation
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
    var linear, nearest, one, two: Figure?

    enum CodingKeys: String, CodingKey {
      case module, name, features, linear, nearest
      case one = "cnn-1"
      case two = "cnn-2"
    }
  }
  var features: String
  var depths: [Depth]
}

@Suite("Probes, from the command line")
struct ProbeCommandTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
  }

  private func run(network: String, training: String) throws {
    try workspace.write(
      """
      strata: 1
      name: net
      data: {source: digits, limit: {train: 200, test: 100}}
      network: {\(network)}
      training: {\(training), epochs: 2, batch: 50}

      """, to: "net.yaml")
    let run = try workspace.strata("run", "net.yaml", "-o", "out", "--threads", "1")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
  }

  private func probe(_ arguments: String...) throws -> Probe {
    let process = try StrataProcess(
      ["probe", "out", "--json", "--threads", "1"] + arguments, in: workspace.url)
    try #require(process.exitCode == 0, "\(process.diagnostics)")
    return try JSONDecoder().decode(Probe.self, from: Data(process.output.utf8))
  }

  @Test(
    "convolutional probes read layers alone, whatever classifiers the run has",
    arguments: [
      (
        "family: vgg, widths: [6, 8]", "strategy: end-to-end", ["images", "layer 1", "layer 2"],
        [(6, 8), (8, 8)]
      ),
      (
        "family: vgg, widths: [6, 8]", "strategy: parallel", ["images", "layer 1", "layer 2"],
        [(6, 8), (8, 8)]
      ),
      (
        "family: resnet, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 8}]", "strategy: end-to-end",
        ["images", "stem", "block 1", "block 2"], [(4, 8), (4, 8), (8, 4)]
      ),
      (
        "family: resnet, stages: [{blocks: 1, width: 4}, {blocks: 1, width: 8}]", "strategy: sequential",
        ["images", "stem", "block 1", "block 2"], [(4, 8), (4, 8), (8, 4)]
      ),
    ] as [(String, String, [String], [(channels: Int, side: Int)])])
  func convolutional(
    network: String, training: String, names: [String], outputs: [(channels: Int, side: Int)]
  ) throws {
    try run(network: network, training: training)
    let pooled = try probe("--learners", "cnn-1,cnn-2", "--epochs", "2")
    #expect(pooled.depths.map(\.name) == names)
    #expect(pooled.depths.map(\.features) == [4] + outputs.map { 4 * $0.channels })
    let full = try probe("--learners", "cnn-1,cnn-2", "--epochs", "6", "--features", "full", "--width", "12")
    #expect(full.depths.map(\.name) == names && full.features == "full")
    #expect(full.depths.map(\.features) == [64] + outputs.map { $0.channels * $0.side * $0.side })
    for depth in full.depths {
      let (one, two) = (try #require(depth.one), try #require(depth.two))
      // A tenth is what chance gives.
      #expect(one.testTop1 > 0.3 && two.testTop1 > 0.3, "\(depth)")
      #expect(one.testTop1 != two.testTop1 || one.trainTop1 != two.trainTop1, "\(depth)")
    }
    // Other convolutions come to other figures.
    let narrow = try probe("--learners", "cnn-1", "--epochs", "6", "--features", "full", "--width", "2")
    #expect(narrow.depths.map { $0.one?.trainTop1 } != full.depths.map { $0.one?.trainTop1 })
  }

  @Test("depth 0 is the images, averaged or as they are")
  func images() throws {
    try run(network: "family: vgg, widths: [4]", training: "strategy: parallel")
    let pooled = try probe()
    let full = try probe("--features", "full")
    #expect(pooled.depths.map(\.features) == [4, 16] && full.depths.map(\.features) == [64, 256])
    let averages = try #require(pooled.depths[0].nearest).testTop1
    let pixels = try #require(full.depths[0].nearest).testTop1
    // Digits are told by their pixels, hardly by four averages.
    #expect(averages < 0.65 && pixels > 0.8, "\(averages), \(pixels)")
    #expect(try #require(full.depths[0].linear).testTop1 > 0.7)
  }

  @Test("options of convolutional probes do not go with others", arguments: ["--epochs", "--width"])
  func idleOptions(option: String) throws {
    try run(network: "family: vgg, widths: [4]", training: "strategy: parallel")
    for learners in [[], ["--learners", "linear"], ["--learners", "nearest,linear"]] {
      let process = try StrataProcess(["probe", "out", option, "5"] + learners, in: workspace.url)
      #expect(process.exitCode == 2 && process.output == "")
      #expect(process.diagnostics.hasPrefix("error: '\(option)' goes with the learners cnn-1 and cnn-2\n"))
    }
    #expect(
      try workspace.strata("probe", "out", option, "1", "--learners", "nearest,cnn-1").exitCode == 0)
  }

  @Test("a probe that diverges is told in words")
  func divergence() throws {
    try run(network: "family: vgg, widths: [4], batch-norm: false", training: "strategy: parallel")
    // Its weights, under the plan of a run that learns so fast that it has failed.
    let fast = try workspace.strata(
      "run", "net.yaml", "-o", "fast", "--set", "training.optimizer.learning-rate=1e6")
    try #require(fast.exitCode == 1, "\(fast.diagnostics)")
    try workspace.data("out/model.safetensors").write(
      to: workspace.url.appending(path: "fast/model.safetensors"))
    let process = try workspace.strata("probe", "fast", "--learners", "cnn-1")
    #expect(process.exitCode == 1)
    #expect(
      process.diagnostics.contains("error: the probe cnn-1 at depth ")
        && process.diagnostics.contains(" cannot be trained: numbers are not finite in epoch "),
      "\(process.diagnostics)")
  }

  @Test("the page that a probe writes has all that the run's own had")
  func page() throws {
    try run(network: "family: vgg, widths: [4]", training: "strategy: parallel")
    let profiled = try workspace.strata("run", "net.yaml", "-o", "profiled", "--profile", "--threads", "1")
    try #require(profiled.exitCode == 0, "\(profiled.diagnostics)")
    let before = try workspace.text("profiled/report.html")
    for learner in ["nearest", "linear"] {
      let process = try workspace.strata("probe", "profiled", "--learners", learner, "--threads", "2")
      #expect(
        process.exitCode == 0 && !process.diagnostics.contains("warning[W008]"), "\(process.diagnostics)")
    }
    let page = try workspace.text("profiled/report.html")
    #expect(page.contains("<h2>Separability</h2>"))
    func profile(_ page: String) throws -> Substring {
      let begin = try #require(page.range(of: "<h2>Time by operation</h2>"))
      let end = try #require(page.range(of: "; a share counts the operations that really run"))
      return page[begin.lowerBound..<end.upperBound]
    }
    #expect(try profile(page) == profile(before))
  }

  @Test("runs of end-to-end training are probed, whatever auxiliaries their spec speaks of")
  func endToEnd() throws {
    let workspace = try Workspace()
    // No vgg auxiliary goes behind the second layer, and no network has one here.
    try workspace.write(
      digitsSpec.replacing("strategy: parallel, epochs: 2", with: "strategy: end-to-end, epochs: 1")
        .replacing("{kind: mlp-sr, convolutions: 1, hidden: 1}", with: "vgg"), to: "net.yaml")
    let run = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let probe = try workspace.strata("probe", "out", "--learners", "linear,cnn-1", "--epochs", "1")
    #expect(probe.exitCode == 0, "\(probe.diagnostics)")
    for depth in 0...2 { #expect(probe.output.contains("\n    \(depth)  "), "\(probe.output)") }
    // A head that the auxiliary section describes stays what was trained.
    let described = try workspace.strata(
      "run", "net.yaml", "-o", "described", "--set", "network.head=auxiliary", "--set",
      "auxiliary={kind: cnn, k: 2, overrides: [{module: 1, kind: vgg}]}")
    #expect(described.exitCode == 0, "\(described.diagnostics)")
    #expect(try workspace.strata("probe", "described", "--learners", "nearest").exitCode == 0)
  }
}
