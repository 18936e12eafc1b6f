import Artifacts
import Foundation

/// A run's folder as a run leaves it, with figures that a test makes up.
struct MadeUpRun {
  var name = "net"
  /// Lines of the spec's canonical text, in its order.
  var spec = [
    "data:", "  source: npy", "  path: images", "training:", "  strategy: parallel", "  batch: 50",
    "  asynchronous:", "    slow:", "      by: 1.5",
  ]
  var seed = 1
  var moduleCount = 2
  /// That it has trained.
  var epochs = 2
  var fingerprint = String(repeating: "a", count: 64)
  /// The SHA-256 of the weights that it started from.
  var start: String?
  /// A choice, its value and what it does to the results.
  var choice: (name: String, value: Int, results: String)?
  /// Nil: no summary, as a run that was killed leaves none.
  var status: String? = "finished"
  var release = "1.0"
  /// Modules from 1, epochs from 1.
  var testTop1: (_ module: Int, _ epoch: Int) -> Double = { module, epoch in
    Double(module) / 10 + Double(epoch) / 100
  }
  var testTop5: Double?
  var ensembleTop1: Double? = 0.75
  var probes: [ProbeRecord] = []

  /// Puts the files into `folder`, and reads them as a command does.
  func history(in folder: TemporaryFolder, _ path: String) throws -> RunHistory {
    let whole = "\(folder.path)/\(path)"
    try FileManager.default.createDirectory(atPath: whole, withIntermediateDirectories: true)
    func write(_ text: String, to name: String) throws {
      try folder.write([UInt8](text.utf8), to: "\(path)/\(name)")
    }
    let text = (["name: \(name)"] + spec + ["  seed: \(seed)"]).joined(separator: "\n") + "\n"
    let modules = (1...moduleCount).map {
      #"{"index": \#($0), "name": "layer \#($0)", "auxiliary": {"parameters": 30, "macs": 400}}"#
    }
    let numbers = (1...moduleCount).map { "\($0)" }.joined(separator: ", ")
    let choices = choice.map { #"{"\#($0.name)": \#($0.value)}"# } ?? "{}"
    let effects = choice.map { #"{"choice": "\#($0.name)", "results": "\#($0.results)"}"# } ?? ""
    try write(
      """
      {"schema": "strata.plan/1", "name": "\(name)", "spec": {"text": \(quoted(text))},
       "data": {"fingerprint": "\(fingerprint)"}, "start": \(start.map { #"{"sha256": "\#($0)"}"# } ?? "null"),
       "network": {"parameters": 1234, "macs": 56789}, "choices": \(choices), "choiceEffects": [\(effects)],
       "modules": [\(modules.joined(separator: ", "))],
       "stages": [{"strategy": "parallel", "modules": [\(numbers)], "epochs": 2}],
       "comparison": [{"isPlan": false, "stepMacs": 1, "trainingMacs": 2},
                      {"isPlan": true, "stepMacs": 7000, "trainingMacs": 12300000}]}
      """, to: "plan.json")
    var lines: [String] = []
    for epoch in 1..<epochs + 1 {
      for module in 1...moduleCount {
        let top5 = testTop5.map { #""top5":\#($0),"# } ?? ""
        for split in ["train", "test"] {
          lines.append(
            #"{"module":\#(module),"epoch":\#(epoch),"split":"\#(split)","loss":1.5,"#
              + #""top1":\#(testTop1(module, epoch)),\#(top5)"seconds":0.1}"# + "\n")
        }
      }
    }
    try write(lines.joined(), to: "metrics.jsonl")
    if let status {
      let ensemble = status == "finished" ? ensembleTop1.map { "\($0)" } ?? "null" : "null"
      try write(
        """
        {"schema": "strata.summary/1", "status": "\(status)", "ensembleTop1": \(ensemble),
         \(testTop5.map { #""ensembleTop5": \#($0),"# } ?? "") "determinedBy": {"release": "\(release)"}}
        """, to: "summary.json")
    }
    if !probes.isEmpty { try ProbeRecords.keep(probes, in: whole) }
    return try RunHistory(folder: whole)
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.replacingOccurrences(of: "\n", with: "\\n") + "\""
  }

  /// With a line of the spec in place of the one that begins as it does.
  func setting(_ line: String) -> MadeUpRun {
    var run = self
    let key = line.prefix { $0 != ":" }
    run.spec = spec.map { $0.hasPrefix(key + ":") ? line : $0 }
    return run
  }

  func with(_ change: (inout MadeUpRun) -> Void) -> MadeUpRun {
    var run = self
    change(&run)
    return run
  }
}
