import Diagnostics
import Pipeline
import SpecLanguage
import Testing

/// Schedules that do nothing: what is warned of, where, and what is not.
@Suite("Warnings of schedules")
struct ScheduleWarningTests {
  /// `W001 6:42: message`, each.
  private func warnings(_ training: String, rest: String = "") -> [String] {
    var texts = SourceTexts()
    let text = """
      strata: 1
      name: net
      network: {family: vgg, input: 3x8x8, classes: 4, widths: [8, 8, 8]}
      training: {\(training)}
      \(rest)
      """
    let file = texts.add(label: "net.yaml", text: text)
    let result = decode(file)
    #expect(result.diagnostics.isEmpty, "\(DiagnosticRenderer(texts: texts).render(result.diagnostics))")
    guard let spec = result.spec else { return [] }
    return Pipeline.warnings(of: spec, images: 1024).map { warning in
      #expect(warning.severity == .warning)
      let at = String(decoding: file.bytes[warning.primary.utf8], as: UTF8.self)
      return "\(warning.code) '\(at)': \(warning.message)"
    }
  }

  private func cosine(_ epochs: Int, _ keys: String) -> [String] {
    warnings("epochs: \(epochs), schedule: {kind: cosine, \(keys)}")
  }

  @Test("warm-ups of one epoch and of all")
  func warmUps() {
    #expect(cosine(6, "warm-up: 1") == ["W001 '1': a warm-up of one epoch changes nothing"])
    #expect(
      cosine(6, "warm-up: 9")
        == [
          "W001 '9': the warm-up takes all of 6 epochs: the learning rate never reaches its full value"
        ])
    #expect(
      cosine(6, "warm-up: 6")
        == ["W001 '6': the warm-up takes all of 6 epochs: nothing is left for the cosine"])
    for warmUp in [0, 2, 4] { #expect(cosine(6, "warm-up: \(warmUp)") == []) }
  }

  @Test("a cosine without effect")
  func cosines() {
    #expect(
      cosine(6, "warm-up: 5")
        == [
          "W003 'schedule': the cosine has one epoch behind 5 epochs of warm-up, in which the learning rate is whole"
        ])
    #expect(
      warnings("epochs: 1, schedule: cosine")
        == ["W003 'schedule': the cosine has one epoch, in which the learning rate is whole"])
    #expect(cosine(6, "floor: 1") == ["W003 '1': a floor of 1 leaves the learning rate as it is"])
    #expect(warnings("epochs: 2, schedule: cosine") == [])
  }

  @Test("steps and milestones that no epoch follows")
  func falls() {
    func step(_ keys: String) -> [String] { warnings("epochs: 6, schedule: {kind: step, \(keys)}") }
    #expect(step("every: 5, factor: 0.1") == [])
    #expect(
      step("every: 6, factor: 0.1")
        == ["W002 '6': the learning rate never falls: 'every: 6' is not reached in 6 epochs"])
    #expect(step("every: 2, factor: 1") == ["W003 '1': a factor of 1 leaves the learning rate as it is"])
    func milestones(_ at: String) -> [String] {
      warnings("epochs: 6, schedule: {kind: milestones, at: \(at), factor: 0.1}")
    }
    #expect(milestones("[3, 5]") == [])
    #expect(milestones("[3, 6]") == ["W002 '6': milestone 6 does nothing in 6 epochs"])
    #expect(milestones("[30, 60]") == ["W002 '30': milestones 30 and 60 do nothing in 6 epochs"])
  }

  @Test("by the epochs that modules have, each number once")
  func modules() {
    let schedule = "schedule: {kind: step, every: 4, factor: 0.1}"
    #expect(
      warnings("epochs: 9, \(schedule), overrides: [{module: 1, epochs: 3}, {module: 2, epochs: 3}]")
        == ["W002 '4': the learning rate never falls: 'every: 4' is not reached in 3 epochs"])
    // Nobody is trained for the common number; end-to-end training has no modules of its own.
    let all = "overrides: [{module: 1, epochs: 9}, {module: 2, epochs: 9}, {module: 3, epochs: 9}]"
    #expect(warnings("epochs: 1, \(schedule), \(all)") == [])
    #expect(warnings("epochs: 1, \(schedule), strategy: end-to-end, \(all)").count == 1)
    // Fine-tuning runs through the schedule as well.
    #expect(
      warnings(
        "strategy: sequential, epochs: 9, \(schedule)", rest: "compression: {width: 4, epochs: 2}")
        == ["W002 '4': the learning rate never falls: 'every: 4' is not reached in 2 epochs"])
  }

  @Test("what waits for a fall that never comes")
  func decays() {
    let momentum = "W003 'drop': 'momentum-at-decay: drop' does nothing: the learning rate never falls"
    #expect(warnings("epochs: 6, momentum-at-decay: drop") == [momentum])
    #expect(warnings("epochs: 6, momentum-at-decay: drop, schedule: cosine") == [])
    let asynchronous = "strategy: asynchronous, asynchronous: {at-decay: clear}"
    #expect(
      warnings("epochs: 6, \(asynchronous)")
        == ["W003 'clear': 'at-decay: clear' does nothing: the learning rate never falls"])
    #expect(warnings("epochs: 6, schedule: cosine, \(asynchronous)") == [])
  }

  @Test("none for the specs that come with Strata", arguments: SpecFolder.names)
  func shipped(name: String) throws {
    #expect(CheckedText(try SpecFolder.text(name)).warnings == [])
  }
}
