package import Diagnostics
internal import Execution
internal import GraphIR
internal import Operators
package import Planning
package import Text

/// A plan for people: modules, stages, memory to the byte, and what makes the peak.
package struct PlanText {
  private let plan: Plan
  private let style: TextStyle
  private let places: SourcePlaces
  private let listsStages: Bool
  private let comparison: PlanComparison

  /// - Parameter listsStages: tell each stage of every strategy.
  package init(
    _ plan: Plan, _ comparison: PlanComparison, style: TextStyle, places: SourcePlaces,
    listsStages: Bool = false
  ) {
    self.comparison = comparison
    self.plan = plan
    self.style = style
    self.places = places
    self.listsStages = listsStages
  }

  package var text: String {
    let strategies =
      comparison.rows.isEmpty
      ? [] : [ComparisonText(plan, comparison).text(style, withStages: listsStages)]
    return
      ([headline, moduleTable] + compressionTable + [stageTable] + features + [memory] + budget
      + [attribution] + strategies)
      .joined(separator: "\n")
  }

  private var headline: String {
    let training = plan.training
    let modules = plan.modules.count == 1 ? "1 module" : "\(plan.modules.count) modules"
    let most = training.modules.map(\.epochs).max() ?? 0
    let epochs = "\(most) epoch\(most == 1 ? "" : "s") a module"
    let input = "\(plan.input.channels)x\(plan.input.height)x\(plan.input.width)"
    let lines = """
      \(style.bold(plan.name)): \(training.strategy.rawValue), \(modules), batch \(training.batch), \
      \(epochs), \(plan.threads) worker\(plan.threads == 1 ? "" : "s")
      \(plan.data.source.rawValue): \(grouped(plan.data.facts.trainCount)) training and \
      \(grouped(plan.data.facts.testCount)) test images of \(input), \(plan.classes) classes
      \(startLine)
      """
    return wrapped(lines, width: Table.widthLimit).joined(separator: "\n")
  }

  /// What the network starts from, and how asynchronous modules work.
  private var startLine: String {
    var lines = ""
    if let start = plan.start {
      let frozen = plan.training.frozenCount
      let kept = frozen == 0 ? "" : ", \(frozen == 1 ? "module 1" : "modules 1-\(frozen)") kept frozen"
      lines += "starts from \(start.path): \(start.tensors.count) tensors\(kept)\n"
    }
    if let compression = plan.training.compression {
      let narrowed = plan.training.modules.compactMap(\.narrowing)
      let epochs = narrowed.first?.epochs ?? 0
      let ranked =
        compression.criterion.readsImages
        ? "\(compression.criterion.rawValue) over \(grouped(compression.images)) images"
        : compression.criterion.rawValue
      let tuned = compression.tunesLayers ? "layer and auxiliary" : "the auxiliary"
      lines +=
        "compression: \(narrowed.count) of \(plan.modules.count) layers, ranked by \(ranked), "
        + "then \(epochs) epoch\(epochs == 1 ? "" : "s") of fine-tuning \(tuned)\n"
    }
    if let replay = plan.training.replay {
      let slow = replay.slow.map { ", module \($0.module) slower by \($0.factor)" } ?? ""
      lines +=
        "replay: \(replay.slots) batch\(replay.slots == 1 ? "" : "es") a module, "
        + "reuse \(replay.reuse.map { "\($0)" } ?? "unlimited"), order \(replay.order.rawValue), "
        + "ties \(replay.ties.rawValue)\(slow)\n"
      if let counts = ReplayCounts(plan) {
        lines +=
          "\(grouped(counts.events)) events, \(grouped(counts.feedingCount.reduce(0, +))) of them only to feed others; "
          + "nothing to read \(grouped(counts.starvedCount.reduce(0, +))) times\n"
      }
    }
    return lines
  }

  // MARK: - Modules

  private var moduleTable: String {
    var table = Table([
      .right("module"), .left("made of"), .right("parameters"), .right("MACs"),
      .right("auxiliary parameters"),
      .right("auxiliary MACs"), .right("peak while it learns"),
    ])
    for module in plan.modules {
      let isHead = module.index == plan.modules.count
      table.add([
        "\(module.index)", module.name + (isHead ? ", head" : ""), grouped(module.parameters),
        grouped(module.multiplyAdds), grouped(module.auxiliaryParameters),
        grouped(module.auxiliaryMultiplyAdds),
        modulePeak(module.index).map { byteSize($0) } ?? "-",
      ])
    }
    table.addRule()
    table.add([
      "", "network with head", grouped(plan.networkParameters), grouped(plan.networkMultiplyAdds), "", "", "",
    ])
    return table.text(style)
  }

  /// What is before channels go and behind.
  private var compressionTable: [String] {
    CompressionFigures(plan, metrics: []).map { [$0.text(style)] } ?? []
  }

  private func modulePeak(_ module: Int) -> Int? {
    plan.stages.first { $0.schedule.indices.contains(module) }.flatMap { stage in
      let peaks = stage.training.modulePeaks
      return module <= peaks.count ? peaks[module - 1]?.total : nil
    }
  }

  // MARK: - Stages

  private var stageTable: String {
    var table = Table([
      .right("stage"), .right("modules"), .right("steps"), .right("peak"), .right("arena"),
      .right("lower bound"),
    ])
    var live = Table([.right("stage")] + MemoryCategory.allCases.map { .right($0.rawValue) })
    for stage in plan.stages {
      let memory = stage.memory
      let figures = [memory.peakBytes, memory.arenaBytes, memory.lowerBoundBytes]
      table.add(
        ["\(stage.index)", stage.schedule.modulesText, grouped(stage.epochs * stage.stepsPerEpoch)]
          + figures.map { byteSize($0) })
      live.add(["\(stage.index)"] + MemoryCategory.allCases.map { byteSize(memory.breakdown[$0]) })
    }
    return table.text(style) + "\n" + style.bold("in the arena at each stage's peak") + "\n"
      + live.text(style)
  }

  /// What stages start from in place of images; none where all start from images.
  private var features: [String] {
    guard plan.stages.contains(where: { $0.features != nil }) else { return [] }
    var table = Table([
      .right("stage"), .right("features of module"), .right("an image"), .right("size"), .left("where"),
      .left("made from"),
    ])
    for stage in plan.stages {
      guard let features = stage.features else { continue }
      table.add([
        "\(stage.index)", "\(features.module)", byteSize(features.bytesPerImage),
        byteSize(features.byteCount),
        features.range.map { "memory, at byte \(grouped($0.lowerBound)) of the arena" } ?? "file",
        stage.programs[.featuresOfPrevious] != nil || features.stays
          ? "those of the stage before" : "images",
      ])
    }
    return [style.bold("features") + "\n" + table.text(style, indentation: 2)]
  }

  // MARK: - Memory

  private var memory: String {
    let memory = plan.memory
    let checkpoint = plan.checkpointByteCount
    let stage = plan.peakStage.map { "stage \($0)" } ?? "the final evaluation"
    var table = Table([.left(""), .right(""), .left("")])
    func add(_ what: String, _ byteCount: Int, _ note: String) {
      table.add([what, byteSize(byteCount), note])
    }
    let ratio = Double(memory.arenaBytes) / Double(max(1, memory.lowerBoundBytes))
    add(
      "arena", memory.arenaBytes,
      "\(grouped(memory.arenaBytes)) bytes, \(fixed(ratio, decimals: 3)) of the lower bound")
    if let features = plan.peakStage.flatMap({ plan.stages[$0 - 1].features }), let range = features.range {
      add("  features", range.count, "of it, what module \(features.module) gives for every image")
    }
    add("data set", memory.dataBytes, "")
    add("program", memory.runtimeBytes, "")
    table.addRule()
    add("peak", memory.peakBytes, "\(grouped(memory.peakBytes)) bytes, \(stage)")
    return style.bold("memory") + "\n" + table.text(style, indentation: 2)
      + "  on disk a checkpoint takes up to \(byteSize(checkpoint)); two are kept\n"
      + (plan.featureFileBytes > 0
        ? "  features take up to \(byteSize(plan.featureFileBytes)) on disk\n"
        : "")
      + paragraph("the peak is made by \(plan.peakOperation(places.place))", indentation: 2, hanging: 2)
  }

  private var attribution: String {
    style.bold("who holds the peak") + "\n"
      + PeakAttribution(plan, places: places).text(style, limit: 8)
  }

  /// What the plan was asked to stay within, and what it does for that.
  private var budget: [String] {
    let lines = plan.budgetLines
    guard !lines.isEmpty else { return [] }
    return [
      style.bold("budget") + "\n" + lines.map { paragraph($0, indentation: 2, hanging: 2) }.joined()
    ]
  }
}
