internal import Text

/// What people call the members of a plan's document: `memory.peakBytes` is the peak, `choices.microBatch` the micro-batch.
/// Documents keep their names.
enum FigureWords {
  /// - Parameter path: dotted, elements from 1: `stages[2].memory.peakBytes`.
  static func name(_ path: String) -> String {
    if let choice = path.tail(behind: "choices.") { return choices[choice] ?? spelledOut(choice) }
    if let memory = path.tail(behind: "memory.") { return self.memory(memory) }
    if let figure = path.tail(behind: "network.") { return network[figure] ?? spelledOut(figure) }
    if let module = path.tail(behind: "modules["), let end = module.firstIndex(of: "]") {
      let rest = String(module[module.index(after: end)...].dropFirst())
      return "module \(module[..<end]), \(modules[rest] ?? spelledOut(rest))"
    }
    // Elements of a document count from 1, ranks from 0.
    if let rank = path.tail(behind: "ranks["), let end = rank.firstIndex(of: "]"),
      let number = Int(rank[..<end])
    {
      let rest = String(rank[rank.index(after: end)...].dropFirst())
      return "rank \(number - 1), \(rest.tail(behind: "memory.").map(memory) ?? spelledOut(rest))"
    }
    return others[path] ?? spelledOut(path)
  }

  /// Of a plan's or a stage's `memory`.
  static func memory(_ key: String) -> String { memoryNames[key] ?? spelledOut(key) }

  /// A value of the member: sizes in units of 1024s.
  static func value(_ value: JSON, of path: String) -> String {
    if path.hasSuffix("Bytes"), let byteCount = value.integer { return byteSize(byteCount) }
    if path == "choices.data", let word = value.string { return dataHolding[word] ?? word }
    return value.words
  }

  /// What a figure grew or shrank by, as it is and as a share; both empty for what is no number.
  static func difference(_ old: JSON?, _ new: JSON?, of path: String) -> (change: String, share: String) {
    guard let before = old?.integer, let after = new?.integer else { return ("", "") }
    let (change, isTooLarge) = after.subtractingReportingOverflow(before)
    guard !isTooLarge, change != .min else { return ("-", "") }
    let amount = path.hasSuffix("Bytes") ? byteSize(abs(change)) : grouped(abs(change))
    return ((change > 0 ? "+" : change < 0 ? "-" : "") + amount, share(before, after))
  }

  /// `+4.4%`; of what became ten times as much, how many times that is.
  static func share(_ before: Int, _ after: Int) -> String {
    guard before > 0 else { return "" }
    let ratio = Double(after) / Double(before)
    if ratio >= 10 { return "\(fixed(ratio, decimals: ratio < 100 ? 1 : 0)) times" }
    return (ratio > 1 ? "+" : "") + percentage(ratio - 1)
  }

  private static let choices = [
    "microBatch": "micro-batch", "recomputeAboveBytes": "recompute values above an arena of",
    "features": "output of frozen modules", "featureStages": "stages with an activation cache",
    "forwardBatch": "batch of evaluation", "data": "data set", "scratch": "scratch of convolutions",
    "scratchThreads": "threads that scratch is counted for", "modules": "modules of 'partition: auto'",
  ]

  private static let dataHolding = ["resident": "kept in memory", "streamed": "read for every batch"]

  private static let memoryNames = [
    "peakBytes": "peak", "arenaBytes": "arena", "lowerBoundBytes": "lower bound of the arena",
    "parameterBytes": "parameters", "statisticsBytes": "running statistics", "gradientBytes": "gradients",
    "optimizerBytes": "optimizer state", "activationBytes": "activations", "workspaceBytes": "workspace",
    "batchBytes": "batch", "dataBytes": "data set", "runtimeBytes": "program",
    "endToEndPeakBytes": "peak of end-to-end", "budgetBytes": "budget", "peakStage": "stage of the peak",
  ]

  private static let network = [
    "parameters": "parameters", "macs": "MACs of one image", "input": "input", "classes": "classes",
    "before.parameters": "parameters before pruning", "before.macs": "MACs of one image before pruning",
  ]

  private static let modules = [
    "name": "made of", "macs": "MACs", "auxiliary.parameters": "auxiliary parameters",
    "auxiliary.macs": "auxiliary MACs",
  ]

  private static let others = [
    "checkpointBytes": "checkpoint on disk", "data.train": "training images", "data.test": "test images",
    "data.source": "data.source", "data.fingerprint": "content of the data",
  ]

  /// `fineTune.layersBytes` as `fine tune, layers`.
  private static func spelledOut(_ path: String) -> String {
    let path = path.hasSuffix("Bytes") ? path.dropLast(5) : path[...]
    return path.reduce(into: "") { text, character in
      switch character {
      case ".": text += ", "
      case "[": text += " "
      case "]": break
      case _ where character.isUppercase: text += " " + character.lowercased()
      case _: text.append(character)
      }
    }
  }
}

extension String {
  fileprivate func tail(behind prefix: String) -> String? {
    hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
  }
}
