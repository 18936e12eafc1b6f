package import Diagnostics
internal import GraphIR
package import Planning
internal import Text

/// A plan as one page that needs nothing but a browser: memory over the operations of a step, who holds the peak, the
/// schedule, the other strategies, and the tables behind them.
package struct PlanPage {
  private let plan: Plan
  private let places: SourcePlaces
  private let attribution: PeakAttribution
  private let comparison: PlanComparison

  /// Stages beyond these are drawn as bars alone.
  private static let drawnStageLimit = 8

  package init(_ plan: Plan, _ comparison: PlanComparison, places: SourcePlaces) {
    self.comparison = comparison
    self.plan = plan
    self.places = places
    attribution = PeakAttribution(plan, places: places)
  }

  package var text: String {
    HTMLPage.document(title: "\(plan.name): training plan") { html in
      head(&html)
      if let compression = CompressionFigures(plan, metrics: []) { compression.section(&html) }
      sections(&html)
    }
  }

  /// All but the head and what compression comes to.
  func sections(_ html: inout HTML) {
    memory(&html)
    holders(&html)
    strategies(&html)
    schedule(&html)
    tables(&html)
    foot(&html)
  }

  // MARK: - Head

  /// The training in one sentence.
  var summary: String {
    let training = plan.training
    let input = "\(plan.input.channels)x\(plan.input.height)x\(plan.input.width)"
    return "\(training.strategy.rawValue) training of \(counted(plan.modules.count, "module")), "
      + "batch \(training.batch), \(counted(plan.threads, "worker")); \(plan.data.source.rawValue), "
      + "\(grouped(plan.data.facts.trainCount)) training and \(grouped(plan.data.facts.testCount)) test images "
      + "of \(input), \(grouped(plan.classes)) classes"
  }

  private func head(_ html: inout HTML) {
    let training = plan.training
    html.element("h1", text: plan.name)
    html.element("p", [("class", "dim")], text: summary)
    let memory = plan.memory
    var figures: [(name: String, value: String, note: String)] = [
      ("peak", byteSize(memory.peakBytes), "\(grouped(memory.peakBytes)) bytes"),
      ("arena", byteSize(memory.arenaBytes), "what the run maps, to the byte"),
    ]
    if let budget = plan.budgetBytes {
      figures.append(
        ("budget", byteSize(budget), "\(percentage(Double(memory.peakBytes) / Double(max(1, budget)))) used"))
    }
    if let whole = comparison.endToEndPeakBytes, training.strategy != .endToEnd {
      figures.append(
        (
          "end-to-end", byteSize(whole),
          "\(fixed(Double(whole) / Double(max(1, memory.peakBytes)), decimals: 2)) times this plan's peak"
        ))
    }
    figures += [
      ("parameters", grouped(plan.networkParameters), "layers and head"),
      ("MACs", grouped(plan.networkMultiplyAdds), "one image, forward"),
    ]
    if let index = ComparisonText(plan, comparison).planIndex, comparison.times.indices.contains(index) {
      figures.append(
        ("time", duration(seconds: comparison.times[index].seconds), "of a run, by this machine's profile"))
    }
    html.figures(figures)
  }

  private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

  // MARK: - Memory

  /// In the order in which the layers of the chart lie on each other.
  private static let order: [MemoryCategory] = [
    .parameter, .statistics, .optimizer, .batch, .gradient, .activation, .workspace,
  ]
  private static let programColour = 8

  static func colour(_ category: MemoryCategory) -> Int {
    switch category {
    case .activation: 0
    case .workspace: 1
    case .parameter: 2
    case .optimizer: 3
    case .gradient: 4
    case .statistics: 5
    case .batch: 6
    }
  }

  private func memory(_ html: inout HTML) {
    html.element("h2", text: "Memory during a step")
    html.element(
      "p", [("class", "dim")],
      text:
        "What is live while each operation of a step runs, above the program's own share and the data set. "
        + "\(plan.budgetBytes == nil ? "The dashed line is" : "The dashed lines are the budget and") what the process takes; the peak is made by \(plan.peakOperation(places.place))."
    )
    html.legend(
      [(Self.programColour, "program and data")] + Self.order.map { (Self.colour($0), $0.rawValue) })
    html.chart(chart(plan.peakProgram))
    let others = plan.stages.map { plan.peakProgram(ofStage: $0.index) }.filter { $0 != plan.peakProgram }
    if !others.isEmpty {
      html.chart(stageBars.svg(barHeight: plan.stages.count > 24 ? 6 : 16))
      html.element("details") { html in
        let drawn = others.prefix(Self.drawnStageLimit)
        html.element(
          "summary",
          text: drawn.count == others.count
            ? "the other stages, one by one" : "the first \(drawn.count) of the other \(others.count) stages")
        for id in drawn { html.chart(chart(id)) }
      }
    }
  }

  private func chart(_ id: ProgramID) -> HTML {
    let memory = plan.memory(of: id)
    let own = plan.memory.runtimeBytes + plan.memory.dataBytes
    let nodes = memory.program.graph.nodes
    let layers =
      [
        StackedChart.Layer(
          "program and data", colour: Self.programColour, [Int](repeating: own, count: nodes.count))
      ]
      + Self.order.map { category in
        StackedChart.Layer(category.rawValue, colour: Self.colour(category), memory.live.map { $0[category] })
      }
    var limits = [StackedChart.Limit("process", plan.memory.peakBytes)]
    if let budget = plan.budgetBytes { limits.append(StackedChart.Limit("budget", budget)) }
    return StackedChart(
      title: id.words, xTitle: "operation of the step", layers: layers, limits: limits,
      stretches: stretches(nodes)
    ).svg()
  }

  /// Neighbouring operations of one module and phase.
  private func stretches(_ nodes: [Node]) -> [StackedChart.Stretch] {
    var stretches: [StackedChart.Stretch] = []
    var start = 0
    func kind(_ node: Node) -> String {
      let phase = node.op.phase == .forward ? "forward" : "backward"
      return "\(node.module) \(phase)"
    }
    for index in nodes.indices where index + 1 == nodes.count || kind(nodes[index + 1]) != kind(nodes[start])
    {
      stretches.append(
        StackedChart.Stretch(
          kind(nodes[start]), start..<index + 1, colour: nodes[start].op.phase == .forward ? 0 : 4))
      start = index + 1
    }
    return stretches
  }

  private var stageBars: BarChart {
    BarChart(
      title: "peak of each stage",
      bars: plan.stages.map { stage in
        let memory = stage.memory
        let own = memory.runtimeBytes + memory.dataBytes
        let parts =
          [BarChart.Part("program and data", colour: Self.programColour, own)]
          + Self.order.map { BarChart.Part($0.rawValue, colour: Self.colour($0), memory.breakdown[$0]) }
        return BarChart.Bar(
          "stage \(stage.index)", parts,
          note: "\(byteSize(memory.peakBytes)), learns \(stage.schedule.modulesText)")
      }, limit: plan.budgetBytes.map { StackedChart.Limit("budget", $0) })
  }

  // MARK: - Attribution

  private func holders(_ html: inout HTML) {
    html.element("h2", text: "Who holds the peak")
    html.element(
      "p", [("class", "dim")],
      text: "Every byte of the process at its peak, by the line of the spec that brings it about.")
    html.table(
      [.right("share"), .right("size"), .left("place"), .left("what")]
        + Self.order.map { .right($0.rawValue) },
      attribution.rows.prefix(40).map { row in
        [percentage(attribution.share(row)), byteSize(row.byteCount), row.place ?? "", row.what]
          + Self.order.map { row.breakdown[$0] == 0 ? "" : byteSize(row.breakdown[$0]) }
      })
    if attribution.rows.count > 40 {
      html.element("p", [("class", "dim")], text: "and \(attribution.rows.count - 40) smaller ones")
    }
    annotatedSpec(&html)
  }

  /// The spec's text with the share of the peak beside each line.
  private func annotatedSpec(_ html: inout HTML) {
    html.element("pre", [("class", "spec")]) { html in
      for (line, text) in zip(attribution.lines(places), places.specLines) {
        html.element("div") { html in
          html.element("span", [("class", "at")], text: "\(line.line)")
          html.element("span", [("class", "bar")]) { html in
            if line.byteCount > 0 {
              let width = max(1, Int((line.shareOfLargest * 120).rounded()))
              html.element("i", [("style", "width:\(width)px")]) { _ in }
            }
          }
          html.element(
            "span", [("class", "share")], text: line.byteCount > 0 ? percentage(line.share) : "")
          html.element("code", text: text)
        }
      }
    }
    html.lineEnd()
  }

  // MARK: - Strategies

  private func strategies(_ html: inout HTML) {
    guard !comparison.rows.isEmpty else { return }
    html.element("h2", text: "The same spec, trained otherwise")
    let table = ComparisonText(plan, comparison)
    html.element("p", [("class", "dim")], text: "The \(table.common).")
    let chart = BarChart(
      title: "peak by strategy",
      bars: comparison.rows.enumerated().map { index, row in
        let memory = row.memory
        let own = memory.runtimeBytes + memory.dataBytes
        let rest = memory.arenaBytes - memory.lowerBoundBytes
        let parts =
          [BarChart.Part("program and data", colour: Self.programColour, own)]
          + Self.order.map { BarChart.Part($0.rawValue, colour: Self.colour($0), memory.breakdown[$0]) }
          + [BarChart.Part("layout", colour: Self.programColour, rest)]
        let isOwn = index == table.planIndex
        return BarChart.Bar(
          table.name(index), parts, note: byteSize(memory.peakBytes) + (isOwn ? ", this plan" : ""))
      }, limit: plan.budgetBytes.map { StackedChart.Limit("budget", $0) })
    html.chart(chart.svg())
    html.table(table.columns, table.rows)
  }

  // MARK: - Schedule

  private func schedule(_ html: inout HTML) {
    html.element("h2", text: "Schedule")
    html.element(
      "p", [("class", "dim")],
      text:
        "When each module learns, over the epochs of the whole training; pale: frozen, run to feed the others."
    )
    let schedule = ModuleSchedule(plan)
    html.legend(schedule.legend)
    let rows = zip(plan.modules, schedule.rows).map { module, stretches in
      (
        name: "\(module.index)  \(module.name)",
        spans: stretches.map {
          ScheduleChart.Span(
            $0.words, from: $0.epochs.lowerBound, to: $0.epochs.upperBound, colour: $0.work.colour)
        }
      )
    }
    html.chart(
      ScheduleChart(title: "schedule of the modules", xTitle: "epoch of the training", rows: rows).svg())
    let rates = LearningRateText(plan).chart
    html.element("h2", text: "Learning rate")
    html.curveLegend(rates.series)
    html.chart(rates.svg())
  }

  // MARK: - Tables

  private func tables(_ html: inout HTML) {
    html.element("h2", text: "Modules")
    html.table(
      [
        .right("module"), .left("made of"), .right("parameters"), .right("MACs"),
        .right("auxiliary parameters"),
        .right("auxiliary MACs"),
      ],
      plan.modules.map { module in
        let isHead = module.index == plan.modules.count
        return [
          "\(module.index)", module.name + (isHead ? ", head" : ""), grouped(module.parameters),
          grouped(module.multiplyAdds), grouped(module.auxiliaryParameters),
          grouped(module.auxiliaryMultiplyAdds),
        ]
      })
    html.element("h2", text: "Stages")
    html.table(
      [
        .right("stage"), .right("learns"), .right("epochs"), .right("steps"), .right("peak"), .right("arena"),
        .right("bound"),
      ] + MemoryCategory.allCases.map { .right($0.rawValue) },
      plan.stages.map { stage in
        let figures = [stage.memory.peakBytes, stage.memory.arenaBytes, stage.memory.lowerBoundBytes]
        return [
          "\(stage.index)", stage.schedule.modulesText, grouped(stage.epochs),
          grouped(stage.epochs * stage.stepsPerEpoch),
        ] + (figures + MemoryCategory.allCases.map { stage.memory.breakdown[$0] }).map { byteSize($0) }
      })
  }

  private func foot(_ html: inout HTML) {
    html.element("h2", text: "What this plan is pinned to")
    html.table(
      [.left("what"), .left("value")],
      [
        ["spec, SHA-256", plan.specSHA256], ["layout, SHA-256", plan.layoutSHA256],
        ["data, fingerprint", plan.data.facts.fingerprint ?? "planned without the data"],
      ])
  }
}
