import Foundation
import Testing

@Suite("Lines of metrics within an epoch")
struct LogEveryTests {
  private struct Line: Decodable {
    var module, epoch: Int
    var split: String
    var step, steps: Int?
    var learningRate, imagesPerSecond, loss: Double?
  }

  @Test("stand between the epochs, change no weight, and are read over by all who read the file")
  func lines() throws {
    let workspace = try Workspace()
    try workspace.write(digitsSpec, to: "net.yaml")
    try #require(try workspace.strata("run", "net.yaml", "-o", "plain").exitCode == 0)
    let run = try workspace.strata("run", "net.yaml", "-o", "logged", "--log-every", "1ms")
    try #require(run.exitCode == 0, "\(run.diagnostics)")
    let text = try workspace.text("logged/metrics.jsonl")
    let lines = try text.split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
    let steps = lines.filter { $0.split == "step" }
    // Four steps of two modules in two epochs, of which the fastest machine may leave some out.
    #expect((1...16).contains(steps.count) && steps.allSatisfy { $0.steps == 4 })
    #expect(steps.allSatisfy { $0.learningRate != nil && $0.imagesPerSecond ?? 0 > 0 })
    for epoch in 1...2 {
      for module in 1...2 {
        guard let last = steps.last(where: { $0.epoch == epoch && $0.module == module && $0.step == 4 })
        else { continue }
        let whole = try #require(
          lines.first { $0.split == "train" && $0.epoch == epoch && $0.module == module })
        #expect(last.loss == whole.loss)
      }
    }
    func weights(_ folder: String) throws -> Data { try workspace.data("\(folder)/model.safetensors") }
    #expect(try weights("plain") == weights("logged"))
    #expect(try workspace.strata("show", "logged").exitCode == 0)
    let compare = try workspace.strata("compare", "plain", "logged")
    #expect(compare.exitCode == 0 && !compare.diagnostics.contains("W042"), "\(compare.diagnostics)")
  }
}
