import Foundation
import Testing

/// Folders of runs in which something else lies than runs put there, and names that would steer a terminal.
@Suite("Folders that are not to be trusted", .serialized)
struct HostileFolderTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func path(_ name: String) -> String { workspace.url.appending(path: name).path }

  /// Ends with a fault of the test where the program does not end by itself.
  private func end(_ arguments: [String]) throws -> RunningStrata.End {
    let running = try RunningStrata(arguments, in: workspace.url)
    _ = running.wait { !running.isRunning }
    try #require(!running.isRunning, "\(arguments) does not end")
    return try running.wait()
  }

  private static let files = [
    ".lock", "log.txt", "report.html", "model.safetensors", "features.bin", "summary.json", "metrics.jsonl",
    "probes.json", "plan.json", "spec.yaml", "checkpoints",
  ]

  private static let commands = [
    ["run", "out", "--resume"], ["probe", "out", "--learners", "nearest"], ["evaluate", "out"],
    ["show", "out"],
    ["compare", "out"],
  ]

  /// Everything below the folder `outside`, with its contents.
  private func outside() throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in try workspace.names(in: "outside") { found[name] = try workspace.data("outside/\(name)") }
    return found
  }

  @Test("links and pipes among a run's files are refused by name, and nothing outside is touched")
  func foreignFiles() throws {
    #expect(try end(["run", "net.yaml", "-o", "whole"]).exitCode == 0)
    try FileManager.default.createDirectory(atPath: path("outside"), withIntermediateDirectories: false)
    for name in ["precious.txt", ".stage-1.tmp", "stage-1-epoch-1-step-1.safetensors"] {
      try workspace.write("precious", to: "outside/\(name)")
    }
    let before = try outside()
    for name in Self.files {
      for kind in ["link", "dangling link", "pipe"] {
        try? FileManager.default.removeItem(atPath: path("out"))
        try FileManager.default.copyItem(atPath: path("whole"), toPath: path("out"))
        // Not finished, so that it is gone on with.
        if name != "summary.json" { try FileManager.default.removeItem(atPath: path("out/summary.json")) }
        try? FileManager.default.removeItem(atPath: path("out/\(name)"))
        switch kind {
        case "link":
          let target = name == "checkpoints" ? "../outside" : "../outside/precious.txt"
          try FileManager.default.createSymbolicLink(atPath: path("out/\(name)"), withDestinationPath: target)
        case "dangling link":
          try FileManager.default.createSymbolicLink(
            atPath: path("out/\(name)"), withDestinationPath: "../outside/new")
        case _: #expect(mkfifo(path("out/\(name)"), 0o600) == 0)
        }
        for command in Self.commands {
          let end = try end(command)
          #expect(end.exitCode == 2, "\(kind) \(name), \(command): \(end)")
          #expect(
            end.diagnostics.hasPrefix(
              "error: out/\(name): it is a \(kind == "pipe" ? "pipe" : "symbolic link"), "),
            "\(kind) \(name), \(command): \(end)")
        }
        #expect(try outside() == before, "\(kind) \(name)")
      }
    }
  }

  @Test("a folder is reached by a link, as its user likes")
  func linkedFolder() throws {
    try FileManager.default.createDirectory(atPath: path("real"), withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: "real")
    #expect(try end(["run", "net.yaml", "-o", "link"]).exitCode == 0)
    for command in ["evaluate", "show"] { #expect(try end([command, "link"]).exitCode == 0) }
  }

  @Test("a newest checkpoint that is a folder or leads nowhere gives way to the one before")
  func newestCheckpoint() throws {
    #expect(try end(["run", "net.yaml", "-o", "whole", "--checkpoint-every", "1ms"]).exitCode == 0)
    let names = try workspace.names(in: "whole/checkpoints")
    try #require(names.count == 2)
    for kind in ["folder", "loop", "pipe"] {
      let out = "out-\(kind)"
      try FileManager.default.copyItem(atPath: path("whole"), toPath: path(out))
      for name in ["summary.json", "model.safetensors", "checkpoints/\(names[1])"] {
        try FileManager.default.removeItem(atPath: path("\(out)/\(name)"))
      }
      let place = path("\(out)/checkpoints/\(names[1])")
      switch kind {
      case "folder":
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      case "loop": try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: names[1])
      case _: #expect(mkfifo(place, 0o600) == 0)
      }
      let resumed = try end(["run", out, "--resume"])
      #expect(resumed.exitCode == 0, "\(kind): \(resumed)")
      #expect(
        resumed.diagnostics.contains(
          "warning[W006]: checkpoint refused: \(out)/checkpoints/\(names[1]): it is a "))
      #expect(resumed.diagnostics.contains("goes on behind stage 1"))
      let isSame = try workspace.data("\(out)/model.safetensors") == workspace.data("whole/model.safetensors")
      #expect(isSame, "\(kind)")
    }
  }

  @Test("metrics with one byte changed, or without the file, do not keep a run from going on where it was")
  func metrics() throws {
    #expect(try end(["run", "net.yaml", "-o", "whole", "--checkpoint-every", "1ms"]).exitCode == 0)
    let text = try workspace.text("whole/metrics.jsonl")
    for (number, damaged) in [text.replacing("{\"module\"", with: "x\"module\"", maxReplacements: 1), nil]
      .enumerated()
    {
      let out = "out-\(number)"
      try FileManager.default.copyItem(atPath: path("whole"), toPath: path(out))
      for name in ["summary.json", "model.safetensors", "metrics.jsonl"] {
        try FileManager.default.removeItem(atPath: path("\(out)/\(name)"))
      }
      if let damaged { try workspace.write(damaged, to: "\(out)/metrics.jsonl") }
      let shown = try end(["show", out])
      #expect(shown.exitCode == 0 && shown.diagnostics.contains("W042") == (damaged != nil), "\(shown)")
      let resumed = try end(["run", out, "--resume"])
      #expect(resumed.exitCode == 0 && resumed.diagnostics.contains("warning[W043]: "), "\(resumed)")
      #expect(resumed.diagnostics.contains("goes on behind stage 1, epoch 2"), "\(resumed)")
      let isSame = try workspace.data("\(out)/model.safetensors") == workspace.data("whole/model.safetensors")
      #expect(isSame)
    }
  }

  @Test("a spec that was changed in a run's folder is told, and does not count")
  func changedSpec() throws {
    #expect(try end(["run", "net.yaml", "-o", "out"]).exitCode == 0)
    try workspace.write(
      try workspace.text("out/spec.yaml").replacing("seed: 1", with: "seed: 2"), to: "out/spec.yaml")
    for command in [["evaluate", "out"], ["show", "out"], ["compare", "out"]] {
      let end = try end(command)
      #expect(
        end.exitCode == 0 && end.diagnostics.contains("warning[W041]: out/spec.yaml is not the spec"),
        "\(end)")
    }
    try FileManager.default.removeItem(atPath: path("out/summary.json"))
    let resumed = try end(["run", "out", "--resume"])
    #expect(resumed.exitCode == 0 && resumed.diagnostics.contains("W041"), "\(resumed)")
  }

  @Test("without its lock's file a run at work is still alone in its folder")
  func lockFile() throws {
    let run = try RunningStrata(
      ["run", "net.yaml", "-o", "out", "--set", "training.epochs=2000"], in: workspace.url)
    #expect(run.wait { FileManager.default.fileExists(atPath: path("out/checkpoints")) })
    try FileManager.default.removeItem(atPath: path("out/.lock"))
    let second = try end(["run", "out", "--resume"])
    #expect(second.exitCode == 2 && second.diagnostics.contains("another run is at work"), "\(second)")
    #expect(run.isRunning)
    run.send(SIGTERM)
    #expect(try run.wait().exitCode == 6)
  }

  // MARK: - Names

  @Test("names of the greatest length are names like others")
  func longNames() throws {
    let name = String(repeating: "n", count: 255)
    #expect(try end(["run", "net.yaml", "-o", name]).exitCode == 0)
    #expect(try end(["show", name]).exitCode == 0)
    let file = String(repeating: "p", count: 250) + ".json"
    let plan = try end(["plan", "net.yaml", "-o", file])
    #expect(plan.exitCode == 0, "\(plan)")
    #expect(try workspace.names(in: ".") == [name, "net.yaml", file].sorted())
  }

  @Test("a name that is no text is refused, and nothing is made under another one")
  func noText() throws {
    let end = try StrataProcess.shell("strata run net.yaml -o \"$(printf 'a\\377b')\"", in: workspace.url)
    #expect(end.exitCode == 2 && end.diagnostics.contains(#"argument 4 is not UTF-8: 'a\xFFb'"#), "\(end)")
    #expect(try workspace.names(in: ".") == ["net.yaml"])
  }

  @Test("no name steers a terminal, and what is to be typed can be typed")
  func controlCharacters() throws {
    let name = "a\u{1B}[31m\u{7}b\u{9B}2J"
    var texts = ""
    for arguments in [
      ["run", "net.yaml", "-o", name], ["run", "net.yaml", "-o", name], ["show", name], ["evaluate", name],
      ["compare", name, "\(name)/"], ["run", "\(name)/none.yaml"], ["run", name, "--resume"],
      ["plan", "net.yaml", "--set", "training.\(name)=1"], [name], ["show", name, "--json"],
    ] {
      let end = try end(arguments)
      texts += end.output + end.diagnostics
    }
    texts += try workspace.text("\(name)/log.txt")
    let controls = texts.unicodeScalars.filter {
      $0 != "\n" && ($0.value < 0x20 || (0x7F..<0xA0).contains($0.value))
    }
    #expect(controls.isEmpty)
    #expect(texts.contains(#"a\u001B[31m\u0007b"#))
    let word = try #require(texts.firstMatch(of: /go on with it: strata run (\$'.*') --resume/)).1
    try workspace.write("test -d \(word)", to: "typed.sh")
    let typed = try StrataProcess.shell("bash typed.sh", in: workspace.url)
    #expect(typed.exitCode == 0, "\(word)")
  }
}
