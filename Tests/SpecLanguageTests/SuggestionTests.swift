import CompilerSupport
import Diagnostics
import SpecLanguage
import Testing

/// Words of other programs, and what they are answered with.
@Suite("Suggestions")
struct SuggestionTests {
  private func help(_ fragment: String, sets: [String] = []) -> String? {
    let decoded = Decoded(completed(fragment), sets: sets)
    #expect(decoded.result.diagnostics.count == 1, "\(decoded.rendered)")
    return decoded.result.diagnostics.first?.help
  }

  @Test(
    "for keys, in their section and elsewhere",
    arguments: [
      ("training: {lr: 0.1}", "did you mean 'learning-rate' of 'training.optimizer'?"),
      ("training: {learning_rate: 0.1}", "did you mean 'learning-rate' of 'training.optimizer'?"),
      ("training: {wd: 0.1}", "did you mean 'weight-decay' of 'training.optimizer'?"),
      ("training: {bs: 8}", "did you mean 'batch'?"), ("training: {batch_size: 8}", "did you mean 'batch'?"),
      ("training: {num_epochs: 8}", "did you mean 'epochs'?"),
      ("training: {drop_last: true}", "did you mean 'drop-last'?"),
      ("training: {optimizer: {lr: 0.1}}", "did you mean 'learning-rate'?"),
      ("training: {schedule: {kind: cosine, warmup_epochs: 2}}", "did you mean 'warm-up'?"),
      (
        "lr: 0.1", "did you mean 'learning-rate' of 'training.optimizer' or 'learning-rate' of 'compression'?"
      ),
    ])
  func keys(fragment: String, expected: String) {
    #expect(help(fragment + "\n") == expected)
  }

  @Test("for layers and channels")
  func networks() {
    for word in ["channels", "layers", "features"] {
      let decoded = Decoded(
        "strata: 1\nname: test\nnetwork: {family: vgg, \(word): [8]}\ntraining: {epochs: 1}\n")
      #expect(decoded.rendered.contains("did you mean 'widths'?"), "\(decoded.rendered)")
    }
  }

  @Test("on the command line too")
  func sets() {
    #expect(help("", sets: ["training.batch_size=8"]) == "did you mean 'batch'?")
    #expect(help("", sets: ["training.lr=0.1"]) == "did you mean 'learning-rate' of 'training.optimizer'?")
  }

  @Test(
    "for values",
    arguments: [
      ("auxiliary: conv", "did you mean 'cnn'?"), ("auxiliary: mlp_sr", "did you mean 'mlp-sr'?"),
      ("training: {strategy: backprop}", "did you mean 'end-to-end'?"),
      ("training: {strategy: end_to_end}", "did you mean 'end-to-end'?"),
      ("training: {strategy: greedy}", "did you mean 'sequential'?"),
      ("downsampling: {kind: avgpool, before: [2]}", "did you mean 'average-pool'?"),
      ("downsampling: {kind: max_pool, before: [2]}", "did you mean 'max-pool'?"),
      ("training: {schedule: {kind: multistep, at: [1], factor: 0.1}}", "did you mean 'milestones'?"),
    ])
  func values(fragment: String, expected: String) {
    let decoded = Decoded(completed(fragment + "\n"))
    #expect(decoded.result.diagnostics.contains { $0.help == expected }, "\(decoded.rendered)")
  }

  @Test("an update rule that only looks like adam is not answered with adam")
  func adam() throws {
    for word in ["nadam", "adamax"] {
      let decoded = Decoded(completed("training: {optimizer: {kind: \(word)}}\n"))
      let fault = try #require(decoded.result.diagnostics.first)
      #expect(fault.code == "E035" && fault.fixIt == nil)
      let help = try #require(fault.help)
      #expect(!help.contains("did you mean") && help.contains("not available"), "\(help)")
    }
    #expect(
      Decoded(completed("training: {optimizer: {kind: adm}}\n")).rendered.contains("did you mean 'adam'?"))
  }

  @Test(
    "every word that stands for another is none of the language in that place, and every key is offered once")
  func tables() {
    let keys = assignableKeys()
    #expect(Set(keys.map(\.key)).count == keys.count && keys.count > 60)
    #expect(keys.first { $0.key == "training.strategy" }?.values.contains("end-to-end") == true)
    #expect(keys.first { $0.key == "training.drop-last" }?.values == ["true", "false"])
    #expect(keys.first { $0.key == "auxiliary" }?.values.contains("cnn") == true)
    #expect(keys.first { $0.key == "training.partition" }?.values == ["per-layer", "per-block", "auto"])
    #expect(keys.first { $0.key == "training.epochs" }?.values == [])
    #expect(!keys.contains { $0.key.contains("[]") })
  }
}
