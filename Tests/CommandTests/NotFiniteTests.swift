import Foundation
import Testing

private struct Figures: Decodable {
  var status: String
  var weightsSha256: String?
}

@Suite("Runs whose numbers become infinite or NaN")
struct NotFiniteTests {
  private let workspace: Workspace

  init() throws { workspace = try Workspace() }

  /// Runs, and expects the run to fail with these words and to call nothing finished.
  @discardableResult
  private func expectFailed(
    _ name: String, _ words: [String], without: [String] = [], _ arguments: String...
  ) throws -> String {
    let end = try StrataProcess(["run", "net.yaml", "-o", name] + arguments, in: workspace.url)
    #expect(end.exitCode == 1, "\(arguments): \(end.diagnostics)")
    for word in words { #expect(end.diagnostics.contains(word), "\(arguments): \(end.diagnostics)") }
    for word in without { #expect(!end.diagnostics.contains(word), "\(arguments): \(end.diagnostics)") }
    let figures = try workspace.decode(Figures.self, "\(name)/summary.json")
    #expect(figures.status == "failed" && figures.weightsSha256 == nil)
    #expect(try !workspace.names(in: name).contains("model.safetensors"))
    let metrics = try? workspace.text("\(name)/metrics.jsonl")
    #expect(metrics?.contains("null") != true)
    #expect(!end.output.contains("weights, metrics and plan are in"))
    return end.diagnostics
  }

  private static let strategies = [
    ["training.strategy=parallel"], ["training.strategy=sequential"], ["training.strategy=end-to-end"],
    ["training.strategy=asynchronous"], ["training.strategy=parallel", "smallest budget"],
  ]

  @Test("an image that overflows a running variance is named, by any strategy", arguments: strategies)
  func image(settings: [String]) throws {
    var files = NumPyFiles()
    for place in 16..<32 { files[train: 37, place] = -1e20 }
    try files.write(to: workspace)
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
    let sets = try settings.flatMap { setting in
      setting == "smallest budget"
        ? ["--budget", try workspace.smallestBudget("net.yaml")] : ["--set", setting]
    }
    let end = try StrataProcess(["run", "net.yaml", "-o", "out"] + sets, in: workspace.url)
    #expect(end.exitCode == 1, "\(end.diagnostics)")
    for words in [
      "numbers are not finite in epoch 1, step ",
      "the tensor 'layers.1.batch_norm.running_var' of module 1 holds inf",
      "image 37 of the training set", "holds -1e+20", "warning[W020]", "net.yaml:3:",
    ] { #expect(end.diagnostics.contains(words), "\(words)\n\(end.diagnostics)") }
    #expect(!end.diagnostics.contains("learning-rate"), "\(end.diagnostics)")
    #expect(try workspace.decode(Figures.self, "out/summary.json").status == "failed")
  }

  @Test("pixels that are none are refused before anything is made, with their image")
  func pixels() throws {
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
    for (value, word) in [(Float.nan, "NaN"), (.infinity, "inf"), (-.infinity, "-inf")] {
      for split in ["training", "test"] {
        var files = NumPyFiles()
        if split == "training" { files[train: 11, 5] = value } else { files[test: 11, 5] = value }
        try files.write(to: workspace)
        // The same data, planned before it broke.
        try NumPyFiles().write(to: workspace)
        let budget = try workspace.smallestBudget("net.yaml")
        try files.write(to: workspace)
        for choice in [[], ["--budget", budget]] {
          let end = try StrataProcess(["run", "net.yaml", "-o", "out"] + choice, in: workspace.url)
          #expect(end.exitCode == 5, "\(end.diagnostics)")
          let words =
            "image 11 of the \(split == "training" ? "training" : "test") set (they count from 0) holds \(word)"
          #expect(end.diagnostics.contains(words), "\(end.diagnostics)")
        }
      }
    }
    #expect(try workspace.names(in: ".") == ["data", "net.yaml"])
  }

  @Test("a test set that the network can't take ends the run, with the image; so does evaluating it")
  func testSet() throws {
    try NumPyFiles().write(to: workspace)
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
    #expect(try workspace.strata("run", "net.yaml", "-o", "good").exitCode == 0)
    var files = NumPyFiles()
    for place in 0..<64 { files[test: 5, place] = 1e38 }
    try files.write(to: workspace, "bad")
    try expectFailed(
      "out", ["in epoch 1: the test loss of module 1 is ", "image 5 of the test set", "holds 1e+38"],
      without: ["learning-rate"], "--data", "bad")
    for command in ["evaluate", "probe"] {
      let end = try workspace.strata(command, "good", "--data", "bad")
      #expect(end.exitCode == 1, "\(end.diagnostics)")
      #expect(end.diagnostics.contains("image 5 of the test set"), "\(end.diagnostics)")
      #expect(end.diagnostics.contains("warning[W022]") && !end.diagnostics.contains("learning-rate"))
    }
  }

  @Test("a learning rate that breaks the weights is named with its key")
  func learningRate() throws {
    try NumPyFiles().write(to: workspace)
    try workspace.write(
      NumPyFiles.spec(
        training: "epochs: 4, batch: 16, optimizer: {kind: sgd, learning-rate: 1e6}",
        network: ", batch-norm: false"), to: "net.yaml")
    try expectFailed(
      "out",
      [
        "numbers are not finite in epoch ",
        "try a lower `training.optimizer.learning-rate` (it is 1000000 here)",
        "there is no checkpoint yet",
      ], without: ["image "])
    #expect(
      try workspace.strata("run", "net.yaml", "-o", "huge", "--set", "training.optimizer.learning-rate=1e30")
        .exitCode == 2)
    let bench = try workspace.strata(
      "bench", "net.yaml", "--steps", "40", "--set", "training.optimizer.learning-rate=1e6", "--set",
      "network.batch-norm=false")
    #expect(bench.exitCode == 1, "\(bench.output)\(bench.diagnostics)")
    #expect(bench.diagnostics.contains("stage 1 cannot be measured: numbers are not finite in step "))
  }

  @Test("stored weights with such numbers are refused before training, with the tensor")
  func startWeights() throws {
    try NumPyFiles().write(to: workspace)
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
    #expect(try workspace.strata("run", "net.yaml", "-o", "good").exitCode == 0)
    let model = try workspace.data("good/model.safetensors")
    let header = try #require(
      try JSONSerialization.jsonObject(
        with: model[8..<8 + Int(model[0..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) })])
        as? [String: Any])
    let start = 8 + Int(model[0..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    for tensor in ["layers.1.conv.weight", "layers.2.batch_norm.running_var"] {
      let entry = try #require(header[tensor] as? [String: Any], "\(header.keys.sorted())")
      let offset = try #require((entry["data_offsets"] as? [Int])?.first)
      var changed = model
      changed.replaceSubrange(start + offset..<start + offset + 4, with: [0, 0, 0xC0, 0x7F])
      try changed.write(to: workspace.url.appending(path: "bad.safetensors"))
      for command in [["plan"], ["run", "-o", "out"], ["check"]] {
        let end = try StrataProcess(
          command + ["net.yaml", "--set", "network.from=bad.safetensors"], in: workspace.url)
        #expect(end.exitCode == 2, "\(end.diagnostics)")
        #expect(end.diagnostics.contains("error[E132]") && end.diagnostics.contains("'\(tensor)'"))
      }
    }
    #expect(try !workspace.names(in: ".").contains("out"))
  }
}

@Suite("Data that changes")
struct ChangedDataTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try NumPyFiles().write(to: workspace)
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
  }

