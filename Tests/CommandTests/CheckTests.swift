import Foundation
import Testing

private struct Report: Decodable {
  struct Fault: Decodable { var code: String }
  struct Failure: Decodable {
    var message: String
    var help: String?
  }
  var schema: String
  var diagnostics: [Fault]
  var errors: [Failure]?
}

@Suite("Specs, checked and printed as graphs")
struct CheckTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    try workspace.write(
      """
      strata: 1
      name: bad
      network: {family: vgg, input: 3x12x12, widths: [8, 8, 8]}
      downsampling: {kind: invertible, before: [1, 2, 3]}
      training: {optimizer: {lr: 0.1}}
      """, to: "bad.yaml")
  }

  @Test("a good spec")
  func good() throws {
    let result = try workspace.strata("check", "net.yaml")
    #expect(result.exitCode == 0 && result.output == "net.yaml: ok\n" && result.diagnostics == "")
  }

  @Test("all faults of a spec, with their places")
  func bad() throws {
    let result = try workspace.strata("check", "bad.yaml")
    #expect(result.exitCode == 2 && result.output == "")
    #expect(
      result.diagnostics == """
        error[E101]: layer 3 can't read a 3x3 image folded into channels
         --> bad.yaml:4:22
          |
        3 | network: {family: vgg, input: 3x12x12, widths: [8, 8, 8]}
          |                                                    - layer 2 makes 3x3 images of 8 channels
        4 | downsampling: {kind: invertible, before: [1, 2, 3]}
          |                      ^^^^^^^^^^ needs even sides
          |                                                 - folds 3x3
          = help: the other kinds take odd sides: write 'stride' or 'max-pool', or change `network.input` so that these halvings come out even

        error[E021]: unknown key 'lr'
         --> bad.yaml:5:24
          |
        5 | training: {optimizer: {lr: 0.1}}
          |                        ^^ not a key of 'training.optimizer'
          = help: did you mean 'learning-rate'?

        """)
  }

  @Test("good and bad together: each is told, and the exit code is that of the bad one")
  func several() throws {
    let result = try workspace.strata("check", "bad.yaml", "net.yaml", "missing.yaml")
    #expect(result.exitCode == 2 && result.output == "net.yaml: ok\n")
    #expect(result.diagnostics.contains("error[E021]"))
    #expect(result.diagnostics.contains("error: cannot read 'missing.yaml': "))
  }

  @Test("numbers of images are looked at where the source tells them, as planning does")
  func counts() throws {
    // 192 images leave one over, which batch norm behind the pool to one pixel can't take.
    let single = ["--set", "training.batch=191", "--set", "auxiliary={kind: mlp, hidden: 1}"]
    for command in ["check", "show", "plan"] {
      for (sets, code) in [
        (single, "E117"), (["--set", "training.batch=200", "--set", "training.drop-last=true"], "E114"),
      ] {
        let result = try StrataProcess([command, "net.yaml"] + sets, in: workspace.url)
        #expect(
          result.exitCode == 2 && result.diagnostics.contains("error[\(code)]"), "\(result.diagnostics)")
      }
    }
  }

  @Test("stored weights are held against the network where they are there")
  func start() throws {
    #expect(try workspace.strata("check", "net.yaml", "--set", "network.from=w.safetensors").exitCode == 0)
    try workspace.write("no weights", to: "w.safetensors")
    for command in ["check", "show", "plan"] {
      let result = try workspace.strata(command, "net.yaml", "--set", "network.from=w.safetensors")
      #expect(result.exitCode == 2 && result.diagnostics.contains("error[E160]"), "\(result.diagnostics)")
    }
  }

  @Test("a spec in braces is a spec, for every command that takes plans too")
  func braces() throws {
    let spec = "{strata: 1, name: braces, network: {family: vgg, widths: [4]}, training: {}}\n"
    try workspace.write(spec, to: "braces.yaml")
    try workspace.write("\u{FEFF}" + spec, to: "marked.yaml")
    for arguments in [["check"], ["show"], ["run", "--dry-run"], ["diff", "marked.yaml"], ["plan"], ["ir"]] {
      for file in ["braces.yaml", "marked.yaml"] {
        let result = try StrataProcess(arguments + [file], in: workspace.url)
        #expect(result.exitCode == 0, "\(arguments) \(file): \(result.diagnostics)")
      }
    }
  }

  @Test("a plan where a spec is expected is named as one, and found whatever stands first in it")
  func plans() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.json").exitCode == 0)
    for command in ["check", "plan", "ir", "bench"] {
      let result = try workspace.strata(command, "net.json")
      #expect(result.exitCode == 2 && result.output == "")
      #expect(
        result.diagnostics == """
          error: 'net.json' is a compiled plan, and a spec is expected
            = help: strata show net.json prints it, strata run net.json executes it

          """, "\(command)")
    }
    let text = try workspace.text("net.json")
    try workspace.write("\u{FEFF}\r\n" + text, to: "marked.json")
    let shown = try workspace.strata("show", "marked.json")
    #expect(shown.exitCode == 0, "\(shown.diagnostics)")
    let sorted = try JSONSerialization.data(
      withJSONObject: JSONSerialization.jsonObject(with: Data(text.utf8)), options: [.sortedKeys])
    try sorted.write(to: workspace.url.appending(path: "sorted.json"))
    #expect(try workspace.strata("check", "sorted.json").diagnostics.contains("is a compiled plan"))
  }

  @Test("standard input has a name")
  func standardInput() throws {
    // Nothing comes from it here.
    let told = try report(try workspace.strata("check", "-", "missing.yaml", "--json"))
    #expect(told.diagnostics.map(\.code) == ["E011"])
    #expect(told.errors?.map(\.message) == ["cannot read 'missing.yaml': no such file"])
  }

  @Test("as JSON")
  func json() throws {
    let good = try report(try workspace.strata("check", "net.yaml", "--json"))
    #expect(good.schema == "strata.diagnostics/1" && good.diagnostics.isEmpty)
    let bad = try report(try workspace.strata("check", "bad.yaml", "--json"))
    #expect(bad.diagnostics.map(\.code) == ["E101", "E021"])
    // One document, however many specs.
    let result = try workspace.strata("check", "bad.yaml", "missing.yaml", "net.yaml", "bad.yaml", "--json")
    let several = try report(result)
    #expect(result.exitCode == 2)
    #expect(several.diagnostics.map(\.code) == ["E101", "E021", "E101", "E021"])
    #expect(several.errors?.count == 1 && several.errors?[0].message.contains("'missing.yaml'") == true)
  }

  private func report(_ result: StrataProcess) throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
  }

  @Test("a value that was set is checked like the file, at its own place")
  func set() throws {
    let result = try workspace.strata("check", "net.yaml", "--set", "training.batch=0")
    #expect(result.exitCode == 2)
    #expect(result.diagnostics.contains(" --> --set:1:16\n"))
    #expect(try workspace.strata("check", "net.yaml", "--set", "training.batch=7").exitCode == 0)
  }

  @Test("the graph after a pass; an unknown pass is answered with all of them")
  func graphs() throws {
    let all = try workspace.strata("ir", "net.yaml")
    #expect(all.exitCode == 0)
    #expect(all.output.hasPrefix("# stage 1, training\nmodule 1:\n"))
    let lowered = try workspace.strata("ir", "net.yaml", "--after", "lowering")
    #expect(lowered.output.hasPrefix("# network\nwhole network:\n"))
    #expect(lowered.output.contains("max_pool[2x2 s2 p0]"))
    #expect(lowered.output.contains("; layers net.yaml:4\n"))
    // What nobody has written is at no line.
    #expect(all.output.contains("; auxiliary net.yaml:6\n") && !all.output.contains("; auxiliary default\n"))
    let defaults = try workspace.strata("ir", "net.yaml", "--set", "auxiliary=null")
    #expect(defaults.output.contains("; auxiliary default\n") && !defaults.output.contains("net.yaml:1\n"))
    let wrong = try workspace.strata("ir", "net.yaml", "--after", "fuze")
    #expect(wrong.exitCode == 2)
    #expect(
      wrong.diagnostics.hasPrefix(
        "error: there is no pass 'fuze'\n  = help: did you mean 'fuse'? passes in order: lowering, "))
  }

  @Test("graphs, plans and moments say where features lie and how much they take")
  func features() throws {
    let workspace = try Workspace()
    // 192 + 100 images, 8 channels of 8x8 floats each.
    let byteCount = (192 + 100) * 8 * 8 * 8 * 4
    try workspace.write(
      digitsSpec.replacing("parallel", with: "sequential").replacing("augment: {pad-crop: 1}, ", with: "")
        + "memory: {features: cache}\n", to: "net.yaml")
    let graph = try workspace.strata("ir", "net.yaml")
    #expect(
      graph.output.contains("# stage 2, training\n# features of module 1: in memory, \(byteCount) bytes at "))
    let planned = try workspace.strata("plan", "net.yaml", "-o", "net.json")
    #expect(planned.output.contains("\nfeatures\n") && planned.output.contains("memory, at "))
    let moment = try workspace.strata("show", "net.json", "--at", "peak,stage=2")
    #expect(moment.output.contains("features of module 1: in memory, "))
    // In a file they are part of no arena.
    let fileByteCount = (3000 + 1000) * 16 * 16 * 16 * 4
    try workspace.write(
      """
      strata: 1
      name: wide
      data: {source: synthetic, limit: {train: 3000, test: 1000}}
      network: {family: vgg, input: 3x16x16, widths: [16, 8], head: gap}
      auxiliary: linear
      training: {strategy: sequential, epochs: 2, batch: 50}
      memory: {features: cache}

      """, to: "file.yaml")
    let file = try workspace.strata("show", "file.yaml", "--at", "peak,stage=2", "--json")
    #expect(file.output.contains("\"storage\": \"file\""), "\(file.diagnostics)")
    let fileGraph = try workspace.strata("ir", "file.yaml")
    #expect(fileGraph.output.contains("# features of module 1: in a file of \(fileByteCount) bytes\n"))
  }

  @Test("the graphs of stages that begin one after the other say where features lie as well")
  func staggeredFeatures() throws {
    let workspace = try Workspace()
    try workspace.write(
      digitsSpec.replacing("epochs: 2", with: "epochs: 2, start: {every: 1}")
        .replacing("augment: {pad-crop: 1}, ", with: "") + "memory: {features: cache}\n", to: "net.yaml")
    let graph = try workspace.strata("ir", "net.yaml")
    #expect(graph.exitCode == 0, "\(graph.diagnostics)")
    let byteCount = (192 + 100) * 8 * 8 * 8 * 4
    #expect(
      graph.output.contains("# stage 3, training\n# features of module 1: in memory, \(byteCount) bytes at "))
    #expect(!graph.output.contains("# stage 2, training\n# features"))
    // Weights that are not there yet are no reason not to print a graph.
    let unmade = try workspace.strata(
      "ir", "net.yaml", "--set", "network.from=nowhere", "--set", "network.frozen=1")
    #expect(unmade.exitCode == 0 && unmade.output.contains("# stage 1, features\n"), "\(unmade.diagnostics)")
  }

  @Test("a bad flag is exit code 2 and runs nothing", arguments: ["check", "plan", "run", "evaluate", "ir"])
  func badFlag(command: String) throws {
    let result = try workspace.strata(command, "net.yaml", "--no-such-flag")
    #expect(result.exitCode == 2 && result.output == "")
    #expect(result.diagnostics.hasPrefix("error: unknown option '--no-such-flag'"))
    #expect(try workspace.names(in: ".") == ["bad.yaml", "net.yaml"])
  }
}
