import Foundation
import Testing

/// What comes through a pipe is there but once.
@Suite("Specs and plans through a pipe")
struct PipeTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func piped(_ file: String, _ line: String) throws -> StrataProcess {
    let process = try StrataProcess.shell("cat \(file) | strata \(line)", in: workspace.url)
    #expect(process.exitCode == 0, "\(line): \(process.diagnostics)")
    return process
  }

  @Test(
    "a spec is what it is in its file",
    arguments: [
      "run FILE --dry-run", "run FILE --dry-run --seeds 2", "show FILE", "show FILE --layout", "plan FILE",
      "check FILE", "diff FILE net.yaml",
    ])
  func specs(line: String) throws {
    let streamed = try piped("net.yaml", line.replacing("FILE", with: "/dev/stdin"))
    let direct = try StrataProcess(
      line.replacing("FILE", with: "net.yaml").split(separator: " ").map { String($0) }, in: workspace.url)
    // Places name the file, and make columns and the rules below them wider.
    func words(_ text: String) -> [Substring] {
      text.split(whereSeparator: \.isWhitespace).filter { $0.contains { $0 != "-" } }
    }
    #expect(words(streamed.output.replacing("/dev/stdin", with: "net.yaml")) == words(direct.output))
  }

  @Test("so is a plan", arguments: ["run FILE --dry-run", "show FILE", "diff FILE net.yaml"])
  func plans(line: String) throws {
    try #require(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    let streamed = try piped("net.plan.json", line.replacing("FILE", with: "/dev/stdin"))
    #expect(streamed.output.contains("small") || streamed.output.contains("the plans are equal"))
  }

  @Test("every seed is trained from the spec that came")
  func seeds() throws {
    _ = try piped("net.yaml", "run /dev/stdin --seeds 2 -o ls --set training.epochs=1")
    #expect(try workspace.names(in: "ls") == ["seed-1", "seed-2"])
    let run = try workspace.strata(
      "run", "net.yaml", "-o", "direct", "--set", "training.epochs=1", "--set", "training.seed=2")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    let isSame =
      try workspace.data("ls/seed-2/model.safetensors") == workspace.data("direct/model.safetensors")
    #expect(isSame)
  }

  @Test(
    "paths of a spec that comes through a pipe start at the current folder",
    arguments: [
      "cat net.yaml | strata LINE -", "cat net.yaml | strata LINE /dev/stdin",
      "strata LINE - < net.yaml", "strata LINE /dev/stdin < net.yaml",
      "cat net.yaml > pipe & strata LINE pipe",
    ])
  func paths(line: String) throws {
    let workspace = try Workspace()
    try workspace.write(
      digitsSpec.replacing(
        "source: digits, augment: {pad-crop: 1}, ", with: "source: npy, path: data/digits, "
      )
      .replacing("widths", with: "input: 1x8x8, classes: 10, widths"), to: "specs/net.yaml")
    try workspace.write(try workspace.text("specs/net.yaml"), to: "net.yaml")
    try writeImages("train", 192, to: workspace)
    try writeImages("test", 100, to: workspace)
    func shell(_ words: String) throws -> StrataProcess {
      let prepared = line.contains("pipe &") ? "mkfifo pipe; " : ""
      return try StrataProcess.shell(prepared + line.replacing("LINE", with: words), in: workspace.url)
    }
    try workspace.write("", to: "plans/other.txt")
    let kept = try shell("plan -o plans/net.json --set training.epochs=1")
    #expect(kept.exitCode == 0, "\(kept.diagnostics)")
    // The plan finds its data, wherever it lies itself.
    let run = try workspace.strata("run", "plans/net.json", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    _ = try StrataProcess.shell("rm -f pipe", in: workspace.url)
    let direct = try shell("run -o direct --set training.epochs=1")
    #expect(direct.exitCode == 0, "\(direct.diagnostics)")
    #expect(try workspace.strata("evaluate", "direct").exitCode == 0)
  }

  private func writeImages(_ name: String, _ count: Int, to workspace: Workspace) throws {
    func npy(_ shape: String, _ bytes: [UInt8]) -> Data {
      var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape)), }"
      header += String(repeating: " ", count: 117 - header.utf8.count) + "\n"
      return Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8) + bytes)
    }
    let pixels = (0..<count * 64).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
    try workspace.write("", to: "data/digits/\(name)_images.npy")
    try npy("\(count), 8, 8", pixels).write(
      to: workspace.url.appending(path: "data/digits/\(name)_images.npy"))
    try npy("\(count),", (0..<count).map { UInt8($0 % 10) }).write(
      to: workspace.url.appending(path: "data/digits/\(name)_labels.npy"))
  }

  @Test("a plan that comes through a pipe finds its spec from the current folder")
  func plan() throws {
    try #require(try workspace.strata("plan", "net.yaml", "-o", "net.plan.json").exitCode == 0)
    let run = try piped("net.plan.json", "run - --dry-run")
    #expect(run.diagnostics == "")
  }
}
