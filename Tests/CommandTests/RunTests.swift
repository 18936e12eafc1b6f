import Foundation
import TestSupport
import Testing

private struct Summary: Decodable {
  struct Module: Decodable {
    var index: Int
    var trainLoss, trainTop1, testTop1: Double
  }
  struct Time: Decodable { var measuredSeconds: Double }
  var schema, status, weightsSha256: String
  var modules: [Module]
  var ensembleTop1: Double
  var time: Time
  var imagesPerSecond: Double
}

private struct MetricsLine: Decodable, Equatable {
  var module, epoch: Int
  var split: String
  var loss, top1, seconds: Double
}

private struct Evaluation: Decodable {
  struct Module: Decodable {
    var index: Int
    var testLoss, testTop1: Double
  }
  var schema, name: String
  var modules: [Module]
  var ensembleTop1: Double
}

@Suite("Runs, from a spec to the weights")
struct RunTests {
  private let workspace: Workspace

  init() throws {
    workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
  }

  @Test("a run leaves its files, and evaluation repeats its accuracies")
  func files() throws {
    let run = try workspace.strata("run", "net.yaml", "-o", "out")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    #expect(run.output.hasPrefix("training small in out\n"))
    #expect(run.output.hasSuffix("weights, metrics and plan are in out\n"))
    let names = try workspace.names(in: "out").filter { !$0.hasPrefix(".") }
    for name in ["log.txt", "metrics.jsonl", "model.safetensors", "plan.json", "spec.yaml", "summary.json"] {
      #expect(names.contains(name))
    }

    let lines = try workspace.text("out/metrics.jsonl").split(separator: "\n").map {
      try JSONDecoder().decode(MetricsLine.self, from: Data($0.utf8))
    }
    let places = lines.map { "\($0.epoch) \($0.split) \($0.module)" }
    #expect(
      places == [
        "1 train 1", "1 train 2", "1 test 1", "1 test 2", "2 train 1", "2 train 2", "2 test 1", "2 test 2",
      ])
    #expect(lines.allSatisfy { $0.loss > 0 && (0...1).contains($0.top1) && $0.seconds > 0 })

