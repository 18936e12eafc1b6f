import Datasets
import Foundation
import Testing

private let hasImageLibraries =
  (try? ImageLibraries.system.require(.jpeg)) != nil && (try? ImageLibraries.system.require(.png)) != nil

/// The recipes that `specs/RUNS.md` begins with, line by line, on a small folder of images.
@Suite("Recipes", .enabled(if: hasImageLibraries))
struct RecipeTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    let fixtures = Workspace.repository.appending(path: "Tests/Fixtures/images")
    for (folder, files) in [
      ("photos/train/bright", ["plain.jpg", "tall.jpg", "plain.png"]), ("new", ["plain.jpg", "grey.jpg"]),
      ("photos/train/grey", ["grey.jpg", "grey.png", "one-bit.png"]), ("photos/val/bright", ["exif.jpg"]),
      ("photos/val/grey", ["grey-alpha.png"]),
    ] {
      let place = workspace.url.appending(path: folder)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for file in files {
        try FileManager.default.copyItem(at: fixtures.appending(path: file), to: place.appending(path: file))
      }
    }
    // As the documentation of the language has it.
    let text = try String(
      contentsOf: Workspace.repository.appending(path: "specs/README.md"), encoding: .utf8)
    let section = try #require(text.components(separatedBy: "\n### Folders of images\n").dropFirst().first)
    let spec = try #require(
      section.components(separatedBy: "```yaml\n").dropFirst().first?.components(separatedBy: "```").first)
    try workspace.write(spec, to: "photos.yaml")
  }

  @Test("go through, from a folder of images to answers and to other programs")
  func goThrough() throws {
    let text = try String(contentsOf: Workspace.repository.appending(path: "specs/RUNS.md"), encoding: .utf8)
    let recipes = try #require(
      text.components(separatedBy: "\n## Three recipes\n").dropFirst().first?.components(separatedBy: "\n## ")
        .first)
    let blocks = recipes.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }.map(
      \.element)
    let inline = recipes.matches(of: /`(strata [^`]+)`/).map { String($0.1) }.filter { !$0.contains("run ") }
    let lines = blocks.flatMap { $0.split(separator: "\n") }.map { String($0) } + inline
    let commands = lines.filter { $0.hasPrefix("strata ") }
    #expect(commands.count >= 7)
    try FileManager.default.createDirectory(
      at: workspace.url.appending(path: "runs/photos-torch"), withIntermediateDirectories: true)
    for command in commands {
      let line = command.components(separatedBy: "  #")[0]
      let isTraining = line.hasPrefix("strata run ") || line.hasPrefix("strata plan ")
      let sets = isTraining ? " --set network.classes=2 --set training.epochs=1 --set training.batch=3" : ""
      let end = try StrataProcess.shell(
        line.replacing(" > ", with: "\(sets) > ") + (line.contains(" > ") ? "" : sets), in: workspace.url)
      #expect(end.exitCode == 0, "\(line): \(end.diagnostics)")
    }
    #expect(
      try workspace.text("answers.csv").hasPrefix("file,class,probability,class2,probability2\nnew/grey.jpg,")
    )
    let names = try workspace.names(in: ".")
    #expect(names.contains("photos.onnx"))
    #expect(try workspace.text("runs/photos-torch/model.py").contains("\"../photos/model.safetensors\""))
  }
}
