import Artifacts
import CompilerSupport
import GraphIR
import Planning
import Testing
import Text

@Suite("Plans on ranks")
struct RankPlanTests {
  /// Outputs of 4x8x8 and 8x4x4.
  private static func spec(_ training: String = "strategy: parallel", network: String = "") -> String {
    """
    strata: 1
    name: ranked
    data: {source: synthetic}
    network: {family: vgg, input: 3x8x8, classes: 4, widths: [4, 8, 8]\(network)}
    downsampling: {kind: max-pool, before: [2]}
    training: {\(training), batch: 16}

    """
  }

  private func ranks(_ count: Int, _ text: String = spec()) throws -> (plan: Plan, ranks: [RankPlan]) {
    let plan = try DecodedSpec(text).ranked(count)
    return (plan, try #require(plan.ranks).ranks)
  }

  @Test("send what their last module outputs, and its labels, to the byte")
  func bytes() throws {
    let (plan, ranks) = try ranks(3)
    #expect(ranks.map(\.rank) == [0, 1, 2])
    #expect(ranks.map(\.modules) == [1...1, 2...2, 3...3])
    let (first, second) = (16 * 4 * (4 * 8 * 8 + 1), 16 * 4 * (8 * 4 * 4 + 1))
    #expect(ranks.map(\.sendBytesPerStep) == [first, second, 0])
    #expect(ranks.map(\.receiveBytesPerStep) == [0, first, second])
    // Both ends of a link have two buffers each, on cache lines of their own.
    let buffers = ranks.map { rank in
      rank.stage.resident.entries.filter { $0.value.category == .replay }.map(\.value)
    }
    #expect(
      buffers.map { $0.map(\.name) } == [
        ["send.1.features", "send.1.labels"],
        ["receive.1.features", "receive.1.labels", "send.2.features", "send.2.labels"],
        ["receive.2.features", "receive.2.labels"],
      ])
    #expect(buffers[0].map(\.type.byteCount) == [2 * 16 * 4 * 4 * 8 * 8, 2 * 16 * 4])
    #expect(plan.ranks.map(plan.pipeline)?.fillSteps == 2)
    #expect(ranks.map(\.multiplyAddsPerStep).reduce(0, +) == plan.stages[0].multiplyAddsPerStep)
  }

  @Test("hold their own tensors alone, and together those of one process", arguments: 1...3)
  func tensors(count: Int) throws {
    let (plan, ranks) = try ranks(count)
    func names(_ layout: ResidentLayout) -> [String] {
      layout.entries.filter { $0.value.category != .replay }.map { "\($0.value.module) \($0.value.name)" }
    }
    #expect(ranks.flatMap { names($0.stage.resident) }.sorted() == names(plan.stages[0].resident).sorted())
    for rank in ranks {
      let own = rank.stage.resident.entries.filter { $0.value.category != .replay }
      #expect(own.allSatisfy { rank.modules.contains($0.value.module) })
      #expect(rank.memory.arenaBytes == rank.stage.programs.allElements.map(\.arenaBytes).max())
    }
  }

  @Test("receive first and send right behind their layers")
  func ports() throws {
    let (_, ranks) = try ranks(3)
    for program in ranks[1].stage.programs.allElements {
      #expect(program.graph.nodes[0].op.text == "receive")
      let sent = try #require(program.graph.nodes.firstIndex { $0.op.text == "send" })
      #expect(program.graph.nodes[..<sent].allSatisfy { $0.part == .layers })
      // In, features and labels; out, the same of the next module, and metrics.
      #expect(
        program.inputs.map(\.kind) == [.receive(module: 1), .receive(module: 1)])
      #expect(
        program.outputs.map(\.kind) == [.send(module: 2), .send(module: 2), .metrics(module: 2)])
    }
    #expect(ranks[0].stage.training.inputs.map(\.kind) == [.images, .labels])
    #expect(ranks[2].stage.training.outputs.map(\.kind) == [.metrics(module: 3)])
  }

  @Test("of which one alone is the training of one process")
  func one() throws {
    let (plan, ranks) = try ranks(1)
    #expect(ranks[0].stage.training.graph == plan.stages[0].training.graph)
    #expect(ranks[0].stage.training.arenaBytes == plan.stages[0].training.arenaBytes)
    #expect(ranks[0].sendBytesPerStep == 0 && plan.ranks.map(plan.pipeline)?.speedup == 1)
  }

  @Test("keep images in the first rank alone")
  func images() throws {
    let facts = DataFacts(trainCount: 64, testCount: 64, residentBytes: 1_000_000, fingerprint: nil)
    let plan = try DecodedSpec(Self.spec()).ranked(2, facts: facts)
    #expect(plan.ranks?.ranks.map(\.memory.dataBytes) == [1_000_000, 0])
  }

  @Test("are refused for other strategies, for stages, and where there are more than modules")
  func faults() throws {
    func code(_ training: String, count: Int, network: String = "") throws -> String? {
      do {
        _ = try DecodedSpec(Self.spec(training, network: network)).ranked(count)
        return nil
      } catch let faults {
        #expect(faults.diagnostics.count == 1)
        return faults.diagnostics.first?.code
      }
    }
    for strategy in ["sequential", "end-to-end", "asynchronous"] {
      #expect(try code("strategy: \(strategy)", count: 2) == "E200")
    }
    #expect(try code("strategy: parallel, epochs: 2, start: {every: 1}", count: 2) == "E201")
    #expect(try code("strategy: parallel", count: 4) == "E202")
    #expect(try code("strategy: parallel", count: 3) == nil)
  }

  @Test("have the fewest that stay within so many bytes, or none")
  func fewest() throws {
    let decoded = try DecodedSpec(Self.spec())
    let plan = try decoded.ranked(3)
    var compiler = try decoded.rankCompiler(plan, 3)
    let costs = compiler.costs()
    let largest = try (1...3).map { try #require(decoded.ranked($0).ranks).largest.memory.peakBytes }
    func fewest(_ byteCount: Int) -> Int? { compiler.fewestRanks(costs, within: byteCount)?.ranks.count }
    for (index, peak) in largest.enumerated() {
      // By the definition: the first count whose largest rank fits.
      #expect(fewest(peak) == largest.firstIndex { $0 <= peak }.map { $0 + 1 }, "\(index + 1)")
    }
    #expect(fewest((largest.min() ?? 0) - 1) == nil)
  }

  @Test("are cut as a file says, where that is a cut")
  func cuts() throws {
    let decoded = try DecodedSpec(Self.spec())
    let compiler = try decoded.rankCompiler(try decoded.plan(), 2)
    #expect(compiler.isCut([1...2, 3...3]) && compiler.isCut([1...3]))
    for groups in [[], [1...2], [2...3], [1...1, 3...3], [1...2, 2...3], [1...4], [3...3, 1...2]] {
      #expect(!compiler.isCut(groups), "\(groups)")
    }
  }

  @Test("are in the layout's hash and in the plan's document")
  func document() throws {
    let decoded = try DecodedSpec(Self.spec())
    let (two, three) = (try decoded.ranked(2), try decoded.ranked(3))
    let one = try decoded.plan()
    #expect(Set([one, two, three].map(\.layoutSHA256)).count == 3)
    let lock = PlanLock(three, PlanComparison(rows: []), name: "plan", places: decoded.places)
    #expect(lock.ranks == PlanLock.Ranks(groups: [1...1, 2...2, 3...3]))
    #expect(PlanLock(one, PlanComparison(rows: []), name: "plan", places: decoded.places).ranks == nil)
  }
}