  private struct Plan: Decodable {
    struct Source: Decodable { var fingerprint: String? }
    var data: Source
  }

  private func flip(bit: Int, of file: String = "data/train_images.npy") throws {
    var bytes = try workspace.data(file)
    bytes[128 + bit / 8] ^= 1 << UInt8(bit % 8)
    try bytes.write(to: workspace.url.appending(path: file))
  }

  @Test("a kept plan has the fingerprint of the data that is there, and runs on no other")
  func plan() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    let kept = try #require(try workspace.decode(Plan.self, "net.plan.json").data.fingerprint)
    let printed = try workspace.strata("plan", "net.yaml", "--json")
    #expect(try JSONDecoder().decode(Plan.self, from: Data(printed.output.utf8)).data.fingerprint == kept)
    #expect(try workspace.strata("run", "net.plan.json", "-o", "out").exitCode == 0)
    #expect(try workspace.decode(Plan.self, "out/plan.json").data.fingerprint == kept)
    let size = 8 * 4 * NumPyFiles.size
    for (file, bit) in [
      ("train_images", 2), ("train_images", 51 * size + 13), ("train_images", 96 * size - 9),
      ("test_images", 31 * size),
      ("train_labels", 8 * 40 + 1), ("test_labels", 8 * 31),
    ] {
      try flip(bit: bit, of: "data/\(file).npy")
      for choice in [[], ["--threads", "1"]] {
        let end = try StrataProcess(["run", "net.plan.json", "-o", "other"] + choice, in: workspace.url)
        #expect(end.exitCode == 4, "\(file) \(bit): \(end.diagnostics)")
        #expect(
          end.diagnostics.contains(
            "the data is not what it was planned with (fingerprint \(kept.prefix(12)) -> "))
      }
      let diff = try workspace.strata("diff", "net.plan.json", "net.yaml")
      #expect(diff.output.contains("content of the data"), "\(diff.output)")
      try flip(bit: bit, of: "data/\(file).npy")
    }
    #expect(try workspace.strata("diff", "net.plan.json", "net.yaml").output.contains("the plans are equal"))
    #expect(try !workspace.names(in: ".").contains("other"))
  }

  @Test("a plan without its data says that it is pinned to none")
  func unpinned() throws {
    let spec = NumPyFiles.spec().replacing("source: npy, path: data", with: "source: cifar10, path: nowhere")
      .replacing("input: 3x8x8, classes: 4, ", with: "")
    try workspace.write(spec, to: "cifar.yaml")
    let end = try workspace.strata("plan", "cifar.yaml", "-o", "cifar.plan.json")
    #expect(
      end.exitCode == 0 && end.diagnostics.contains("the plan is not pinned to it"), "\(end.diagnostics)")
    #expect(try workspace.decode(Plan.self, "cifar.plan.json").data.fingerprint == nil)
    #expect(try workspace.strata("plan", "cifar.yaml", "--data", "nowhere").exitCode == 5)
  }

  @Test("one bit before a run goes on", arguments: [false, true])
  func resume(isStreamed: Bool) throws {
    let choice = isStreamed ? ["--budget", try workspace.smallestBudget("net.yaml")] : []
    let run = try RunningStrata(
      ["run", "net.yaml", "-o", "out", "--set", "training.epochs=2000"] + choice, in: workspace.url)
    #expect(
      run.wait {
        FileManager.default.fileExists(atPath: workspace.url.appending(path: "out/checkpoints").path)
      })
    run.send(SIGTERM)
    #expect(try run.wait().exitCode == 6)
    try flip(bit: 8 * 4 * NumPyFiles.size * 43 + 7)
    let end = try workspace.strata("run", "out", "--resume")
    #expect(end.exitCode == 4, "\(end.diagnostics)")
    #expect(end.diagnostics.contains("the data is not what it was planned with"))
  }

  @Test("images that stay in their files and are overwritten during the run")
  func overwritten() throws {
    let run = try RunningStrata(
      [
        "run", "net.yaml", "-o", "out", "--set", "training.epochs=2000", "--budget",
        try workspace.smallestBudget("net.yaml"),
      ],
      in: workspace.url)
    #expect(
      run.wait {
        FileManager.default.fileExists(atPath: workspace.url.appending(path: "out/checkpoints").path)
      })
    try #require(try workspace.text("out/plan.json").contains("\"streamed\""))
    let file = try FileHandle(forUpdating: workspace.url.appending(path: "data/train_images.npy"))
    try file.seek(toOffset: UInt64(128 + 4 * NumPyFiles.size * 60))
    try file.write(contentsOf: Data([1, 2, 3, 4]))
    try file.close()
    let end = try run.wait()
    #expect(end.exitCode == 5, "\(end.diagnostics)")
    #expect(
      end.diagnostics.contains(
        "train_images.npy: image 60 of the training set (they count from 0) is not what it was"))
    #expect(try workspace.decode(Figures.self, "out/summary.json").status == "failed")
  }
}

