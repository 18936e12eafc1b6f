import Foundation
import Testing

@Suite("Measuring a step")
struct BenchTests {
  private struct Report: Decodable {
    var schema: String
    var steps: Int
    var imagesPerSecond: Double
  }

  private static let head = """
    strata: 1
    name: measured
    data: {source: cifar10, limit: {train: 30000}}
    network: {family: vgg, widths: [4, 4], head: {kind: cnn, k: 2, width: 4}}
    downsampling: {kind: max-pool, before: [1, 2]}
    auxiliary: {kind: cnn, k: 2, width: 4}

    """

  @Test(
    "made-up images stand for the data set, whatever the spec says of how many it has",
    arguments: [
      // Ranks its channels over more images than there are made up.
      "training: {strategy: sequential, batch: 16}\ncompression: {width: [2, 2], epochs: 1, pictures: 5000}\n",
      // Fills a batch with no fewer than 1,500.
      "training: {batch: 1500, drop-last: true}\n",
    ])
  func ownImages(training: String) throws {
    let workspace = try Workspace()
    try workspace.write(Self.head + training, to: "net.yaml")
    let plan = try workspace.strata("plan", "net.yaml")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    let bench = try workspace.strata("bench", "net.yaml", "--steps", "1", "--json")
    #expect(bench.exitCode == 0, "\(bench.diagnostics)")
    let report = try JSONDecoder().decode(Report.self, from: Data(bench.output.utf8))
    #expect(report.schema == "strata.bench/1" && report.steps == 1 && report.imagesPerSecond > 0)
  }

  private struct Profiled: Decodable {
    struct Row: Decodable {
      var module: Int
      var operation: String?
      var seconds: Double
      var macs, executedMacs, bytes: Int
      var share: Double
    }
    struct Roofline: Decodable {
      var gigaflopsPerSecond, gigabytesPerSecond: Double
      var from: String
    }
    struct Stage: Decodable {
      var stage: Int
      var modules: [Int]
      var profile: [Row]?
    }
    var stage: Int
    var profile, profileByModule: [Row]?
    var ceiling: Roofline?
    var stages: [Stage]
  }

  private func bench(_ workspace: Workspace, _ arguments: String...) throws -> Profiled {
    let result = try StrataProcess(
      ["bench", "net.yaml", "--steps", "2", "--json"] + arguments, in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    return try JSONDecoder().decode(Profiled.self, from: Data(result.output.utf8))
  }

  @Test("modules' rows are the sums of their operations', and shares are of the roofline")
  func modules() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    let report = try bench(workspace, "--profile")
    let (rows, modules) = try (#require(report.profile), #require(report.profileByModule))
    #expect(modules.map(\.module) == [1, 2])
    for module in modules {
      let own = rows.filter { $0.module == module.module }
      #expect(abs(own.map(\.seconds).reduce(0, +) - module.seconds) < 1e-9)
      #expect(own.map(\.macs).reduce(0, +) == module.macs)
      #expect(own.map(\.executedMacs).reduce(0, +) == module.executedMacs)
      #expect(own.map(\.bytes).reduce(0, +) == module.bytes)
      #expect(module.share > 0)
    }
    let roofline = try #require(report.ceiling)
    #expect(roofline.gigaflopsPerSecond > 0 && roofline.gigabytesPerSecond > 0 && roofline.from == "measured")
    // 8 to 16 channels of 4x4 images, 50 of them: 36 planes for a tile that takes 144 plain products.
    let winograd = try #require(
      rows.first { $0.module == 2 && $0.operation?.contains("winograd-4x4") == true })
    #expect(winograd.macs == 4 * winograd.executedMacs)
    #expect(winograd.executedMacs == 36 * 50 * 8 * 16 && winograd.bytes == 0)
    let product = 2e-9 * Double(winograd.executedMacs) / winograd.seconds / roofline.gigaflopsPerSecond
    #expect(abs(winograd.share / product - 1) < 1e-6)
    let norm = try #require(rows.first { $0.operation?.contains("batch_norm") == true })
    #expect(norm.macs == 0 && norm.bytes > 0)
    let text = try workspace.strata("bench", "net.yaml", "--steps", "1", "--profile")
    for part in ["roofline: ", "time by module", "GFLOP/s of plain products", "measured just"] {
      #expect(text.output.contains(part), "\(text.output)")
    }
  }

  @Test("every stage of sequential training is measured, and named")
  func stages() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    let sequential = try bench(workspace, "--set", "training.strategy=sequential")
    #expect(sequential.stage == 1 && sequential.stages.map(\.stage) == [1, 2])
    #expect(sequential.stages.map(\.modules) == [[1], [2]])
    let second = try bench(workspace, "--mode", "stage:2")
    #expect(second.stage == 2 && second.stages.map(\.stage) == [2])
    let text = try workspace.strata(
      "bench", "net.yaml", "--steps", "1", "--set", "training.strategy=sequential")
    #expect(text.output.contains("stage 1 (module 1)") && text.output.contains("stage 2 (module 2)"))
    let parallel = try workspace.strata("bench", "net.yaml", "--steps", "1")
    #expect(parallel.output.contains("stage 1 (modules 1-2)"), "\(parallel.output)")
  }

  @Test(
    "what only a spec's step has means nothing without a spec",
    arguments: [
      ["--profile"], ["--steps", "3"], ["--mode", "stage:2"], ["--set", "training.epochs=1"],
      ["--calibrate", "--profile"], ["--calibrate", "--set", "training.epochs=1"],
    ])
  func withoutSpec(arguments: [String]) throws {
    let result = try StrataProcess(["bench"] + arguments)
    #expect(result.exitCode == 2 && result.diagnostics.contains("there is no spec"), "\(result.diagnostics)")
  }
}
