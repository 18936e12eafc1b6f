import Foundation
import Testing

private struct PlanDocument: Decodable {
  struct Spec: Decodable { var sha256: String }
  struct DataPart: Decodable { var fingerprint: String? }
  struct Network: Decodable { var parameters, macs: Int }
  struct Module: Decodable {
    struct Auxiliary: Decodable { var parameters, macs: Int }
    var index, parameters, macs: Int
    var name: String
    var auxiliary: Auxiliary
  }
  struct Memory: Decodable {
    var peakBytes, arenaBytes, lowerBoundBytes, parameterBytes, statisticsBytes, gradientBytes: Int
    var optimizerBytes, activationBytes, workspaceBytes, batchBytes, dataBytes, runtimeBytes: Int
    var peakStage, endToEndPeakBytes, budgetBytes: Int?
    var peakOperation: String?

    var categories: Int {
      parameterBytes + statisticsBytes + gradientBytes + optimizerBytes + activationBytes + workspaceBytes
        + batchBytes
    }
  }
  struct Stage: Decodable {
    var index, epochs, steps: Int
    var strategy: String
    var modules: [Int]
    var memory: Memory
  }
  var schema, name, layoutSha256: String
  var threads: Int
  var spec: Spec
  var data: DataPart
  var network: Network
  var modules: [Module]
  var stages: [Stage]
  var memory: Memory
}