    let summary = try workspace.decode(Summary.self, "out/summary.json")
    #expect(summary.schema == "strata.summary/1" && summary.status == "finished")
    #expect(summary.modules.map(\.index) == [1, 2])
    #expect(summary.imagesPerSecond > 0 && summary.time.measuredSeconds > 0)
    for module in summary.modules {
      let train = try #require(
        lines.first { $0.epoch == 2 && $0.split == "train" && $0.module == module.index })
      let test = try #require(
        lines.first { $0.epoch == 2 && $0.split == "test" && $0.module == module.index })
      #expect(module.trainLoss == train.loss && module.trainTop1 == train.top1)
      #expect(module.testTop1 == test.top1)
    }

    let evaluation = try workspace.strata("evaluate", "out", "--json")
    #expect(evaluation.exitCode == 0, "\(evaluation.diagnostics)")
    let figures = try JSONDecoder().decode(Evaluation.self, from: Data(evaluation.output.utf8))
    #expect(figures.schema == "strata.evaluation/1" && figures.name == "small")
    #expect(figures.modules.map(\.testTop1) == summary.modules.map(\.testTop1))
    #expect(figures.ensembleTop1 == summary.ensembleTop1)
    let losses = lines.filter { $0.epoch == 2 && $0.split == "test" }.map(\.loss)
    #expect(figures.modules.map(\.testLoss) == losses)
  }

  @Test("training learns")
  func learns() throws {
    let run = try workspace.strata(
      "run", "net.yaml", "-o", "out", "--set", "training.epochs=6", "--set", "data.limit.train=1000", "--set",
      "data.limit.test=360", "--set", "network.widths=[16, 32]", "--set", "network.head=linear")
    #expect(run.exitCode == 0, "\(run.diagnostics)")
    let summary = try workspace.decode(Summary.self, "out/summary.json")
    // Guessing is right one time in ten.
    for module in summary.modules { #expect(module.testTop1 > 0.8 && module.trainLoss < 0.5) }
  }

  @Test("the same weights to the byte for any number of threads", arguments: ["parallel", "sequential"])
  func threads(strategy: String) throws {
    var models: [Data] = []
    let counts = [1, 2, 3, 16, 64]
    for threads in counts {
      let run = try workspace.strata(
        "run", "net.yaml", "-o", "out-\(threads)", "--threads", "\(threads)", "--set",
        "training.strategy=\(strategy)")
      #expect(run.exitCode == 0, "\(run.diagnostics)")
      models.append(try workspace.data("out-\(threads)/model.safetensors"))
    }
    for model in models {
      let isSame = model == models[0]
      #expect(isSame)
    }
    let sums = try counts.map { try workspace.decode(Summary.self, "out-\($0)/summary.json").weightsSha256 }
    #expect(Set(sums).count == 1)
    #expect(sums[0] == (try sha256(of: "out-1/model.safetensors")))
  }

  private func sha256(of name: String) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/sha256sum")
    process.arguments = [workspace.url.appending(path: name).path]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return String(text.prefix { $0 != " " })
  }

  @Test("another seed gives other weights")
  func seeds() throws {
    for seed in 1...2 {
      let run = try workspace.strata("run", "net.yaml", "-o", "out-\(seed)", "--set", "training.seed=\(seed)")
      #expect(run.exitCode == 0, "\(run.diagnostics)")
    }
    let isSame = try workspace.data("out-1/model.safetensors") == workspace.data("out-2/model.safetensors")
    #expect(!isSame)
  }

  // MARK: - Folders

  @Test("a folder that holds a run is refused, with the line that goes on with it")
  func secondRun() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out").exitCode == 0)
    let before = try workspace.data("out/model.safetensors")
    let second = try workspace.strata("run", "net.yaml", "-o", "out", "--set", "training.seed=9")
    #expect(second.exitCode == 2)
    #expect(
      second.diagnostics == """
        error: out: there is a run in this folder already
          = help: go on with it: strata run out --resume

        """)
    let isUntouched = try workspace.data("out/model.safetensors") == before
    #expect(isUntouched)
  }

  @Test("without -o runs are numbered")
  func numbers() throws {
    for _ in 1...2 { #expect(try workspace.strata("run", "net.yaml").exitCode == 0) }
    #expect(try workspace.names(in: "runs") == ["small-1", "small-2"])
  }

  @Test("a folder without a run can't be evaluated")
  func evaluateNothing() throws {
    let result = try workspace.strata("evaluate", ".")
    #expect(result.exitCode == 2)
    #expect(result.diagnostics.hasPrefix("error: .: there is no run in this folder"))
  }

  @Test("a dry run prints the plan and makes no folder")
  func dryRun() throws {
    let dry = try workspace.strata("run", "net.yaml", "--dry-run", "-o", "out")
    let plan = try workspace.strata("plan", "net.yaml")
    #expect(dry.exitCode == 0 && dry.output == plan.output)
    #expect(try workspace.names(in: ".") == ["net.yaml"])
  }

  @Test("a dry run refuses what the run would refuse")
  func dryRunOfFaults() throws {
    #expect(try workspace.strata("plan", "net.yaml", "-o", "net.json").exitCode == 0)
    #expect(try workspace.strata("run", "net.yaml", "-o", "out", "--set", "training.epochs=1").exitCode == 0)
    let last = "training.seed=\(UInt64.max)"
    for (arguments, words) in [
      (["net.json", "--seeds", "3"], "'--seeds' does not go with a plan"),
      (["net.yaml", "--seeds", "2", "--set", last], "there are no 2 seeds"),
      (["net.yaml", "-o", "out"], "there is a run in this folder already"),
    ] {
      for dry in [[], ["--dry-run"]] {
        let result = try StrataProcess(["run"] + arguments + dry, in: workspace.url)
        #expect(result.exitCode == 2 && result.diagnostics.contains(words), "\(dry): \(result.diagnostics)")
      }
    }
    #expect(try workspace.strata("run", "net.yaml", "--dry-run", "--seeds", "3").exitCode == 0)
  }

  @Test("the folder of a run in place of a spec is answered with what goes on with it")
  func folder() throws {
    #expect(try workspace.strata("run", "net.yaml", "-o", "out", "--set", "training.epochs=1").exitCode == 0)
    let result = try workspace.strata("run", "out")
    #expect(result.exitCode == 2)
    #expect(
      result.diagnostics == """
        error: cannot read 'out': it is the folder of a run
          = help: go on with it: strata run out --resume; its plan is out/plan.json

        """)
  }

  // MARK: - Data

  @Test("data that is not there is exit code 5, and no folder is left")
  func missingData() throws {
    try workspace.write(
      """
      strata: 1
      name: images
      data: {source: cifar10, path: nowhere}
      network: {family: vgg, widths: [8]}
      training: {}
      """, to: "cifar.yaml")
    let result = try workspace.strata("run", "cifar.yaml", "-o", "out")
    #expect(result.exitCode == 5)
    #expect(result.output == "")
    // Every file by itself.
    #expect(result.diagnostics.matches(of: /error: nowhere\/[a-z0-9_]+\.bin: no such file/).count == 6)
    #expect(try workspace.names(in: ".") == ["cifar.yaml", "net.yaml"])
    // Planning needs no files.
    #expect(try workspace.strata("plan", "cifar.yaml").exitCode == 0)
  }

  @Test(
    "a profile is of all stages, and leaves the weights as they are",
    arguments: ["sequential", "asynchronous"])
  func profile(strategy: String) throws {
    struct Summary: Decodable {
      struct Row: Decodable {
        var module: Int
        var activity: String?
        var seconds: Double
        var share: Double
        enum CodingKeys: String, CodingKey {
          case module, seconds, share
          case activity = "for"
        }
      }
      struct Profile: Decodable {
        var seconds, preparationSeconds, otherSeconds: Double
        var operations, modules: [Row]
      }
      struct Time: Decodable { var measuredSeconds: Double }
      var weightsSha256: String
      var profile: Profile?
      var time: Time
    }
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    let sets = ["--set", "training.strategy=\(strategy)", "--set", "training.epochs=1"]
    let plain = try StrataProcess(["run", "net.yaml", "-o", "plain"] + sets, in: workspace.url)
    let profiled = try StrataProcess(
      ["run", "net.yaml", "-o", "profiled", "--profile"] + sets, in: workspace.url)
    #expect(plain.exitCode == 0 && profiled.exitCode == 0, "\(profiled.diagnostics)")
    for part in ["time by operation", "time by module", "roofline: ", "preparing batches"] {
      #expect(profiled.output.contains(part) && !plain.output.contains(part), "\(part)")
    }
    let before = try workspace.decode(Summary.self, "plain/summary.json")
    let summary = try workspace.decode(Summary.self, "profiled/summary.json")
    #expect(before.weightsSha256 == summary.weightsSha256 && before.profile == nil)
    let profile = try #require(summary.profile)
    for module in [1, 2] {
      for activity in ["training", "evaluation"] {
        #expect(profile.operations.contains { $0.module == module && $0.activity == activity })
      }
    }
    let parts = profile.operations.map(\.seconds).reduce(profile.preparationSeconds + profile.otherSeconds, +)
    #expect(abs(parts - profile.seconds) < 1e-6 && profile.seconds <= summary.time.measuredSeconds)
    #expect(profile.operations.allSatisfy { $0.share >= 0 && $0.share.isFinite })
    let page = try workspace.text("profiled/report.html")
    #expect(page.contains("Time by module"))
    let dry = try workspace.strata("run", "net.yaml", "--profile", "--dry-run")
    #expect(dry.exitCode == 2)
  }
}
