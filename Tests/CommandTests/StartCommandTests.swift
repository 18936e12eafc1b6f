import Foundation
import Testing

private struct Evaluation: Decodable {
  struct Module: Decodable {
    var index: Int
    var testTop1: Double
  }
  var modules: [Module]
  var ensembleTop1: Double?
}

private struct SpecOfPlan: Decodable {
  struct Spec: Decodable {
    var path: String?
    var set: [String]?
    var text: String
  }
  var spec: Spec
}

/// Three layers on the digits.
private let netSpec = """
  strata: 1
  name: net
  data: {source: digits, limit: {train: 100, test: 50}}
  network: {family: vgg, widths: [8, 8, 8]}
  training: {strategy: sequential, epochs: 1, batch: 50}

  """

@Suite("Starting from a run, from the command line")
struct StartCommandTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(netSpec, to: "net.yaml")
  }

  private func run(_ arguments: String...) throws {
    let run = try StrataProcess(["run"] + arguments + ["--threads", "1"], in: workspace.url)
    try #require(run.exitCode == 0, "\(run.diagnostics)")
  }

  private func evaluation(_ folder: String) throws -> Evaluation {
    let process = try workspace.strata("evaluate", folder, "--json")
    try #require(process.exitCode == 0, "\(process.diagnostics)")
    return try JSONDecoder().decode(Evaluation.self, from: Data(process.output.utf8))
  }

  /// Where a tensor's bytes lie in a model file; nil where there is no such tensor.
  private func place(of tensor: String, in data: Data) throws -> Range<Int>? {
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try #require(
      try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]])
    guard let offsets = header[tensor]?["data_offsets"] as? [Int] else { return nil }
    return 8 + length + offsets[0]..<8 + length + offsets[1]
  }

  @Test("classifiers that nobody trained are not stored, and not taken for trained by who starts from there")
  func chain() throws {
    try run("net.yaml", "-o", "whole", "--set", "training.strategy=end-to-end")
    for (from, to) in [("whole", "second"), ("second", "third")] {
      try run(
        "net.yaml", "-o", to, "--set", "network.from=\(from)", "--set", "network.frozen=2")
      let figures = try evaluation(to)
      #expect(figures.modules.map(\.index) == [3] && figures.ensembleTop1 == nil)
      let data = try workspace.data("\(to)/model.safetensors")
      #expect(try place(of: "auxiliaries.1.output.weight", in: data) == nil)
      #expect(try place(of: "head.output.weight", in: data) != nil)
    }
  }

  @Test("frozen layers are those that were stored, or it is a fault of the spec")
  func wiring() throws {
    try run("net.yaml", "-o", "first")
    let base = ["plan", "net.yaml", "--set", "network.from=first", "--set", "network.frozen=2"]
    #expect(try StrataProcess(base, in: workspace.url).exitCode == 0)
    for (set, words) in [
      ("network.bias=false", "have 3 tensors that this network does not have: 'layers.1.conv.bias', "),
      ("network.batch-norm=false", "have 12 tensors that this network does not have: 'layers.1.batch_norm."),
      ("downsampling={kind: max-pool, before: [2]}", "here with max-pool 2x2 stride 2"),
    ] {
      let plan = try StrataProcess(base + ["--set", set], in: workspace.url)
      #expect(plan.exitCode == 2, "\(set)")
      #expect(
        plan.diagnostics.contains("error[E132]") && plan.diagnostics.contains(words), "\(plan.diagnostics)")
      #expect(plan.diagnostics.contains("first/model.safetensors"))
    }
  }

  @Test("weights that are no numbers are neither started from nor evaluated nor probed")
  func notFinite() throws {
    try run("net.yaml", "-o", "first")
    var data = try workspace.data("first/model.safetensors")
    let place = try #require(try place(of: "layers.2.conv.weight", in: data))
    data.replaceSubrange(place.lowerBound..<place.lowerBound + 4, with: [0, 0, 0xC0, 0x7F])
    try data.write(to: workspace.url.appending(path: "first/model.safetensors"))
    // As a run that has come to them would have them: its summary says nothing else.
    try workspace.write(
      workspace.text("first/summary.json").replacing(
        /"weightsSha256": "[0-9a-f]+"/, with: "\"weightsSha256\": null"), to: "first/summary.json")
    let next = try workspace.strata(
      "run", "net.yaml", "-o", "second", "--set", "network.from=first", "--set", "network.frozen=2")
    #expect(next.exitCode == 2)
    #expect(next.diagnostics.contains("error[E132]: the stored tensor 'layers.2.conv.weight'"))
    for arguments in [
      ["evaluate", "first"], ["probe", "first"], ["probe", "first", "--learners", "cnn-1"],
    ] {
      let process = try StrataProcess(arguments, in: workspace.url)
      #expect(process.exitCode == 1 && process.output == "", "\(arguments)")
      #expect(
        process.diagnostics.contains("the tensor 'layers.2.conv.weight' has numbers that are not finite"))
    }
  }

  @Test("a run that is not finished has no weights yet")
  func unfinished() throws {
    try run("net.yaml", "-o", "a run")
    try FileManager.default.removeItem(at: workspace.url.appending(path: "a run/model.safetensors"))
    for from in ["a run", "a run/model.safetensors"] {
      let plan = try workspace.strata("plan", "net.yaml", "--set", "network.from=\(from)")
      #expect(plan.exitCode == 2)
      #expect(plan.diagnostics.contains("error[E132]: the run in 'a run' is not finished"))
      #expect(plan.diagnostics.contains("= help: finish it: strata run 'a run' --resume"))
    }
  }

  @Test("weights that change while a run still reads them stop it, and it goes on once they are back")
  func changedWeights() throws {
    try run("net.yaml", "-o", "base")
    let file = workspace.url.appending(path: "base/model.safetensors")
    let weights = try Data(contentsOf: file)
    var others = weights
    // The last bit of a number that the last stage begins with.
    let place = try #require(try place(of: "layers.3.conv.weight", in: weights))
    others[place.lowerBound] ^= 1

    func line(_ epochs: Int) -> [String] {
      [
        "net.yaml", "--threads", "1", "--set", "network.from=base", "--set", "training.epochs=\(epochs)",
      ]
    }
    var (epochs, end) = (100, RunningStrata.End?.none)
    // The last stage may begin before anybody has looked.
    while end == nil {
      let running = try RunningStrata(
        ["run"] + line(epochs) + ["-o", "out", "--checkpoint-every", "1ms"], in: workspace.url)
      #expect(running.wait { (try? workspace.names(in: "out/checkpoints"))?.isEmpty == false })
      try others.write(to: file)
      end = try running.wait()
      guard end?.exitCode == 0, epochs < 100_000 else { break }
      try weights.write(to: file)
      try FileManager.default.removeItem(at: workspace.url.appending(path: "out"))
      (epochs, end) = (epochs * 10, nil)
    }
    let diagnostics = end?.diagnostics ?? ""
    #expect(
      end?.exitCode == 1
        && diagnostics.contains(
          "base/model.safetensors: not the weights that were planned with: SHA-256"),
      "\(diagnostics)")
    let refused = try workspace.strata("run", "out", "--resume")
    #expect(refused.exitCode == 4 && refused.diagnostics.contains("have changed (SHA-256"), "\(refused)")
    #expect(try !workspace.names(in: "out").contains("model.safetensors"))

    try weights.write(to: file)
    try run(line(epochs) + ["-o", "whole"])
    let resumed = try workspace.strata("run", "out", "--resume")
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    let isSame = try workspace.data("out/model.safetensors") == workspace.data("whole/model.safetensors")
    #expect(isSame)
  }

  // MARK: - Plans with --set

  @Test("a plan that was made with --set runs beside its spec, and is stale when that has changed")
  func planWithSets() throws {
    let made = try workspace.strata(
      "plan", "net.yaml", "-o", "plans.json", "--threads", "1", "--budget", "64MiB", "--set",
      "training.epochs=2", "--set", "auxiliary={kind: cnn, k: 2}")
    try #require(made.exitCode == 0, "\(made.diagnostics)")
    let spec = try workspace.decode(SpecOfPlan.self, "plans.json").spec
    #expect(spec.set == ["training.epochs=2", "auxiliary={kind: cnn, k: 2}"])
    try run("plans.json", "-o", "planned")
    try run(
      "net.yaml", "-o", "direct", "--budget", "64MiB", "--set", "training.epochs=2", "--set",
      "auxiliary={kind: cnn, k: 2}")
    let isSame =
      try workspace.data("planned/model.safetensors") == workspace.data("direct/model.safetensors")
    #expect(isSame)
    #expect(try workspace.strata("show", "plans.json", "--resolved").output.contains("epochs: 2\n"))
    #expect(try workspace.strata("run", "planned", "--resume").exitCode == 0)
    #expect(
      try workspace.strata("diff", "plans.json", "planned/plan.json").output.contains("the plans are equal"))
    try workspace.write(netSpec.replacing("batch: 50", with: "batch: 25"), to: "net.yaml")
    let stale = try workspace.strata("run", "plans.json", "-o", "other")
    #expect(stale.exitCode == 4)
    #expect(
      stale.diagnostics == """
        error: plans.json: the plan is stale: net.yaml has changed: training.batch: 50 -> 25
          = help: plan again: strata plan net.yaml --set 'training.epochs=2' --set 'auxiliary={kind: cnn, k: 2}' \
        --threads 1 --budget 64MiB -o plans.json

        """)
    // Without the spec the plan says all by itself.
    try FileManager.default.removeItem(at: workspace.url.appending(path: "net.yaml"))
    #expect(try workspace.strata("run", "plans.json", "--dry-run").exitCode == 0)
    #expect(try workspace.strata("evaluate", "planned").exitCode == 0)
  }

  @Test("a plan without --set has none")
  func planWithoutSets() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "plan.json").exitCode == 0)
    #expect(try workspace.decode(SpecOfPlan.self, "plan.json").spec.set == nil)
  }

  // MARK: - Where paths start

  @Test(
    "paths in --set start at the current folder, those of the spec at its own",
    arguments: ["network.from=first", "network={family: vgg, widths: [8, 8, 8], from: \"first\"}"])
  func setPaths(set: String) throws {
    try run("net.yaml", "-o", "first")
    try workspace.write(netSpec, to: "sub/net.yaml")
    let sets = ["--set", set, "--set", "network.frozen=1"]
    for command in [["check"], ["plan"], ["run", "--dry-run"], ["bench", "--steps", "1"], ["ir"], ["show"]] {
      let process = try StrataProcess(command + ["sub/net.yaml"] + sets, in: workspace.url)
      #expect(process.exitCode == 0, "\(command): \(process.diagnostics)")
    }
    try run(["sub/net.yaml", "-o", "second"] + sets)
    #expect(try workspace.text("second/spec.yaml").contains("from: ../first\n"))
    // A plan finds them, wherever it lies, and wherever it is run.
    let kept = try StrataProcess(["plan", "sub/net.yaml", "-o", "sub/deep.json"] + sets, in: workspace.url)
    #expect(kept.exitCode == 0, "\(kept.diagnostics)")
    let words = try #require(try workspace.decode(SpecOfPlan.self, "sub/deep.json").spec.set)
    #expect(words.count == 2 && words[0].contains("../first") && !words[0].contains("\""))
    let folder = workspace.url.appending(path: "sub")
    let elsewhere = try StrataProcess("run", "deep.json", "-o", "third", "--threads", "2", in: folder)
    #expect(elsewhere.exitCode == 0, "\(elsewhere.diagnostics)")
    let isSame =
      try workspace.data("second/model.safetensors") == workspace.data("sub/third/model.safetensors")
    #expect(isSame)
    // A run goes on from anywhere: without a checkpoint it reads its weights again.
    try FileManager.default.removeItem(at: workspace.url.appending(path: "second/checkpoints"))
    for name in ["summary.json", "model.safetensors"] {
      try FileManager.default.removeItem(at: workspace.url.appending(path: "second/\(name)"))
    }
    let resumed = try StrataProcess("run", "../second", "--resume", in: folder)
    #expect(resumed.exitCode == 0, "\(resumed.diagnostics)")
    // What is stale is told to be typed from here.
    try workspace.write(netSpec.replacing("batch: 50", with: "batch: 25"), to: "sub/net.yaml")
    let stale = try workspace.strata("run", "sub/deep.json", "--dry-run")
    #expect(stale.exitCode == 4)
    #expect(stale.diagnostics.contains("sub/../first") || stale.diagnostics.contains("from=first"))
    let command = try #require(stale.diagnostics.split(separator: "strata plan ").last)
    let line = try StrataProcess.shell("strata plan \(command)", in: workspace.url)
    #expect(line.exitCode == 0, "\(line.diagnostics)")
    let again = try workspace.strata("run", "sub/deep.json", "--dry-run")
    #expect(again.exitCode == 0, "\(again.diagnostics)")
  }

  @Test("a folder that is a link: what is typed starts here, not where the link leads")
  func linkedFolder() throws {
    try run("net.yaml", "-o", "first")
    try workspace.write(netSpec, to: "far/away/specs/net.yaml")
    try FileManager.default.createSymbolicLink(
      at: workspace.url.appending(path: "linked"),
      withDestinationURL: workspace.url.appending(path: "far/away/specs"))
    for path in ["linked/net.yaml", workspace.url.appending(path: "linked/net.yaml").path] {
      let plan = try workspace.strata(
        "plan", path, "--set", "network.from=first", "--set", "network.frozen=1")
      #expect(plan.exitCode == 0, "\(plan.diagnostics)")
    }
  }

  @Test("the data's path, too; in the spec it starts at the spec")
  func dataPath() throws {
    // Two images to a file, as NumPy writes them.
    for (part, count) in [("train", 4), ("test", 2)] {
      try workspace.writeArray("images/\(part)_images.npy", shape: [count, 4, 4])
      try workspace.writeArray("images/\(part)_labels.npy", shape: [count])
    }
    let text = netSpec.replacing(
      "data: {source: digits, limit: {train: 100, test: 50}}", with: "data: {source: npy, path: ../images}"
    ).replacing("widths: [8, 8, 8]", with: "widths: [8, 8], input: 1x4x4, classes: 2")
      .replacing("batch: 50", with: "batch: 2")
    try workspace.write(text, to: "sub/net.yaml")
    #expect(try workspace.strata("plan", "sub/net.yaml").exitCode == 0)
    let typed = try workspace.strata("plan", "sub/net.yaml", "--set", "data.path=images")
    #expect(typed.exitCode == 0, "\(typed.diagnostics)")
    let wrong = try workspace.strata("plan", "sub/net.yaml", "--set", "data.path=../images")
    #expect(wrong.exitCode == 5)
    try run("sub/net.yaml", "-o", "out", "--set", "data.path=images")
    let evaluated = try StrataProcess("evaluate", "../out", in: workspace.url.appending(path: "sub"))
    #expect(evaluated.exitCode == 0, "\(evaluated.diagnostics)")
    // Where the data was given to the command that refuses a plan, it is part of what is to be typed.
    let planned = try workspace.strata(
      "plan", "sub/net.yaml", "--data", "images", "--threads", "200", "-o", "net.plan.json")
    #expect(planned.exitCode == 0, "\(planned.diagnostics)")
    try workspace.write(text.replacing("batch: 2", with: "batch: 1"), to: "sub/net.yaml")
    let stale = try workspace.strata("run", "net.plan.json", "--data", "images")
    #expect(stale.exitCode == 4)
    #expect(
      stale.diagnostics.contains(
        "strata plan sub/net.yaml --data images --threads 200 -o net.plan.json\n"),
      "\(stale.diagnostics)")
  }
}

extension StartCommandTests {
  private func run(_ arguments: [String]) throws {
    let run = try StrataProcess(["run"] + arguments, in: workspace.url)
    try #require(run.exitCode == 0, "\(run.diagnostics)")
  }
}

extension Workspace {
  /// Bytes 0, 1, 0, 1, ... as an array of NumPy's.
  fileprivate func writeArray(_ name: String, shape: [Int]) throws {
    let extents = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count % 256), 0]
    bytes += Array(header.utf8)
    bytes += (0..<shape.reduce(1, *)).map { UInt8($0 % 2) }
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }
}
