import Foundation
import Testing

/// What commands say of plans that were kept: what they replaced, why they are stale, and the line that makes them again.
@Suite("Plans that are kept, replaced and stale")
struct PlanAdviceTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  private func plan(_ arguments: String...) throws -> StrataProcess {
    let result = try StrataProcess(["plan", "net.yaml"] + arguments, in: workspace.url)
    try #require(result.exitCode == 0, "\(result.diagnostics)")
    return result
  }

  @Test("writing a plan names the file, its peak, and what it replaced")
  func replaced() throws {
    let first = try plan("-o", "net.json")
    #expect(
      first.diagnostics.wholeMatch(of: /net\.json: wrote a plan of [0-9.]+ MiB\n/) != nil,
      "\(first.diagnostics)")
    let same = try plan("-o", "net.json", "--json")
    #expect(
      same.diagnostics.wholeMatch(of: /net\.json: the plan of [0-9.]+ MiB is there already, unchanged\n/)
        != nil,
      "\(same.diagnostics)")
    let larger = try plan("-o", "net.json", "--set", "network.widths=[8, 512]")
    #expect(
      larger.diagnostics.wholeMatch(
        of: /net\.json: replaced a plan of [0-9.]+ MiB by one of [0-9.]+ MiB \(\+[0-9.]+%\)\n/) != nil,
      "\(larger.diagnostics)")
    let page = try plan("--html", "net.html")
    #expect(page.diagnostics.contains(/^net\.html: wrote the page of a plan of [0-9.]+ MiB\n/))
    #expect(
      try plan("--html", "net.html").diagnostics.contains(
        "net.html: replaced a page by the page of a plan of "))
  }

  @Test("a stale plan is shown, with why and with the line that makes it again, and still not run")
  func stale() throws {
    try workspace.write(digitsSpec, to: "my specs/net.yaml")
    let made = try workspace.strata(
      "plan", "my specs/net.yaml", "-o", "net.json", "--budget", "0.5GiB", "--threads", "3", "--set",
      "training.epochs=4")
    try #require(made.exitCode == 0, "\(made.diagnostics)")
    let fresh = try workspace.strata("show", "net.json")
    #expect(fresh.exitCode == 0 && fresh.diagnostics == "")
    try workspace.write(digitsSpec.replacing("batch: 50", with: "batch: 48"), to: "my specs/net.yaml")
    let shown = try workspace.strata("show", "net.json")
    #expect(shown.exitCode == 0, "\(shown.diagnostics)")
    func figures(_ text: String) -> [Substring] {
      text.split(separator: "\n").filter {
        $0.hasPrefix("small: ") || $0.hasPrefix("  peak ") || $0.hasPrefix("    1 ")
          || $0.hasPrefix("  parallel")
      }
    }
    #expect(figures(shown.output) == figures(fresh.output) && figures(shown.output).count > 4)
    #expect(
      shown.diagnostics == """
        note: net.json: the plan is stale: my specs/net.yaml has changed: training.batch: 50 -> 48
          = help: plan again: strata plan 'my specs/net.yaml' --set 'training.epochs=4' --threads 3 --budget 0.5GiB -o net.json

        """)
    for view in [["--layout"], ["--at", "peak"], ["--resolved"], ["--json"]] {
      let view = try StrataProcess(["show", "net.json"] + view, in: workspace.url)
      #expect(view.exitCode == 0 && view.diagnostics.contains("the plan is stale"), "\(view.diagnostics)")
    }
    let run = try workspace.strata("run", "net.json", "-o", "out")
    #expect(run.exitCode == 4 && run.output == "" && run.diagnostics.contains("--budget 0.5GiB -o net.json"))
  }

  @Test("a plan that was edited is shown as what its spec comes to")
  func edited() throws {
    _ = try plan("-o", "net.json")
    let text = try workspace.text("net.json")
    let edited = text.replacing(/"peakBytes": \d+/, with: "\"peakBytes\": 5")
    try #require(edited != text)
    try workspace.write(edited, to: "net.json")
    let shown = try workspace.strata("show", "net.json")
    #expect(shown.exitCode == 0 && shown.output.contains("small: parallel"), "\(shown.diagnostics)")
    #expect(shown.diagnostics.contains("note: net.json: the plan is stale: "), "\(shown.diagnostics)")
  }

  @Test("the data of the line that made a plan is in the line that makes it again")
  func data() throws {
    try workspace.write(
      """
      strata: 1
      name: images
      data: {source: cifar10, path: nowhere, limit: {train: 10, test: 10}}
      network: {family: vgg, widths: [4], head: gap}
      training: {batch: 10}

      """, to: "net.yaml")
    try FileManager.default.createDirectory(
      at: workspace.url.appending(path: "the data"), withIntermediateDirectories: true)
    for name in (1...5).map({ "data_batch_\($0)" }) + ["test_batch"] {
      let file = workspace.url.appending(path: "the data/\(name).bin")
      try Data().write(to: file)
      // Zeros that take no room.
      try FileHandle(forWritingTo: file).truncate(atOffset: 10_000 * 3073)
    }
    _ = try plan("-o", "net.json", "--data", "the data")
    let spec = try workspace.text("net.yaml")
    try workspace.write(spec.replacing("batch: 10", with: "batch: 5"), to: "net.yaml")
    let shown = try workspace.strata("show", "net.json")
    #expect(shown.exitCode == 0, "\(shown.diagnostics)")
    #expect(
      shown.diagnostics.contains("plan again: strata plan net.yaml --data 'the data' -o net.json\n"),
      "\(shown.diagnostics)")
  }

  @Test("a moment of a spec is that of the plan that the same options make")
  func moment() throws {
    let natural = try workspace.strata("show", "net.yaml", "--at", "peak", "--json")
    let tight = try workspace.strata(
      "show", "net.yaml", "--at", "peak", "--json", "--threads", "1", "--budget", "80%", "--set",
      "training.batch=25")
    #expect(natural.exitCode == 0 && tight.exitCode == 0, "\(tight.diagnostics)")
    _ = try plan("-o", "net.json", "--threads", "1", "--set", "training.batch=25")
    #expect(try workspace.strata("show", "net.json", "--at", "peak", "--json").output == tight.output)
    #expect(tight.output != natural.output)
    let refused = try workspace.strata("show", "net.yaml", "--at", "peak", "--budget", "1MiB")
    #expect(refused.exitCode == 3)
    for arguments in [
      ["net.yaml", "--budget", "1GiB"], ["net.json", "--budget", "1GiB"], ["net.yaml", "--threads", "1"],
    ] {
      #expect(try StrataProcess(["show"] + arguments, in: workspace.url).exitCode == 2, "\(arguments)")
    }
  }

  // MARK: - Differences

  @Test("one spec against itself, each side with options of its own")
  func sides() throws {
    let equal = try workspace.strata("diff", "--exit-code", "net.yaml", "net.yaml", "--threads", "1")
    #expect(equal.exitCode == 0 && equal.output.contains("the plans are equal"))
    let changed = try workspace.strata(
      "diff", "--exit-code", "net.yaml", "net.yaml", "--set", "training.epochs=5", "--set",
      "b:training.batch=25",
      "--budget", "a:1GiB", "--threads", "a:2", "--threads", "b:1")
    #expect(changed.exitCode == 1 && changed.diagnostics == "", "\(changed.diagnostics)")
    #expect(
      changed.output.contains("  a: net.yaml --budget 1GiB --threads 2 --set training.epochs=5\n"),
      "\(changed.output)")
    #expect(
      changed.output.contains(
        "  b: net.yaml --threads 1 --set training.epochs=5 --set training.batch=25\n"))
    #expect(
      changed.output.contains(/\n  training\.batch +50 +25\n/)
        && changed.output.contains(/\n  threads +2 +1\n/))
    #expect(changed.output.contains(/\n  budget +1\.0 GiB +none\n/), "\(changed.output)")
    // Without the option a difference is no failure.
    #expect(
      try workspace.strata("diff", "net.yaml", "net.yaml", "--set", "b:training.batch=25").exitCode == 0)
    #expect(try workspace.strata("diff", "net.yaml", "net.yaml", "--budget", "b:1MiB").exitCode == 3)
  }

  @Test("a spec is planned for the threads of the plan beside it, and options go with specs alone")
  func plans() throws {
    _ = try plan("-o", "net.json", "--threads", "3")
    let same = try workspace.strata("diff", "--exit-code", "net.json", "net.yaml")
    #expect(same.exitCode == 0, "\(same.output)")
    #expect(
      try workspace.strata("diff", "--exit-code", "net.json", "net.yaml", "--threads", "1").exitCode == 1)
    for options in [["--set", "a:training.batch=1"], ["--budget", "b:1GiB", "--budget", "b:2GiB"]] {
      let refused = try StrataProcess(["diff", "net.json", "net.yaml"] + options, in: workspace.url)
      #expect(refused.exitCode == 2 && refused.output.isEmpty, "\(options): \(refused)")
    }
    let both = try workspace.strata("diff", "net.json", "net.json", "--budget", "1GiB")
    #expect(both.exitCode == 2 && both.diagnostics.contains("a plan file is taken as it stands"))
  }
}
