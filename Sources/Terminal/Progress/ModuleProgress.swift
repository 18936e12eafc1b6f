/// Where the training of one module stands; times are seconds of any clock that does not go back.
struct ModuleProgress: Sendable {
  enum State: Hashable, Sendable {
    case waiting
    case training
    case finished(seconds: Double)
  }

  let name: String
  private(set) var state = State.waiting
  private(set) var epoch = 0
  private(set) var epochs = 0
  private(set) var loss: Double?
  private(set) var top1: Double?
  /// Of the last epoch behind which the test images were classified.
  private(set) var testTop1: Double?
  private(set) var imagesPerSecond: Double?
  /// Of all epochs, 0 to 1.
  private(set) var fraction = 0.0
  private var start: (seconds: Double, fraction: Double)?

  init(name: String) {
    self.name = name
  }

  mutating func update(
    epoch: Int, of epochs: Int, step: Int, of steps: Int, loss: Double, top1: Double, imagesPerSecond: Double,
    now: Double
  ) {
    (self.epoch, self.epochs, self.loss, self.top1) = (epoch, epochs, loss, top1)
    self.imagesPerSecond = imagesPerSecond
    move(to: (Double(epoch - 1) + Double(step) / Double(max(1, steps))) / Double(max(1, epochs)), now)
    state = .training
  }

  mutating func finishEpoch(
    _ epoch: Int, of epochs: Int, loss: Double, top1: Double, testTop1: Double? = nil, now: Double
  ) {
    self.testTop1 = testTop1 ?? self.testTop1
    (self.epoch, self.epochs, self.loss, self.top1) = (epoch, epochs, loss, top1)
    move(to: Double(epoch) / Double(max(1, epochs)), now)
    state = epoch >= epochs ? .finished(seconds: now - (start?.seconds ?? now)) : .training
  }

  private mutating func move(to fraction: Double, _ now: Double) {
    // A resumed run starts in the middle: only what was done since then tells the pace.
    if start == nil { start = (now, fraction) }
    self.fraction = min(1, max(0, fraction))
  }

  /// Seconds to the end at the pace so far; nil until there is a pace.
  func remainingSeconds(now: Double) -> Double? {
    guard let start, fraction > start.fraction, now > start.seconds else { return nil }
    return (now - start.seconds) * (1 - fraction) / (fraction - start.fraction)
  }
}