@Suite("Files that do not fit each other")
struct UnlikeFilesTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
  }

  @Test(
    "test images of another layout, size or type: both sides are named",
    arguments: [
      ("<f4", "32, 8, 8, 3", 4, "3x8x8 (array (32, 8, 8, 3) of <f4: images of height, width, channels)"),
      ("<f4", "32, 3, 6, 6", 4, "3x6x6 (array (32, 3, 6, 6) of <f4: images of channels, height, width)"),
      ("|u1", "32, 3, 8, 8", 1, "3x8x8 (array (32, 3, 8, 8) of |u1: images of channels, height, width)"),
    ])
  func mixed(type: String, shape: String, width: Int, words: String) throws {
    try NumPyFiles().write(to: workspace)
    let count = shape.split(separator: ", ").compactMap { Int($0) }.reduce(width, *)
    try workspace.write(
      NumPyFiles.array(type, shape, [UInt8](repeating: 1, count: count)), to: "data/test_images.npy")
    let end = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(end.exitCode == 5)
    #expect(
      end.diagnostics
        == "error: data/test_images.npy: expected images like those of data/train_images.npy, which are "
        + "3x8x8 (array (96, 3, 8, 8) of <f4: images of channels, height, width), found \(words)\n")
  }

  @Test("a negative label is held against the labels that there are")
  func negativeLabel() throws {
    let files = NumPyFiles()
    try files.write(to: workspace)
    let labels = files.trainLabels.enumerated().map { $0 == 7 ? -1 : Int32($1) }
    try workspace.write(
      NumPyFiles.array("<i4", "96,", labels.withUnsafeBytes { Array($0) }), to: "data/train_labels.npy")
    let end = try workspace.strata("plan", "net.yaml")
    #expect(end.exitCode == 5)
    #expect(
      end.diagnostics
        == "error: data/train_labels.npy: at byte 156: expected a label from 0 to 3, found -1\n",
      "\(end.diagnostics)")
  }

  @Test("labels sorted by class and a limit: classes without images are named, with the key's line")
  func sorted() throws {
    var files = NumPyFiles()
    files.trainLabels.sort()
    try files.write(to: workspace)
    try workspace.write(NumPyFiles.spec(data: ",\n  limit: {train: 40}"), to: "net.yaml")
    for command in [["plan", "net.yaml"], ["run", "net.yaml", "-o", "out"]] {
      let end = try StrataProcess(command, in: workspace.url)
      #expect(end.exitCode == 0)
      #expect(
        end.diagnostics.contains(
          "warning[W021]: classes 2, 3 of 4 (they count from 0) have no image among the first 40 training images"
        ),
        "\(end.diagnostics)")
      #expect(end.diagnostics.contains("net.yaml:4:18") && end.diagnostics.matches(of: /W021/).count == 1)
    }
    let strict = try workspace.strata("run", "net.yaml", "-o", "strict", "--strict")
    #expect(strict.exitCode == 2)
    let more = try workspace.strata(
      "plan", "net.yaml", "--set", "network.classes=6", "--set", "data.limit.train=96")
    #expect(
      more.diagnostics.contains("classes 4, 5 of 6 (they count from 0) have no image"), "\(more.diagnostics)")
    try NumPyFiles().write(to: workspace)
    #expect(try !workspace.strata("plan", "net.yaml").diagnostics.contains("W021"))
  }
}
