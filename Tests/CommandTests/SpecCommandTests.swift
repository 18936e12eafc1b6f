import Foundation
import Testing

@Suite("Commands about specs")
struct SpecCommandTests {
  private static let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../..").standardizedFileURL
  private static let digits = repository.appending(path: "specs/digits.yaml").path

  private func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "strata-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  // MARK: - schema, explain, new

  @Test("the schema is the published one, with and without --json")
  func schema() throws {
    let published = try String(
      contentsOf: Self.repository.appending(path: "specs/strata.schema.json"), encoding: .utf8)
    for arguments in [[], ["--json"]] {
      let result = try StrataProcess(["schema"] + arguments)
      #expect(result.exitCode == 0 && result.output == published && result.diagnostics == "")
    }
  }

  @Test("codes are explained, in capitals or not; without one, all are listed")
  func explain() throws {
    let one = try StrataProcess("explain", "e021")
    #expect(one.exitCode == 0)
    #expect(one.output.hasPrefix("E021: an unknown key\n"))
    let lowering = try StrataProcess("explain", "E101")
    #expect(lowering.output.hasPrefix("E101: an odd image folded into channels\n"))
    let all = try StrataProcess("explain")
    #expect(all.output.hasPrefix("code  meaning\nE001  "))
    #expect(all.output.contains("\nE021  an unknown key\n") && all.output.contains("\nE101  an odd image"))
    let document = try JSONSerialization.jsonObject(
      with: Data(try StrataProcess("explain", "E021", "--json").output.utf8))
    let explanations = (document as? [String: Any])?["explanations"] as? [[String: String]]
    #expect(explanations?.map { $0["code"] } == ["E021"])
  }

  @Test("an unknown code is answered with the nearest one")
  func unknownCode() throws {
    let result = try StrataProcess("explain", "E21")
    #expect(result.exitCode == 2)
    #expect(result.output == "")
    #expect(result.diagnostics == "error: there is no code 'E21'\n  = help: did you mean 'E021'?\n")
  }

  @Test("what `new` prints can be checked, shown and planned")
  func new() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let list = try StrataProcess("new", "--list")
    let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names == ["minimal", "digits", "vgg-greedy", "vgg-dgl", "resnet-dgl"])
    #expect(try StrataProcess("new").output == (try StrataProcess("new", "minimal").output))
    for name in names.map({ String($0) }) {
      let printed = try StrataProcess("new", name)
      #expect(printed.exitCode == 0)
      try Data(printed.output.utf8).write(to: folder.appending(path: "net.yaml"))
      for command in ["check", "show", "plan"] {
        let result = try StrataProcess(command, "net.yaml", in: folder)
        #expect(result.exitCode == 0, "\(result.diagnostics)")
      }
    }
    let unknown = try StrataProcess("new", "vgg-gredy")
    #expect(unknown.exitCode == 2 && unknown.diagnostics.contains("did you mean 'vgg-greedy'?"))
    #expect(try StrataProcess("new", "minimal", "--list").exitCode == 2)
  }

  // MARK: - show

  @Test("a spec is shown with its layers, resolved, and laid out")
  func showSpec() throws {
    let shown = try StrataProcess("show", Self.digits)
    #expect(shown.exitCode == 0)
    #expect(shown.output.hasPrefix("digits: images of 1x8x8, 10 classes\n\nlayer  "))
    #expect(shown.output.contains("\nlayer 2  max-pool 2x2, conv 3x3 64  32x8x8  64x4x4  ████████  "))
    let resolved = try StrataProcess("show", Self.digits, "--resolved", "--set", "training.epochs=2")
    #expect(resolved.output.contains("\n  epochs: 2                # --set\n"))
    #expect(resolved.output.contains("  # default\n") && resolved.output.contains("digits.yaml:8\n"))
    let layout = try StrataProcess("show", Self.digits, "--layout")
    #expect(layout.output.hasPrefix("stage 1 training: "))
    for (options, schema) in [
      ([], "strata.network/1"), (["--resolved"], "strata.spec/1"), (["--layout"], "strata.layout/1"),
    ] {
      let result = try StrataProcess(["show", Self.digits, "--json"] + options)
      let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
      #expect(document?["schema"] as? String == schema)
      #expect(document?["name"] as? String == "digits")
    }
  }

  @Test("a spec's faults are told whatever is shown of it", arguments: [[], ["--resolved"], ["--layout"]])
  func showFaultySpec(options: [String]) throws {
    let result = try StrataProcess(["show", Self.digits, "--set", "downsampling.before=[9]"] + options)
    #expect(result.exitCode == 2)
    #expect(result.output == "")
    #expect(result.diagnostics.contains("error[E102]: there is no layer 9\n"))
  }

  @Test("a plan is shown as it was printed; its spec cannot be changed any more")
  func showPlan() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let planned = try StrataProcess("plan", Self.digits, "-o", "digits.plan.json", in: folder)
    let shown = try StrataProcess("show", "digits.plan.json", in: folder)
    #expect(shown.exitCode == 0)
    // Places aside: the plan has the spec's text with all defaults, which has lines of its own.
    #expect(
      shown.output.split(separator: "\n").dropLast() == planned.output.split(separator: "\n").dropLast())
    let layout = try StrataProcess("show", "digits.plan.json", "--layout", in: folder)
    #expect(layout.output == (try StrataProcess("show", Self.digits, "--layout").output))
    let changed = try StrataProcess("show", "digits.plan.json", "--set", "training.epochs=1", in: folder)
    #expect(changed.exitCode == 2 && changed.diagnostics.hasPrefix("error: '--set' does not go with a plan"))
  }

  @Test("a run is shown with its figures")
  func showRun() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let run = try StrataProcess("run", Self.digits, "--set", "training.epochs=1", "-o", "first", in: folder)
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let shown = try StrataProcess("show", "first", in: folder)
    #expect(shown.output.hasPrefix("digits in first: finished\n\nmodule  made of   epoch  "))
    #expect(shown.output.contains("\n     3  layer 3     1/1  "))
    let json = try StrataProcess("show", "first", "--json", in: folder)
    #expect(
      json.output.hasPrefix(
        "{\n  \"schema\": \"strata.run/1\",\n  \"name\": \"digits\",\n  \"status\": \"finished\","))
    #expect(
      try StrataProcess("show", "first", "--resolved", in: folder).output.hasPrefix(
        "strata: 1\nname: digits\n"))
  }

  @Test("what is nothing of these is a fault")
  func showNothing() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let empty = try StrataProcess("show", ".", in: folder)
    #expect(empty.exitCode == 2 && empty.diagnostics == "error: .: there is no run in this folder\n")
    let missing = try StrataProcess("show", "net.yaml", in: folder)
    #expect(missing.exitCode == 2 && missing.diagnostics == "error: cannot read 'net.yaml': no such file\n")
    let both = try StrataProcess("show", Self.digits, "--resolved", "--layout")
    #expect(both.exitCode == 2 && both.diagnostics.contains("exclude each other"))
  }
}
