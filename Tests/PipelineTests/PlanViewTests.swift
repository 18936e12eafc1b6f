import Artifacts
import CompilerSupport
import CostModel
import GraphIR
import Pipeline
import Planning
import Testing
import Text

/// What people see of a plan adds up to the plan's own figures, on specs that are drawn from seeds.
@Suite("Views of plans of random specs")
struct PlanViewTests {
  private static let seeds = 0..<24

  @Test(
    "the live blocks of every operation make the program's figures, and no two share a byte", arguments: seeds
  )
  func blocks(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let plan = try DecodedSpec(random.text).plan(threads: 1 + seed % 3, images: random.images)
    for id in plan.programIDs {
      let program = plan.program(id)
      let memory = plan.memory(of: id)
      let place = Comment(rawValue: "seed \(seed), \(id.words):\n\(random.text)")
      #expect(memory.live.count == program.graph.nodes.count, place)
      #expect(memory.live.map(\.total).max() == program.peak.total, place)
      #expect(memory.live[program.peakNode] == program.peak, place)
      for (node, live) in memory.live.enumerated() {
        let blocks = memory.blocks(at: node)
        var sums = MemoryBreakdown()
        for block in blocks { sums[block.category] += block.byteCount }
        #expect(sums == live, place)
        let ranges = blocks.map { $0.offset..<$0.offset + $0.byteCount }.sorted {
          $0.lowerBound < $1.lowerBound
        }
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }, place)
        #expect((ranges.last?.upperBound ?? 0) <= program.arenaBytes, place)
        // What the operation itself reads and writes is among them.
        let values = program.graph.nodes[node].operands + program.graph.nodes[node].results
        let offsets = Set(blocks.map(\.offset))
        #expect(values.allSatisfy { offsets.contains(program.offsets[$0.index]) }, place)
      }
    }
  }

  @Test("every byte of the peak is somebody's", arguments: seeds)
  func attribution(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let spec = try DecodedSpec(random.text)
    let plan = try spec.plan(images: random.images)
    let attribution = PeakAttribution(plan, places: spec.places)
    #expect(attribution.rows.map(\.byteCount).reduce(0, +) == plan.memory.peakBytes)
    var sums = MemoryBreakdown()
    for row in attribution.rows {
      for category in MemoryCategory.allCases { sums[category] += row.breakdown[category] }
    }
    #expect(sums == plan.memory.breakdown, "seed \(seed)")
    let lines = spec.places.specLines.count
    for place in attribution.rows.compactMap(\.place) {
      let line = try #require(place.split(separator: ":").last.flatMap { Int($0) })
      #expect(place.hasPrefix("net.yaml:") && (1...lines).contains(line))
    }
    // Parameters belong to lines of the network or of its classifiers, never to nobody.
    #expect(attribution.rows.allSatisfy { $0.breakdown.total == 0 || !$0.what.isEmpty })
  }

  @Test("each row of the comparison is what the spec gives with its strategy set", arguments: seeds)
  func comparison(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let own = try DecodedSpec(random.text)
    let plan = try own.plan(images: random.images)
    let rows = try own.comparison(with: plan).rows
    #expect(rows.contains { $0.strategy == plan.training.strategy })
    for row in rows {
      // A staggered start goes with parallel training alone; others take no notice of it.
      let text =
        row.strategy == .parallel ? random.text : random.text.replacing("\n  start: {every: 1}", with: "")
      let spec = try DecodedSpec(text, sets: ["training.strategy=\(row.strategy.rawValue)"])
      let other = try spec.plan(images: random.images)
      #expect(row.memory == other.memory, "seed \(seed), \(row.strategy)")
      #expect(row.peakStage == other.peakStage)
      #expect(row.stages.map(\.memory) == other.stages.map(\.memory))
      #expect(row.stages.map(\.modules) == other.stages.map(\.schedule.indices))
      if text == random.text, plan.training.strategy != .asynchronous {
        #expect(try spec.comparison(with: other).rows == rows)
      }
    }
  }

  /// A machine on which every kind of work has the same speed.
  private var model: TimeModel {
    var profile = MachineProfile(processor: "test", threads: 2, secondsPerCall: 1e-6)
    for kind in WorkKind.measured {
      profile.add(MachineProfile.Point(size: 64, rows: 64, secondsPerUnit: 1e-9), of: kind)
    }
    return TimeModel(profile)
  }

  @Test("each row's time is that of the spec's plan with its strategy set", arguments: seeds)
  func comparisonTimes(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let spec = try DecodedSpec(random.text)
    let plan = try spec.plan(images: random.images)
    var comparison = try spec.comparison(with: plan)
    let times = try LoweredSpec(spec.spec).strategyTimes(of: plan, model: model)
    #expect(times.count == comparison.rows.count)
    for (row, time) in zip(comparison.rows, times) {
      let text =
        row.strategy == .parallel ? random.text : random.text.replacing("\n  start: {every: 1}", with: "")
      let other = try DecodedSpec(text, sets: ["training.strategy=\(row.strategy.rawValue)"]).plan(
        images: random.images)
      let expected = model.figures(of: other)
      #expect(abs(time.seconds - expected.seconds) <= 1e-9 * expected.seconds, "seed \(seed)")
      #expect(time.stages.count == row.stages.count)
    }
    #expect(ComparisonText(plan, comparison).rows.allSatisfy { $0.last == "unknown" })
    comparison.times = times
    let text = ComparisonText(plan, comparison)
    #expect(text.rows.allSatisfy { $0.count == text.columns.count && $0.last != "unknown" })
  }

  @Test("pages are the same each time, well formed, and without anything from elsewhere", arguments: seeds)
  func pages(seed: Int) throws {
    let random = RandomSpec(seed: seed)
    let spec = try DecodedSpec(random.text)
    let plan = try spec.plan(images: random.images)
    let comparison = try spec.comparison(with: plan)
    let page = PlanPage(plan, comparison, places: spec.places).text
    let isSame = PlanPage(plan, comparison, places: spec.places).text == page
    #expect(isSame)
    #expect(unbalancedTag(page) == nil, "seed \(seed)")
    for word in ["<script", "http:", "https:", "url(", "@import", " src=", " href="] {
      #expect(!page.contains(word), "seed \(seed): '\(word)'")
    }
  }

  @Test(
    "a page tells fine-tuning from training, and what compression comes to",
    arguments: ["module", "auxiliary"])
  func compressedPage(tuned: String) throws {
    let spec = try DecodedSpec(
      """
      strata: 1
      name: narrow
      network: {family: vgg, input: 1x8x8, widths: [12, 8], head: {kind: cnn, k: 2, width: 6}}
      auxiliary: {kind: cnn, k: 2, width: 10}
      training: {strategy: sequential, epochs: 3, batch: 50}
      compression: {width: [6, 6], epochs: 2, fine-tune: \(tuned)}

      """)
    let plan = try spec.plan(images: 200)
    let page = PlanPage(plan, try spec.comparison(with: plan), places: spec.places).text
    #expect(unbalancedTag(page) == nil)
    let figures = try #require(CompressionFigures(plan, metrics: []))
    #expect(page.contains("<h2>Compression, before and after</h2>"))
    for cell in figures.rows.joined() where !cell.isEmpty { #expect(page.contains(">\(cell)<"), "\(cell)") }
    // The rows of the stages.
    for (stage, learns) in ["1", "1 narrowed", "2", "2 narrowed"].enumerated() {
      #expect(page.contains("<td class=\"n\">\(stage + 1)</td><td class=\"n\">\(learns)</td>"), "\(learns)")
    }
    let tunes =
      tuned == "module"
      ? "fine-tunes the channels that it keeps"
      : "frozen, its auxiliary fine-tunes on the channels that it keeps"
    let colour = tuned == "module" ? 1 : 2
    for words in [
      "learns, epochs 1 to 3, stage 1", "\(tunes), epochs 4 to 5, stage 2",
      "frozen, epochs 6 to 10, stages 3-4", "learns, epochs 6 to 8, stage 3",
    ] { #expect(page.contains(": \(words)</title>"), "\(words)") }
    #expect(page.contains("class=\"c\(colour)\"><title>1  "))
    #expect(page.contains("<i class=\"c\(colour)\"></i>\(tunes)"))
  }

  @Test("layouts name the same programs as text and as JSON, each differently")
  func layoutTitles() throws {
    var choices = PlanChoices()
    (choices.features, choices.featureStages) = (.file, .all)
    let plan = try DecodedSpec(
      """
      strata: 1
      name: three
      network: {family: vgg, input: 3x8x8, widths: [4, 4, 4]}
      training: {strategy: sequential, batch: 4}

      """
    ).plan(choices: choices)
    func member(_ json: JSON, _ key: String) -> JSON? {
      if case .object(let members) = json { members.first { $0.key == key }?.value } else { nil }
    }
    guard case .array(let programs)? = member(plan.layoutJSON, "programs") else {
      Issue.record("no programs")
      return
    }
    let titles = programs.map { program in
      if case .string(let title)? = member(program, "title") { title } else { "" }
    }
    let lines = plan.layoutText.split(separator: "\n").filter { !$0.hasPrefix(" ") }
    #expect(titles == lines.map { String($0.prefix { $0 != ":" }) })
    #expect(Set(titles).count == titles.count)
  }

  /// The first tag that is not closed where it should be.
  private func unbalancedTag(_ page: String) -> String? {
    var open: [Substring] = []
    for tag in page.matches(of: /<(\/?)([a-zA-Z0-9!]+)[^<>]*?(\/?)>/) {
      let name = tag.2
      if ["meta", "!DOCTYPE"].contains(name) || !tag.3.isEmpty { continue }
      if tag.1.isEmpty {
        open.append(name)
      } else if open.popLast() != name {
        return String(name)
      }
    }
    return open.last.map { String($0) }
  }
}

@Suite("Figures of the comparison, by hand")
struct StrategyFigureTests {
  /// Two layers of 3x3 convolutions on 4x4 images, linear heads without batch norm in them.
  private static let text = """
    strata: 1
    name: two
    data: {source: synthetic, limit: {train: 10, test: 4}}
    network: {family: vgg, input: 1x4x4, classes: 2, widths: [3, 5], batch-norm: false, head: gap}
    auxiliary: linear
    training: {strategy: sequential, epochs: 2, batch: 4}

    """

  @Test("multiply-adds of forward, frozen prefix, backward, and of the whole training")
  func multiplyAdds() throws {
    let spec = try DecodedSpec(Self.text.replacing("auxiliary: linear", with: "auxiliary: {kind: linear}"))
    let plan = try spec.plan(
      facts: DataFacts(trainCount: 10, testCount: 4, residentBytes: 0, fingerprint: nil))
    let rows = try spec.comparison(with: plan).rows
    let first = 16 * 9 * 1 * 3
    let second = 16 * 9 * 3 * 5
    let auxiliary = 4 * 3 * 2
    let head = 5 * 2
    let sequential = try #require(rows.first { $0.strategy == .sequential })
    // The first layer has no image to send a gradient to: its weights' alone.
    #expect(sequential.stages.map(\.step.forward) == [4 * (first + auxiliary), 4 * (second + head)])
    #expect(sequential.stages.map(\.step.frozen) == [0, 4 * first])
    #expect(sequential.stages.map(\.step.backward) == [4 * (first + 2 * auxiliary), 4 * (second + 2 * head)])
    let perImage = (2 * first + 3 * auxiliary) + (first + 2 * second + 3 * head)
    #expect(sequential.trainingMultiplyAdds == 2 * 10 * perImage)
    let whole = try #require(rows.first { $0.strategy == .endToEnd })
    #expect(whole.stages.map(\.step.forward) == [4 * (first + second + head)])
    #expect(whole.stages.map(\.step.backward) == [4 * (first + 2 * second + 2 * head)])
    #expect(whole.stages.map(\.step.frozen) == [0])
  }
}
