internal import Text

/// The image of a training's progress: a heading and a line for each module, no wider and no higher than the room.
struct ProgressFrame {
  let modules: [ModuleProgress]
  let columns: Int
  let rows: Int
  let style: TextStyle
  let now: Double

  /// The columns behind the name, in the order in which they stand.
  private enum Field: CaseIterable {
    case epoch, bar, loss, top1, test, rate, time

    var title: String {
      switch self {
      case .epoch: "epoch"
      case .bar: ""
      case .loss: "loss"
      case .top1: "top1"
      case .test: "test"
      case .rate: "images/s"
      case .time: "left"
      }
    }

    /// Room for what usually stands there, so that the columns do not move while the figures change.
    var usualWidth: Int {
      switch self {
      case .epoch, .loss, .time: 7
      case .bar: ProgressFrame.barWidths.lowerBound
      case .top1, .test: 6
      case .rate: 8
      }
    }

    /// Where the room is short the highest goes first.
    var dispensability: Int {
      switch self {
      case .epoch: 0
      case .loss: 1
      case .top1: 2
      case .test: 3
      case .time: 4
      case .bar: 5
      case .rate: 6
      }
    }
  }

  private static let barWidths = 8...30

  /// Lines without their ends.
  func lines() -> [String] {
    // One column and one row stay free: a character in the last column may wrap, and the cursor waits below.
    let room = columns - 1
    let height = max(1, rows - 1)
    let shown = visibleModules(height: height)
    let hidden = modules.count - shown.count
    let nameWidth = min(shown.map(\.name.count).max() ?? 0, max(6, room / 3))
    let cells = shown.map { module in Field.allCases.map { cell($0, of: module) } }
    var fields = Field.allCases.indices.map { index in
      (
        field: Field.allCases[index],
        width: cells.reduce(Field.allCases[index].usualWidth) { max($0, $1[index].count) }
      )
    }
    let width = { fields.reduce(max(6, nameWidth)) { $0 + 2 + $1.width } }
    while width() > room, let last = fields.max(by: { $0.field.dispensability < $1.field.dispensability }) {
      fields.removeAll { $0.field == last.field }
    }
    let barWidth = min(Self.barWidths.upperBound, Self.barWidths.lowerBound + max(0, room - width()))
    var lines: [String] = []
    if height > 1 {
      let titles = fields.map { padLeft($0.field.title, to: $0.field == .bar ? barWidth : $0.width) }
      lines.append(
        style.dim(cut(([padRight("module", to: max(6, nameWidth))] + titles).joined(separator: "  "), room)))
    }
    for (module, cells) in zip(shown, cells) {
      let name = cut(padRight(cut(module.name, max(6, nameWidth)), to: max(6, nameWidth)), room)
      var line = module.state == .training ? style.bold(name) : name
      for (index, field) in Field.allCases.enumerated() {
        guard let width = fields.first(where: { $0.field == field })?.width else { continue }
        line += "  " + (field == .bar ? bar(module, width: barWidth) : padLeft(cells[index], to: width))
      }
      lines.append(module.state == .waiting ? style.dim(line) : line)
    }
    if hidden > 0 { lines.append(style.dim(cut("and \(hidden) more", room))) }
    return lines
  }

  /// All modules or, where they are more than rows, as many as fit from the first unfinished one on.
  private func visibleModules(height: Int) -> ArraySlice<ModuleProgress> {
    let heading = height > 1 ? 1 : 0
    if modules.count + heading <= height { return modules[...] }
    let count = max(1, height - heading - 1)
    let current = modules.firstIndex { module in
      switch module.state {
      case .waiting, .training: true
      case .finished: false
      }
    }
    let first = min(current ?? modules.count, modules.count - count)
    return modules[first..<(first + count)]
  }

  private func cell(_ field: Field, of module: ModuleProgress) -> String {
    guard module.state != .waiting else { return field == .epoch ? "waiting" : "" }
    switch field {
    case .epoch: return "\(module.epoch)/\(module.epochs)"
    case .bar: return ""
    case .loss: return module.loss.map { fixed($0, decimals: 4) } ?? ""
    case .top1: return module.top1.map(percentage) ?? ""
    case .test: return module.testTop1.map(percentage) ?? ""
    case .rate: return module.imagesPerSecond.map(rate) ?? ""
    case .time:
      switch module.state {
      case .waiting: return ""
      case .training: return module.remainingSeconds(now: now).map { duration(seconds: $0) } ?? ""
      case .finished: return "done"
      }
    }
  }

  private func bar(_ module: ModuleProgress, width: Int) -> String {
    let filled = Int((module.fraction * Double(width)).rounded(.down))
    return style.green(String(repeating: "━", count: filled))
      + style.dim(String(repeating: "─", count: width - filled))
  }

  private func cut(_ text: String, _ width: Int) -> String {
    text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
  }
}

/// Images a second; a decimal only where it matters.
func rate(_ imagesPerSecond: Double) -> String {
  fixed(imagesPerSecond, decimals: imagesPerSecond < 99.95 ? 1 : 0)
}
