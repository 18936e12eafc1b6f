import Foundation
import Testing

/// Text for people fits 100 columns, whatever the network; sizes are in units of 1024s; no two rows have one name.
@Suite("Tables that fit")
struct TableWidthTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  private static let limit = 100

  private static let wide = """
    strata: 1
    name: a-network-with-a-long-name-of-many-words
    data: {source: synthetic, limit: {train: 64, test: 32}}
    network: {family: vgg, input: 3x16x16, classes: 12, widths: [8, 16, 16, 24, 24, 32, 32, 40, 40, 48, 48, 48]}
    downsampling: {kind: max-pool, before: [3, 5]}
    auxiliary: {kind: mlp-sr, convolutions: 3, hidden: 2}
    training: {strategy: sequential, epochs: 1, batch: 32}

    """

  /// - Returns: the output.
  private func requireNarrow(_ arguments: [String], exitCode: Int32 = 0) throws -> String {
    let result = try StrataProcess(arguments, in: workspace.url)
    try #require(result.exitCode == exitCode, "\(arguments): \(result.diagnostics)")
    // A command to type and a path stay in one piece.
    let isProse = ["note: ", "training ", "weights, metrics and plan"]
    for line in result.output.split(separator: "\n") where !isProse.contains(where: { line.hasPrefix($0) }) {
      if line.hasSuffix(": finished") { continue }
      #expect(line.count <= Self.limit, "\(arguments), \(line.count):\n\(line)")
    }
    return result.output
  }

  @Test(
    "plans, networks and moments of specs of all kinds",
    arguments: ["wide", "resnet-dgl", "specs/resnet50.yaml", "specs/vgg11-dgl-224.yaml"])
  func plans(name: String) throws {
    let spec: String
    if name == "wide" {
      try workspace.write(Self.wide, to: "net.yaml")
      spec = "net.yaml"
    } else if name.hasPrefix("specs/") {
      spec = Workspace.repository.appending(path: name).path
      guard FileManager.default.fileExists(atPath: spec) else { return }
    } else {
      let made = try workspace.strata("new", name)
      try workspace.write(made.output, to: "net.yaml")
      spec = "net.yaml"
    }
    let plan = try requireNarrow(["plan", spec, "--stages"])
    #expect(plan.contains("MiB") && plan.contains("MACs of the largest step"))
    _ = try requireNarrow(["show", spec])
    _ = try requireNarrow(["show", spec, "--at", "peak"])
    _ = try requireNarrow(["diff", spec, spec, "--set", "b:training.batch=8"])
  }

  @Test("a plan that a budget made stands beside the one of its strategy under a name of its own")
  func names() throws {
    try workspace.write(Self.wide, to: "net.yaml")
    let natural = try workspace.strata(
      "plan", "net.yaml", "--json", "--threads", "2", "--set", "training.strategy=parallel")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(natural.output.utf8)) as? [String: Any])
    let memory = try #require(document["memory"] as? [String: Any])
    let peak = try #require(memory["peakBytes"] as? Int)
    let arena = try #require(memory["arenaBytes"] as? Int)
    let text = try requireNarrow([
      "plan", "net.yaml", "--threads", "2", "--set", "training.strategy=parallel", "--budget",
      "\(peak - arena / 20)",
    ])
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("  parallel") }
    #expect(rows.filter { $0.contains("parallel, with the budget's choices *") }.count == 1, "\(text)")
    let comparison = rows.prefix(2).map { $0.split(separator: "  ", omittingEmptySubsequences: true)[0] }
    #expect(Set(comparison).count == 2, "\(text)")
  }

  @Test("runs, their comparison, probes, evaluation and bench")
  func runs() throws {
    try workspace.write(Self.wide, to: "net.yaml")
    _ = try requireNarrow([
      "run", "net.yaml", "--seeds", "2", "-o", "a-folder-with-a-name-that-is-rather-long/sequential",
    ])
    let folder = "a-folder-with-a-name-that-is-rather-long/sequential/seed-1"
    _ = try requireNarrow(["run", "net.yaml", "--profile", "--set", "training.strategy=parallel", "-o", "b"])
    _ = try requireNarrow([
      "run", "net.yaml", "--set", "training.strategy=parallel", "--set", "training.batch=16", "-o", "c",
    ])
    _ = try requireNarrow(["compare", "a-folder-with-a-name-that-is-rather-long", "b", "c"])
    _ = try requireNarrow(["show", folder])
    _ = try requireNarrow(["evaluate", folder])
    _ = try requireNarrow(["probe", "b"])
    _ = try requireNarrow(["bench", "net.yaml", "--steps", "1"])
  }
}
