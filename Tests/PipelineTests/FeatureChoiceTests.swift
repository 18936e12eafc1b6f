import CompilerSupport
import GraphIR
import Operators
import Planning
import Testing

@Suite("Which stages keep features")
struct FeatureChoiceTests {
  private func plan(
    _ lines: String, features: String = "auto", images: Int = 200, choices: PlanChoices? = nil
  ) throws -> Plan {
    try DecodedSpec(
      """
      strata: 1
      name: choice
      \(lines)
      memory: {features: \(features)}
      """
    ).plan(images: images, choices: choices)
  }

  private static let deep =
    "network: {family: vgg, input: 3x16x16, classes: 10, widths: [64, 64, 64, 64, 8]}\ntraining: {strategy: sequential, epochs: 20, batch: 50}"

  @Test("with auto, those whose prefix takes longer than reading")
  func auto() throws {
    let plan = try plan(Self.deep)
    #expect(plan.stages[0].features == nil)
    // Module 2's prefix is one thin layer; the last ones have millions of multiply-adds before them.
    #expect(plan.stages[3].features?.module == 3 && plan.stages[4].features?.module == 4)
    let once = try self.plan(Self.deep.replacing("epochs: 20", with: "epochs: 1"))
    #expect(once.stages[1].features == nil)
  }

  @Test("with cache, all that have a frozen prefix; with recompute, none")
  func policies() throws {
    let cached = try plan(Self.deep, features: "cache")
    #expect(cached.stages.map { $0.features?.module } == [nil, 1, 2, 3, 4])
    #expect(cached.stages.dropFirst(2).allSatisfy { $0.programs[.featuresOfPrevious] != nil })
    #expect(try plan(Self.deep, features: "recompute").stages.allSatisfy { $0.features == nil })
    for strategy in ["parallel", "end-to-end"] {
      let lines = Self.deep.replacing("sequential", with: strategy)
      #expect(try plan(lines, features: "cache").stages.allSatisfy { $0.features == nil })
    }
  }

  /// The run moves nothing over into a stage that goes on with modules of the one before.
  @Test("a stage that goes on with a module makes its features from images")
  func staggered() throws {
    let lines = Self.deep.replacing("64, 64, 64, 64, 8", with: "64, 64, 8")
      .replacing("sequential, epochs: 20", with: "parallel, epochs: 4, start: {every: 2}")
    let plan = try plan(lines, features: "cache")
    #expect(plan.stages.map(\.schedule.indices) == [[1], [1, 2], [2, 3], [3]])
    #expect(plan.stages.map { $0.features?.module } == [nil, nil, 1, 2])
    #expect(plan.stages.allSatisfy { $0.programs[.featuresOfPrevious] == nil })
    // Once all modules of a stage begin with it, those of the stage before are of use.
    let oneByOne = try self.plan(lines.replacing("every: 2", with: "every: 4"), features: "cache")
    #expect(oneByOne.stages.map { $0.programs[.featuresOfPrevious] == nil } == [true, true, false])
  }

  @Test("the prefix counts as it is once its channels are gone")
  func compressed() throws {
    let lines = """
      network: {family: vgg, input: 3x16x16, classes: 10, widths: [16, 16, 16]}
      training: {strategy: sequential, epochs: 5, batch: 50}
      """
    #expect(try self.plan(lines).stages[2].features != nil)
    let plan = try plan(lines + "\ncompression: {width: 8, epochs: 2}")
    #expect(plan.stages.allSatisfy { $0.features == nil } && plan.choices == PlanChoices())
    #expect(plan.stagesWithoutFeatures == 0)
  }

  @Test("are made by convolutions with as little scratch as all others")
  func smallScratch() throws {
    /// Of the layers of the first modules.
    func algorithms(_ program: Program, upTo module: Int) -> [String] {
      program.graph.nodes.compactMap { node in
        guard let convolution = node.op.as(Convolution.self), node.module <= module else { return nil }
        return "\(node.item) \(convolution.algorithm)"
      }
    }
    func plan(_ scratch: PlanChoices.ConvolutionScratch) throws -> Plan {
      var choices = PlanChoices()
      (choices.features, choices.scratch, choices.recomputeAboveBytes) = (.file, scratch, 1)
      return try self.plan(Self.deep, features: "cache", choices: choices)
    }
    let (small, fast) = (try plan(.small), try plan(.fast))
    for (index, stage) in small.stages.enumerated().dropFirst() {
      let features = try #require(stage.features)
      let made = algorithms(try #require(stage.programs[.features]), upTo: features.module)
      #expect(made == algorithms(small.evaluation, upTo: features.module))
      // The first layer has too few channels for Winograd.
      guard features.module > 1 else { continue }
      let others = try #require(fast.stages[index].programs[.features])
      #expect(made != algorithms(others, upTo: features.module))
    }
  }

  @Test("none where every epoch draws its images")
  func augmentation() throws {
    let plan = try plan(Self.deep + "\ndata: {augment: {flip: horizontal}}")
    #expect(plan.stages.allSatisfy { $0.features == nil } && plan.choices.features == .recompute)
  }

  @Test("in memory they are part of the arena, and the figures add up")
  func figures() throws {
    let plan = try plan(Self.deep, features: "cache", images: 100)
    #expect(plan.choices.features == .memory)
    for stage in plan.stages.dropFirst() {
      let features = try #require(stage.features)
      let range = try #require(features.range)
      #expect(features.byteCount == 200 * features.bytesPerImage && range.count >= features.byteCount)
      #expect(stage.memory.lowerBoundBytes <= stage.memory.arenaBytes)
      #expect(stage.memory.breakdown[.activation] >= range.count)
      for program in stage.programs.allElements {
        #expect(program.arenaBytes <= stage.memory.arenaBytes)
        let places = zip(program.graph.values, program.offsets).map { $1..<$1 + $0.type.byteCount }
        #expect(places.allSatisfy { !$0.overlaps(range) })
      }
    }
  }

  /// Features in a file are kept by fewer stages, which rounds otherwise: scratch for more threads must not make room.
  @Test("in memory or in a file whatever the number of threads")
  func threads() throws {
    var seen: Set<PlanChoices.Features> = []
    for images in [50, 100, 200, 400, 800, 1600] {
      let plans = try [1, 2, 64].map { threads in
        try DecodedSpec("strata: 1\nname: choice\n\(Self.deep)").plan(
          threads: threads, images: images, choices: nil)
      }
      for plan in plans {
        #expect(plan.choices == plans[0].choices, "\(plan.threads) threads, \(images) images")
        #expect(plan.stages.map { $0.features?.module } == plans[0].stages.map { $0.features?.module })
      }
      seen.insert(plans[0].choices.features)
    }
    #expect(seen == [.memory, .file])
  }

  @Test("in a file where they would take more memory than all the rest")
  func file() throws {
    let plan = try plan(Self.deep, features: "cache", images: 50_000)
    #expect(plan.choices.features == .file)
    #expect(plan.featureFileBytes == 100_000 * 64 * 16 * 16 * 4)
    let plain = try self.plan(Self.deep, features: "recompute", images: 50_000)
    #expect(plan.memory.arenaBytes <= plain.memory.arenaBytes)
  }
}
