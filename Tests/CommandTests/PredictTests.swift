import Foundation
import Testing

@Suite("Predictions")
struct PredictTests {
  private let workspace: Workspace

  private struct Evaluation: Decodable {
    struct Module: Decodable {
      var index: Int
      var testTop1: Double
    }
    var modules: [Module]
    var ensembleTop1: Double
  }

  init() throws {
    workspace = try Workspace()
    try NumPyFiles().write(to: workspace)
    try workspace.write(NumPyFiles.spec(), to: "net.yaml")
    let run = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
  }

  private func predict(_ arguments: [String]) throws -> PredictionDocument {
    let end = try StrataProcess(["predict"] + arguments + ["--json"], in: workspace.url)
    try #require(end.exitCode == 0, "\(end.diagnostics)")
    return try JSONDecoder().decode(PredictionDocument.self, from: Data(end.output.utf8))
  }

  @Test("from the weights alone are as right as the run's own evaluation, whatever the batch and the threads")
  func accuracy() throws {
    let evaluated = try workspace.strata("evaluate", "out", "--json")
    let own = try JSONDecoder().decode(Evaluation.self, from: Data(evaluated.output.utf8))
    try FileManager.default.copyItem(
      at: workspace.url.appending(path: "out/model.safetensors"),
      to: workspace.url.appending(path: "alone.safetensors"))
    let images = ["alone.safetensors", "data/test_images.npy", "--labels", "data/test_labels.npy"]
    for module in own.modules {
      for more in [[], ["--batch", "7", "--threads", "3"], ["--batch", "1000", "--threads", "1"]] {
        let found = try predict(images + ["--module", "\(module.index)"] + more)
        #expect(found.accuracy == module.testTop1 && found.module == module.index)
        #expect(found.confusion?.joined().reduce(0, +) == 32)
      }
    }
    #expect(try predict(images + ["--ensemble"]).accuracy == own.ensembleTop1)
    let one = try predict(images + ["--top", "4"])
    let many = try predict(["out", "data/test_images.npy", "--top", "4", "--batch", "5"])
    for (a, b) in zip(one.probabilities.joined(), many.probabilities.joined()) { #expect(abs(a - b) < 1e-5) }
    #expect(many.accuracy == nil && many.predictions[3].image == 3)
  }

  @Test("are tables for people and for programs")
  func texts() throws {
    let csv = try workspace.strata("predict", "out", "data/test_images.npy", "--csv", "--top", "2")
    let lines = csv.output.split(separator: "\n")
    #expect(lines.count == 33 && lines[0] == "file,image,class,probability,class2,probability2")
    #expect(lines[1].hasPrefix("data/test_images.npy,0,"))
    let text = try workspace.strata(
      "predict", "out", "data/test_images.npy", "--labels", "data/test_labels.npy")
    #expect(text.output.contains("% right: ") && text.output.contains("precision"), "\(text.output)")
  }

  @Test("say what is wrong with images, arrays and models")
  func faults() throws {
    try workspace.write("text", to: "a.jpg")
    try workspace.write(
      NumPyFiles.array("<f4", "1, 3, 4, 4", [UInt8](repeating: 0, count: 192)), to: "small.npy")
    for (arguments, code, words) in [
      (["out", "a.jpg"], 5 as Int32, "a.jpg: not a JPEG or PNG file"),
      (["out", "nobody.png"], 5, "nobody.png: no such file or folder"),
      (["out", "small.npy"], 5, "expected images of 3x8x8"),
      (["out", "data/test_images.npy", "--labels", "data/train_labels.npy"], 5, "expected 32 labels"),
      (["out", "data/test_images.npy", "--module", "7"], 2, "there is no classifier of module 7"),
      (["out", "data/test_images.npy", "--csv", "--json"], 2, "exclude each other"),
      (["net.yaml", "data/test_images.npy"], 1, "net.yaml"),
      (["data", "data/test_images.npy"], 2, "data"),
    ] {
      let end = try StrataProcess(["predict"] + arguments, in: workspace.url)
      let told = end.diagnostics + end.output
      #expect(end.exitCode == code && told.contains(words), "\(arguments): \(end.exitCode) \(told)")
    }
  }

  @Test("a model file whose metadata lies is refused")
  func lies() throws {
    let bytes = try workspace.data("out/model.safetensors")
    // Bytes as the characters of the same numbers.
    let text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    for (old, new) in [
      ("conv 3x3 padding 1", "conv 5x5 padding 1"), (#""input":"3x8x8""#, #""input":"3x9x9""#),
      (#""classes":"4""#, #""classes":"5""#), ("batch-norm, relu", "batch-norm, rely"),
    ] {
      #expect(text.contains(old), "\(old)")
      let changed = text.replacing(old, with: new)
      try Data(changed.unicodeScalars.map { UInt8($0.value) }).write(
        to: workspace.url.appending(path: "lie.safetensors"))
      let end = try workspace.strata("predict", "lie.safetensors", "data/test_images.npy")
      let names = ["lie.safetensors", "expected images of 3x9x9, as the network reads"]
      #expect(
        end.exitCode != 0 && names.contains { end.diagnostics.contains($0) }, "\(old): \(end.diagnostics)")
    }
  }
}
