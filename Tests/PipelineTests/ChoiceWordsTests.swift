import Artifacts
import CompilerSupport
import Planning
import Testing
import Text

/// What people read of a plan's choices is true.
@Suite("Words about choices")
struct ChoiceWordsTests {
  private func spec(_ features: String) throws -> DecodedSpec {
    try DecodedSpec(
      """
      strata: 1
      name: words
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 64, 64, 8]}
      training: {strategy: sequential, epochs: 20, batch: 64}
      memory: {features: \(features)}
      """)
  }

  private func plan(features: String = "auto", _ change: (inout PlanChoices) -> Void) throws -> Plan {
    var choices = PlanChoices()
    change(&choices)
    return try spec(features).plan(images: 128, choices: choices)
  }

  private func diff(_ a: Plan, _ b: Plan) throws -> PlanDiff {
    let spec = try spec("auto")
    func record(_ plan: Plan, _ name: String) throws -> PlanLock {
      PlanLock(plan, try spec.comparison(with: plan), name: name, places: spec.places)
    }
    return PlanDiff(try record(a, "a"), try record(b, "b"))
  }

  @Test("evaluation's images are held against what passes otherwise")
  func forwardBatch() throws {
    func words(microBatch: Int?) throws -> String? {
      let plan = try plan { ($0.microBatch, $0.forwardBatch) = (microBatch, 4) }
      return plan.choiceEffects.first { $0.choice == "forwardBatch" }?.words
    }
    #expect(try words(microBatch: nil)?.contains("4 images at once instead of 64") == true)
    #expect(try words(microBatch: 16)?.contains("4 images at once instead of 16") == true)
  }

  @Test("plans come to the same weights where no choice rounds otherwise, and only there")
  func sameWeights() throws {
    let plain = try plan { _ in }
    let inFile = try plan { $0.features = .file }
    #expect(inFile.stages.contains { $0.features != nil })
    let pairs: [(a: Plan, b: Plan, isSame: Bool)] = [
      (plain, try plan { $0.recomputeAboveBytes = 1 }, true),
      (plain, try plan { $0.forwardBatch = 4 }, true),
      (plain, inFile, false),
      (plain, try plan { $0.scratch = .small }, false),
      (plain, try plan { $0.microBatch = 16 }, false),
      (inFile, try plan { ($0.features, $0.forwardBatch) = (.file, 4) }, false),
      (inFile, try plan { ($0.features, $0.featureStages) = (.file, .all) }, false),
    ]
    for (a, b, isSame) in pairs {
      let diff = try self.diff(a, b)
      let text = diff.text(.plain)
      #expect(diff.altersResults != isSame, "\(b.choices)")
      #expect(text.contains("both come to the same weights") == isSame, "\(text)")
      #expect(text.contains("changes the results") != isSame, "\(text)")
    }
    // The same stages have them, in memory or in a file.
    let kept = try [PlanChoices.Features.memory, .file].map { storage in
      try plan(features: "cache") { $0.features = storage }
    }
    let moved = try diff(kept[0], kept[1])
    #expect(!moved.altersResults && moved.text(.plain).contains("output of frozen modules"))
  }
}
