package import Diagnostics
package import Planning
internal import Text

/// `report.html`: what a run came to, and the plan it followed, in one page.
package struct RunPage {
  private let history: RunHistory
  private let plan: Plan
  private let planPage: PlanPage
  /// Nil while the run goes on.
  private let state: RunSummary.Status?
  private let profile: ProfileText?
  private let compression: CompressionFigures?
  private let origin: ReportOrigin
  private let answers: AnswerTexts?
  private let samples: SampleSheet?

  /// - Parameters:
  ///   - state: how the run ended; the process that writes the page still has the folder's lock. Nil while it goes on: the page
  ///     then has what there is so far, without the plan, and reloads itself.
  ///   - profile: nil where nobody asked for it.
  ///   - compression: nil where no module loses channels.
  ///   - answers: of the last module, on the test images; nil where they were not measured.
  ///   - samples: nil where the run has left none.
  ///   - origin: of the page.
  package init(
    _ history: RunHistory, of plan: Plan, _ comparison: PlanComparison, places: SourcePlaces,
    state: RunSummary.Status?, profile: ProfileText? = nil, compression: CompressionFigures? = nil,
    answers: AnswerTexts? = nil, samples: SampleSheet? = nil, origin: ReportOrigin
  ) {
    self.samples = samples
    self.answers = answers
    self.compression = compression
    self.origin = origin
    self.state = state
    self.profile = profile
    self.history = history
    self.plan = plan
    planPage = PlanPage(plan, comparison, places: places)
  }

  /// A browser reads the page of a run at work again so often.
  private static let reloadSeconds = 15

  package var text: String {
    HTMLPage.document(
      title: "\(plan.name): run", reloadSeconds: state == nil ? Self.reloadSeconds : nil
    ) { html in
      let comparison = RunComparison([history], module: nil)
      head(&html)
      html.element("h2", text: "Curves")
      comparison.curves(&html)
      if plan.modules.count > 1 {
        html.charts([.testTop1, .testTop5, .testLoss].map { comparison.depthChart($0) })
      }
      comparison.separability(&html)
      figures(&html)
      answers?.section(&html, who: "the last module")
      samples?.section(&html)
      guard state != nil else { return }
      memory(&html)
      profile?.section(&html)
      planPage.sections(&html)
    }
  }

  private func head(_ html: inout HTML) {
    let status = history.status
    html.element("h1", text: plan.name)
    html.element(
      "p", [("class", "dim")],
      text: "\(state?.rawValue ?? "running"): \(planPage.summary), seed \(history.seed)")
    html.element("p", [("class", "dim")], text: origin.words(threads: plan.threads))
    if state == nil, let progress = history.status.progress {
      html.element(
        "p", text: RunStatusText.placeWords(progress) + ". " + RunStatusText.timeWords(progress) + ".")
    }
    var figures: [(name: String, value: String, note: String)] = []
    if let top1 = history.last(.testTop1, module: plan.modules.count) {
      figures.append(("head, test top1", percentage(top1), "last epoch"))
    }
    if let ensemble = status.ensembleTop1 {
      figures.append(("ensemble, test top1", percentage(ensemble), "of all modules"))
    }
    if let top5 = history.last(.testTop5, module: plan.modules.count) {
      figures.append(("head, test top5", percentage(top5), "last epoch"))
    }
    if let ensemble = status.ensembleTop5 {
      figures.append(("ensemble, test top5", percentage(ensemble), "of all modules"))
    }
    if let seconds = status.measuredSeconds { figures.append(("time", duration(seconds: seconds), "in all")) }
    if let rate = status.imagesPerSecond {
      figures.append(("speed", "\(fixed(rate, decimals: 0)) images/s", "in training"))
    }
    figures.append(
      ("peak, planned", byteSize(plan.memory.peakBytes), "\(grouped(plan.memory.peakBytes)) bytes"))
    if let measured = status.measuredPeakBytes {
      let deviation = signedShare(Double(measured), of: Double(plan.memory.peakBytes))
      figures.append(
        (
          "peak, measured", byteSize(measured),
          "\(deviation) against the plan"
        ))
    }
    html.figures(figures)
  }

  private func figures(_ html: inout HTML) {
    let hasEnsembles = history.status.modules.contains { $0.ensembleTop1 != nil }
    html.element("h2", text: "Modules at their last epoch")
    let shown: [RunHistory.Figure] =
      plan.classes > 10
      ? [.trainLoss, .trainTop1, .trainTop5, .testLoss, .testTop1, .testTop5]
      : [.trainLoss, .trainTop1, .testLoss, .testTop1]
    html.table(
      [.right("module"), .left("made of"), .right("epoch")] + shown.map { .right($0.rawValue) }
        + (hasEnsembles ? [.right(EnsembleColumn.title)] : []),
      history.status.modules.map { module in
        let epoch = max(module.train?.epoch ?? 0, module.test?.epoch ?? 0)
        return ["\(module.index)", module.name, "\(epoch)/\(module.epochs)"]
          + shown.map { figure in history.last(figure, module: module.index).map(figure.words) ?? "-" }
          + (hasEnsembles ? [EnsembleColumn.text(module.ensembleTop1)] : [])
      })
    if let compression { compression.section(&html) }
    if let hash = history.status.weightsSHA256 {
      html.element("p", [("class", "dim")], text: "weights, SHA-256: \(hash)")
    }
  }

  private func memory(_ html: inout HTML) {
    html.element("h2", text: "Memory, planned and measured")
    let memory = plan.memory
    var bars = [
      BarChart.Bar(
        "planned",
        [
          BarChart.Part("program", colour: 8, memory.runtimeBytes),
          BarChart.Part("data set", colour: 6, memory.dataBytes),
          BarChart.Part("arena", colour: 0, memory.arenaBytes),
        ], note: byteSize(memory.peakBytes))
    ]
    if let measured = history.status.measuredPeakBytes {
      bars.append(
        BarChart.Bar("measured", [BarChart.Part("process", colour: 1, measured)], note: byteSize(measured)))
    }
    html.legend([(8, "program"), (6, "data set"), (0, "arena"), (1, "largest resident set of the process")])
    html.chart(
      BarChart(
        title: "peak memory", bars: bars, limit: plan.budgetBytes.map { StackedChart.Limit("budget", $0) }
      ).svg())
  }
}