@Suite("Plans, printed and kept")
struct PlanTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "specs/net.yaml")
  }

  private func planned(_ arguments: [String] = [], threads: Int = 2) throws -> PlanDocument {
    let result = try StrataProcess(
      ["plan", "specs/net.yaml", "--json", "--threads", "\(threads)"] + arguments, in: workspace.url)
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    return try JSONDecoder().decode(PlanDocument.self, from: Data(result.output.utf8))
  }

  @Test("the figures of a plan add up", arguments: ["parallel", "sequential", "end-to-end"])
  func figures(strategy: String) throws {
    let plan = try planned(["--set", "training.strategy=\(strategy)"])
    #expect(plan.schema == "strata.plan/1" && plan.name == "small" && plan.threads == 2)
    #expect(plan.spec.sha256.count == 64 && plan.layoutSha256.count == 64)
    #expect(plan.data.fingerprint == nil)
    for memory in plan.stages.map(\.memory) + [plan.memory] {
      #expect(memory.categories == memory.lowerBoundBytes)
      #expect(memory.lowerBoundBytes <= memory.arenaBytes)
      #expect(memory.peakBytes == memory.arenaBytes + memory.dataBytes + memory.runtimeBytes)
    }
    #expect(plan.stages.map(\.memory.arenaBytes).max() == plan.memory.arenaBytes)
    #expect(plan.memory.peakStage != nil && plan.memory.budgetBytes == nil)
    #expect(plan.memory.peakOperation?.contains("(specs/net.yaml:") == true)
    let layers = plan.modules.map(\.parameters).reduce(0, +)
    #expect(plan.network.parameters == layers + (plan.modules.last?.auxiliary.parameters ?? 0))
    // 192 images in batches of 50, two epochs.
    switch strategy {
    case "sequential":
      #expect(plan.stages.map(\.modules) == [[1], [2]] && plan.stages.map(\.steps) == [8, 8])
    case "parallel": #expect(plan.stages.map(\.modules) == [[1, 2]] && plan.stages.map(\.steps) == [8])
    default:
      #expect(plan.stages.map(\.modules) == [[1]] && plan.stages.map(\.steps) == [8])
      #expect(plan.memory.endToEndPeakBytes == plan.memory.peakBytes)
    }
    #expect(plan.stages.map(\.strategy) == plan.stages.map { _ in strategy })
  }

  @Test("more threads take more scratch and nothing else")
  func threads() throws {
    let one = try planned(threads: 1)
    let three = try planned(threads: 3)
    #expect(one.threads == 1 && three.threads == 3)
    #expect(three.memory.workspaceBytes >= one.memory.workspaceBytes)
    #expect(three.memory.parameterBytes == one.memory.parameterBytes)
    #expect(three.spec.sha256 == one.spec.sha256)
  }

  @Test("a kept plan runs as it stands")
  func kept() throws {
    let plan = try workspace.strata("plan", "specs/net.yaml", "-o", "net.plan.json")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    #expect(try workspace.text("net.plan.json").contains("\"path\": \"specs/net.yaml\""))
    let run = try workspace.strata("run", "net.plan.json", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(try workspace.strata("run", "specs/net.yaml", "-o", "again").exitCode == 0)
    let isSame = try workspace.data("out/model.safetensors") == workspace.data("again/model.safetensors")
    #expect(isSame)
    let set = try workspace.strata("run", "net.plan.json", "--set", "training.seed=2")
    #expect(set.exitCode == 2)
  }

  @Test("a plan whose spec has changed is stale, with what changed; a comment changes nothing")
  func stale() throws {
    #expect(try workspace.strata("plan", "specs/net.yaml", "-o", "net.plan.json").exitCode == 0)
    try workspace.write("# read me\n" + digitsSpec, to: "specs/net.yaml")
    #expect(try workspace.strata("run", "net.plan.json", "--dry-run").exitCode == 0)
    try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 48"), to: "specs/net.yaml")
    let run = try workspace.strata("run", "net.plan.json", "-o", "out")
    #expect(run.exitCode == 4)
    #expect(run.output == "")
    #expect(
      run.diagnostics == """
        error: net.plan.json: the plan is stale: specs/net.yaml has changed: training.batch: 50 -> 48
          = help: plan again: strata plan specs/net.yaml -o net.plan.json

        """)
    #expect(try workspace.names(in: ".") == ["net.plan.json", "specs"])
  }

  @Test("every leaf of a plan is bound: changed, the plan is refused")
  func everyLeaf() throws {
    let spec =
      digitsSpec.replacing("strategy: parallel", with: "strategy: sequential").replacing(
        "augment: {pad-crop: 1}, ", with: "")
      + "\nmemory: {features: cache}\n"
    try workspace.write(spec, to: "specs/net.yaml")
    let planned = try workspace.strata("plan", "specs/net.yaml", "--budget", "40MiB", "-o", "net.plan.json")
    #expect(planned.exitCode == 0, "\(planned.diagnostics)")
    let document = try JSONSerialization.jsonObject(with: workspace.data("net.plan.json"))
    func run(_ document: Any, _ name: String) throws -> StrataProcess {
      let data = try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys])
      try workspace.write(String(decoding: data, as: UTF8.self), to: name)
      return try workspace.strata("run", name, "--dry-run")
    }
    // Written otherwise it is the same plan.
    let same = try run(document, "same.json")
    #expect(same.exitCode == 0, "\(same.diagnostics)")
    var unsealed = try #require(document as? [String: Any])
    #expect(unsealed.removeValue(forKey: "planSha256") != nil)
    #expect(try run(unsealed, "unsealed.json").exitCode == 4)
    let paths = leafPaths(document)
    #expect(paths.count > 150)
    for (index, path) in paths.enumerated() {
      let result = try run(changed(document, at: path[...]), "changed-\(index).json")
      let place = path.map { "\($0)" }.joined(separator: ".")
      #expect(result.exitCode == 2 || result.exitCode == 4, "\(place): \(result.exitCode)")
      #expect(result.output == "" && result.diagnostics.contains("changed-\(index).json"), "\(place)")
    }
  }

  /// Keys and positions that lead to each leaf; empty lists and objects are leaves.
  private func leafPaths(_ value: Any) -> [[AnyHashable]] {
    if let members = value as? [String: Any], !members.isEmpty {
      return members.sorted { $0.key < $1.key }.flatMap { key, value in
        leafPaths(value).map { [AnyHashable(key)] + $0 }
      }
    }
    if let elements = value as? [Any], !elements.isEmpty {
      return elements.enumerated().flatMap { index, value in
        leafPaths(value).map { [AnyHashable(index)] + $0 }
      }
    }
    return [[]]
  }

  private func changed(_ value: Any, at path: ArraySlice<AnyHashable>) -> Any {
    if let first = path.first {
      if var members = value as? [String: Any], let key = first as? String {
        members[key] = changed(members[key] ?? NSNull(), at: path.dropFirst())
        return members
      }
      if var elements = value as? [Any], let index = first as? Int {
        elements[index] = changed(elements[index], at: path.dropFirst())
        return elements
      }
    }
    switch value {
    case let number as NSNumber: return NSNumber(value: number.doubleValue + 1)
    case let text as String: return text + "x"
    case _: return 1
    }
  }

  @Test("a plan that is kept through a link to its folder finds its spec all the same")
  func linkedFolder() throws {
    try FileManager.default.createDirectory(
      at: workspace.url.appending(path: "far/away/plans"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      at: workspace.url.appending(path: "linked"),
      withDestinationURL: workspace.url.appending(path: "far/away/plans"))
    let plan = try workspace.strata("plan", "specs/net.yaml", "-o", "linked/net.plan.json")
    #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    #expect(
      try workspace.text("far/away/plans/net.plan.json").contains("\"path\": \"../../../specs/net.yaml\""))
    for path in ["linked/net.plan.json", "far/away/plans/net.plan.json"] {
      let run = try workspace.strata("run", path, "--dry-run")
      #expect(run.exitCode == 0 && !run.diagnostics.contains("is not there"), "\(run.diagnostics)")
    }
    try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 48"), to: "specs/net.yaml")
    #expect(try workspace.strata("run", "linked/net.plan.json", "--dry-run").exitCode == 4)
  }

  @Test("a plan that is printed runs like one that is kept")
  func printed() throws {
    let printed = try workspace.strata("plan", "specs/net.yaml", "--json")
    try workspace.write(printed.output, to: "printed.json")
    let run = try workspace.strata("run", "printed.json", "--dry-run")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
  }

  @Test("a plan that was tampered with is stale")
  func tampered() throws {
    #expect(try workspace.strata("plan", "specs/net.yaml", "-o", "net.plan.json").exitCode == 0)
    let text = try workspace.text("net.plan.json")
    try workspace.write(text.replacing("batch: 50", with: "batch: 48"), to: "net.plan.json")
    #expect(try workspace.strata("run", "net.plan.json", "-o", "out").exitCode == 4)
    let layout = try #require(text.firstMatch(of: /"layoutSha256": "([0-9a-f]+)"/)?.1)
    try workspace.write(
      text.replacing(layout, with: String(repeating: "0", count: 64)), to: "net.plan.json")
    #expect(try workspace.strata("run", "net.plan.json", "-o", "out").exitCode == 4)
    try workspace.write("{\"schema\": \"strata.plan/1\"", to: "net.plan.json")
    #expect(try workspace.strata("run", "net.plan.json", "-o", "out").exitCode == 2)
  }

  @Test("generated/plans.md tells what the command writes", arguments: ["digits", "dgl-curves", "vgg11"])
  func generated(name: String) throws {
    let repository = Workspace.repository
    try workspace.write(
      try String(contentsOf: repository.appending(path: "specs/\(name).yaml"), encoding: .utf8),
      to: "specs/\(name).yaml")
    // The kept figures do not depend on the machine.
    let result = try workspace.strata("plan", "specs/\(name).yaml", "--json", "--threads", "2")
    #expect(result.exitCode == 0, "\(result.diagnostics)")
    let plan = try JSONDecoder().decode(PlanDocument.self, from: Data(result.output.utf8))
    let table = try String(contentsOf: repository.appending(path: "generated/plans.md"), encoding: .utf8)
    let row = try #require(table.split(separator: "\n").first { $0.hasPrefix("| [\(name)]") })
    #expect(row.contains(" \(plan.memory.arenaBytes) ") && row.contains("`\(plan.layoutSha256.prefix(16))`"))
  }

  @Test("a folder that does not exist is a failure, not a fault of the spec")
  func unwritable() throws {
    let plan = try workspace.strata("plan", "specs/net.yaml", "-o", "nowhere/net.plan.json")
    #expect(plan.exitCode == 1)
    #expect(plan.diagnostics.hasPrefix("error: cannot write the plan: "))
  }
}
