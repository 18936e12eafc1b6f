import Datasets
import Foundation
import Testing

private let hasImageLibraries =
  (try? ImageLibraries.system.require(.jpeg)) != nil && (try? ImageLibraries.system.require(.png)) != nil

/// Trains on folders of image files from the command line.
@Suite("Image folders", .enabled(if: hasImageLibraries))
struct ImageFolderCommandTests {
  private let workspace: Workspace

  private static let spec = """
    strata: 1
    name: photos
    data: {source: image-folder, path: photos, image: {resize: 20, crop: 16}, augment: {flip: horizontal}}
    network: {family: vgg, widths: [8, 16]}
    downsampling: {kind: max-pool, before: [2]}
    training: {strategy: parallel, epochs: 2, batch: 8}

    """

  /// Two classes that differ in brightness, eighteen images each.
  init() throws {
    workspace = try Workspace()
    try workspace.write(Self.spec, to: "net.yaml")
    let fixtures = Workspace.repository.appending(path: "Tests/Fixtures/images")
    for (label, files) in [
      ("bright", ["plain.jpg", "tall.jpg", "plain.png"]), ("grey", ["grey.jpg", "grey.png", "one-bit.png"]),
    ] {
      for (index, file) in files.enumerated() {
        let bytes = try Data(contentsOf: fixtures.appending(path: file))
        for copy in 0..<4 { try write(bytes, "photos/train/\(label)/\(index)-\(copy)") }
        for copy in 0..<2 { try write(bytes, "photos/test/\(label)/\(index)-\(copy)") }
      }
    }
  }

  private func write(_ bytes: Data, _ name: String) throws {
    let file = workspace.url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: file)
  }

  private struct Summary: Decodable {
    var classes: [String]?
    var weightsSha256: String
  }

  @Test("are planned, trained on and measured, with the names of their classes, on any number of threads")
  func trains() throws {
    let plan = try workspace.strata("plan", "net.yaml")
    #expect(
      plan.exitCode == 0 && plan.output.contains("24 training and 12 test images of 3x16x16, 2 classes"),
      "\(plan.output)\(plan.diagnostics)")
    var weights: Set<String> = []
    for (threads, set) in [
      ("1", "data.on-bad-image=fault"), ("3", "data.on-bad-image=fault"),
      ("2", "data.augment.random-resized-crop.scale=[0.5, 1]"),
      ("3", "data.augment.random-resized-crop.scale=[0.5, 1]"),
    ] {
      let name = "run-\(threads)-\(set.count)"
      let run = try workspace.strata("run", "net.yaml", "-o", name, "--threads", threads, "--set", set)
      #expect(run.exitCode == 0, "\(run.diagnostics)")
      let summary = try workspace.decode(Summary.self, "\(name)/summary.json")
      #expect(summary.classes == ["bright", "grey"])
      weights.insert(summary.weightsSha256)
      let evaluation = try workspace.strata("evaluate", name)
      #expect(evaluation.exitCode == 0, "\(evaluation.diagnostics)")
    }
    #expect(weights.count == 2, "one for each way of making training images")
    let model = try workspace.data("run-1-\("data.on-bad-image=fault".count)/model.safetensors")
    #expect(model.range(of: Data(#""classes":"[\"bright\",\"grey\"]""#.utf8)) != nil)
  }

  @Test("predictions from the weights alone are those of the run's evaluation")
  func predictions() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let evaluated = try workspace.strata("evaluate", "out", "--json")
    let found = try workspace.strata(
      "predict", "out/model.safetensors", "photos/test", "--json", "--top", "2")
    #expect(found.exitCode == 0, "\(found.diagnostics)")
    let document = try JSONDecoder().decode(PredictionDocument.self, from: Data(found.output.utf8))
    #expect(document.classes == ["bright", "grey"] && document.predictions.count == 12)
    let accuracy = try #require(document.accuracy)
    #expect(evaluated.output.contains("\"testTop1\": \(accuracy),"), "\(accuracy) \(evaluated.output)")
    // Another size gives other pixels, and so other numbers.
    let other = try workspace.strata(
      "predict", "out", "photos/test", "--json", "--top", "2", "--resize", "40")
    let others = try JSONDecoder().decode(PredictionDocument.self, from: Data(other.output.utf8))
    #expect(others.probabilities != document.probabilities)
    let loose = try workspace.strata("predict", "out", "photos/test/grey/0-0", "--csv")
    #expect(loose.output.hasPrefix("file,class,probability\nphotos/test/grey/0-0,"), "\(loose.output)")
  }

  @Test("a plan is stale where a file has changed, and a budget may leave images in their files")
  func plans() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    #expect(try workspace.strata("run", "net.plan.json", "-o", "planned").exitCode == 0)
    let streamed = try workspace.strata("run", "net.yaml", "-o", "streamed", "--budget", "1GiB")
    #expect(streamed.exitCode == 0, "\(streamed.diagnostics)")
    let one = try workspace.decode(Summary.self, "planned/summary.json")
    let other = try workspace.decode(Summary.self, "streamed/summary.json")
    #expect(one.weightsSha256 == other.weightsSha256)
    let fixtures = Workspace.repository.appending(path: "Tests/Fixtures/images")
    try write(Data(contentsOf: fixtures.appending(path: "tiny.png")), "photos/train/grey/0-0")
    let stale = try workspace.strata("run", "net.plan.json", "-o", "again")
    #expect(stale.exitCode == 4, "\(stale.diagnostics)")
  }

  @Test("bad files are faults of the data, all at once, or left out with a warning")
  func faults() throws {
    for index in 0..<25 { try write(Data("no image".utf8), "photos/train/grey/bad-\(index)") }
    let refused = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(refused.exitCode == 5)
    #expect(refused.diagnostics.contains("photos/train/grey/bad-0: not a JPEG or PNG file"))
    #expect(refused.diagnostics.contains("and 5 more: --json lists them all"), "\(refused.diagnostics)")
    #expect(!FileManager.default.fileExists(atPath: workspace.url.appending(path: "out").path))
    let listed = try workspace.strata("plan", "net.yaml", "--json")
    #expect(listed.exitCode == 5 && listed.output.split(separator: "not a JPEG or PNG file").count == 26)
    let skipped = try workspace.strata("run", "net.yaml", "-o", "out", "--set", "data.on-bad-image=skip")
    #expect(skipped.exitCode == 0, "\(skipped.diagnostics)")
    #expect(skipped.diagnostics.contains("warning[W023]") && skipped.diagnostics.contains("25 image files"))
  }

  @Test("classes and input follow from the folder and the crop, or are asked for")
  func facts() throws {
    let shown = try workspace.strata("show", "net.yaml", "--resolved")
    #expect(shown.output.contains("classes: 2") && shown.output.contains("input: 3x16x16"), "\(shown.output)")
    let missing = try workspace.strata("check", "net.yaml", "--set", "data.path=nowhere")
    #expect(missing.exitCode == 2 && missing.diagnostics.contains("E150"), "\(missing.diagnostics)")
  }
}
