import Foundation
import Testing

@Suite("Images' shape and classes, as the files tell them")
struct FileFactsTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try NumPyFiles().write(to: workspace)
    try workspace.write(
      NumPyFiles.spec().replacing("input: 3x8x8, classes: 4, ", with: ""), to: "net.yaml")
  }

  @Test("are the defaults, named with their file, and come to the plan that has them written")
  func defaults() throws {
    let shown = try workspace.strata("show", "net.yaml", "--resolved")
    #expect(shown.exitCode == 0, "\(shown.diagnostics)")
    #expect(shown.output.contains(/input: 3x8x8 +# from data\/train_images.npy\n/), "\(shown.output)")
    #expect(shown.output.contains(/classes: 4 +# from data\/train_labels.npy\n/), "\(shown.output)")
    try workspace.write(NumPyFiles.spec(), to: "written.yaml")
    let diff = try workspace.strata("diff", "net.yaml", "written.yaml")
    #expect(diff.output.contains("the plans are equal"), "\(diff.output)")
    for command in [
      ["check", "net.yaml"], ["plan", "net.yaml", "-o", "net.plan.json"], ["ir", "net.yaml"],
      ["bench", "net.yaml", "--steps", "1"], ["run", "net.yaml", "-o", "out"],
      ["run", "net.plan.json", "-o", "planned"], ["evaluate", "out"], ["probe", "out"],
      ["run", "out", "--resume"], ["run", "net.yaml", "--seeds", "2", "-o", "seeds"],
    ] {
      let end = try StrataProcess(command, in: workspace.url)
      #expect(end.exitCode == 0, "\(command): \(end.diagnostics)")
    }
    // A plan keeps what the files said, and the spec beside it says other things when they do.
    let kept = try workspace.text("net.plan.json")
    #expect(kept.contains("input: 3x8x8") && kept.contains("classes: 4"))
    var files = NumPyFiles()
    files.trainLabels[9] = 6
    try files.write(to: workspace)
    let stale = try workspace.strata("run", "net.plan.json", "-o", "other")
    #expect(
      stale.exitCode == 4 && stale.diagnostics.contains("network.classes: 4 -> 7"), "\(stale.diagnostics)")
  }

  @Test("are read where --data or a --set says, and one of the two may be written")
  func elsewhere() throws {
    try FileManager.default.moveItem(
      at: workspace.url.appending(path: "data"), to: workspace.url.appending(path: "moved"))
    for choice in [["--data", "moved"], ["--set", "data.path=moved"]] {
      for command in [["plan"], ["run", "-o", "out-\(choice[0])"], ["show", "--at", "peak"]] {
        let end = try StrataProcess(command + ["net.yaml"] + choice, in: workspace.url)
        #expect(end.exitCode == 0, "\(command) \(choice): \(end.diagnostics)")
      }
    }
    let more = try workspace.strata("plan", "net.yaml", "--data", "moved", "--set", "network.classes=6")
    #expect(more.exitCode == 0 && more.output.contains("6 classes"), "\(more.output)\(more.diagnostics)")
  }

  @Test("are asked for where the files are not there, with the reason")
  func missing() throws {
    try FileManager.default.removeItem(at: workspace.url.appending(path: "data"))
    for command in [["check"], ["plan"], ["run", "-o", "out"]] {
      let end = try StrataProcess(command + ["net.yaml"], in: workspace.url)
      #expect(end.exitCode == 2, "\(command): \(end.diagnostics)")
      #expect(
        end.diagnostics.contains(
          "error[E150]: 'network.input' and 'network.classes' are not written, and the data does not tell them: "
            + "data/train_images.npy: no such file"), "\(end.diagnostics)")
      #expect(
        end.diagnostics.contains("= help: write 'network.input' and 'network.classes', or put the data"))
    }
    #expect(
      try workspace.strata("check", "net.yaml", "--set", "network={input: 3x8x8, classes: 4}").exitCode == 2)
    let written = try workspace.strata(
      "check", "net.yaml", "--set", "network.input=3x8x8", "--set", "network.classes=4")
    #expect(written.exitCode == 0, "\(written.diagnostics)")
  }

  @Test("are no words for files that are faulty, and none for one class")
  func faulty() throws {
    try workspace.write(NumPyFiles.array("<f8", "96, 3, 8, 8", []), to: "data/train_images.npy")
    let end = try workspace.strata("plan", "net.yaml")
    #expect(
      end.exitCode == 5 && end.diagnostics.contains("expected numbers of type |u1 or <f4"),
      "\(end.diagnostics)")
    var files = NumPyFiles()
    files.trainLabels = files.trainLabels.map { _ in 0 }
    try files.write(to: workspace)
    let one = try workspace.strata("check", "net.yaml")
    #expect(
      one.exitCode == 2 && one.diagnostics.contains("every label in data/train_labels.npy is 0"),
      "\(one.diagnostics)")
  }
}
