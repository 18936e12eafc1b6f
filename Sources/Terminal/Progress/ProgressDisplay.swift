internal import Glibc
internal import Synchronization
package import Text

/// The progress of a training. On a terminal it is a block of lines that is redrawn in place, at most ten times a second;
/// elsewhere it is one line for each epoch of each module, so that a log stays readable.
///
/// The cursor is hidden for the length of one write only and waits below the block, so that no way for the process
/// to end, not even SIGKILL, leaves the terminal without it.
package struct ProgressDisplay {
  private var modules: [ModuleProgress]
  private let redraws: Bool
  private let style: TextStyle
  private let size: () -> (columns: Int, rows: Int)
  private let clock: () -> Double
  private let write: (String) -> Void
  /// Of the block that stands on the terminal.
  private var lineCount = 0
  private var lastFrameSeconds = -Double.infinity
  private let frameSeconds = 0.1

  /// - Parameters:
  ///   - modules: their names, in order; updates count from 1.
  ///   - stream: standard error, as a rule: the result of a command has standard output for itself.
  package init(modules: [String], on stream: TerminalStream) {
    self.init(
      modules: modules, redraws: stream.canRedraw, style: stream.style, size: { stream.size },
      clock: monotonicSeconds, write: { stream.writeProgress($0) })
  }

  /// - Parameters:
  ///   - redraws: whether lines can be written over.
  ///   - size: columns and rows, asked before every frame, since windows change.
  ///   - clock: seconds; does not go back.
  package init(
    modules: [String], redraws: Bool, style: TextStyle, size: @escaping () -> (columns: Int, rows: Int),
    clock: @escaping () -> Double, write: @escaping (String) -> Void
  ) {
    self.modules = modules.map { ModuleProgress(name: $0) }
    self.redraws = redraws
    self.style = style
    self.size = size
    self.clock = clock
    self.write = write
  }

  /// Notes where a module stands. Cheap enough for every step: nothing is drawn more than ten times a second.
  /// - Parameters:
  ///   - module, epoch, step: count from 1.
  ///   - loss, top1: means over the epoch so far; top1 is a fraction.
  package mutating func update(
    module: Int, epoch: Int, of epochs: Int, step: Int, of steps: Int, loss: Double, top1: Double,
    imagesPerSecond: Double
  ) {
    let now = clock()
    modules[index(of: module)].update(
      epoch: epoch, of: epochs, step: step, of: steps, loss: loss, top1: top1,
      imagesPerSecond: imagesPerSecond,
      now: now)
    drawIfDue(now)
  }

  /// Notes that a module has finished an epoch; the last one finishes the module.
  /// - Parameters:
  ///   - loss, top1: of the training images; top1 is a fraction.
  ///   - testTop1: of the test images, where they were classified after this epoch.
  ///   - seconds: wall time of the epoch.
  package mutating func finishEpoch(
    module: Int, epoch: Int, of epochs: Int, loss: Double, top1: Double, testTop1: Double? = nil,
    imagesPerSecond: Double, seconds: Double
  ) {
    let now = clock()
    let index = index(of: module)
    modules[index].finishEpoch(epoch, of: epochs, loss: loss, top1: top1, testTop1: testTop1, now: now)
    guard !redraws else { return drawIfDue(now) }
    let name = padRight(modules[index].name, to: modules.map(\.name.count).max() ?? 0)
    let number = padLeft("\(epoch)", to: "\(epochs)".count)
    var line =
      "\(name)  epoch \(number)/\(epochs)  loss \(fixed(loss, decimals: 4))  top1 \(percentage(top1))"
    if let testTop1 { line += "  test top1 \(percentage(testTop1))" }
    write(line + "  \(rate(imagesPerSecond)) images/s  \(duration(seconds: seconds))\n")
  }

  /// Notes how far a module had come before this process; nothing is drawn.
  package mutating func resume(
    module: Int, epoch: Int, of epochs: Int, loss: Double, top1: Double, testTop1: Double? = nil
  ) {
    modules[index(of: module)].finishEpoch(
      epoch, of: epochs, loss: loss, top1: top1, testTop1: testTop1, now: clock())
  }

  /// Prints a line that stays, above the block.
  package mutating func message(_ text: String) {
    let text = ControlCharacters.spelledOut(text, keepingStyles: style.isColoured)
    guard redraws else { return write(text + "\n") }
    write(erasingBlock() + text + "\n")
    lineCount = 0
    if modules.contains(where: { $0.state != .waiting }) { draw(clock()) }
  }

  /// Draws the last state, which stays on the terminal. Whatever is printed next stands below it.
  package mutating func finish() {
    guard redraws else { return }
    draw(clock())
    lineCount = 0
  }

  private func index(of module: Int) -> Int {
    precondition(modules.indices.contains(module - 1), "modules count from 1")
    return module - 1
  }

  private mutating func drawIfDue(_ now: Double) {
    guard redraws, now - lastFrameSeconds >= frameSeconds else { return }
    draw(now)
  }

  /// One write for the whole frame, each line cleared behind its text and not before it: nothing flickers.
  private mutating func draw(_ now: Double) {
    let (columns, rows) = size()
    let lines = ProgressFrame(modules: modules, columns: columns, rows: rows, style: style, now: now).lines()
    let back = lineCount > 0 ? "\u{1B}[\(lineCount)A" : ""
    let body = lines.map { $0 + "\u{1B}[K\n" }.joined()
    write("\u{1B}[?25l\r" + back + body + "\u{1B}[J\u{1B}[?25h")
    lineCount = lines.count
    lastFrameSeconds = now
  }

  private func erasingBlock() -> String {
    lineCount > 0 ? "\r\u{1B}[\(lineCount)A\u{1B}[J" : "\r\u{1B}[J"
  }
}

/// Seconds of the system's monotonic clock, which adjustments of the time of day do not move; only differences mean something. Never
/// less than what was given before, even where something stands between the process and the system's clock and turns it back.
package func monotonicSeconds() -> Double {
  var time = timespec()
  unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  let now = UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(max(0, time.tv_nsec))
  let last = latestNanoseconds.max(now, ordering: .relaxed).newValue
  return Double(last) * 1e-9
}

private let latestNanoseconds = Atomic<UInt64>(0)
