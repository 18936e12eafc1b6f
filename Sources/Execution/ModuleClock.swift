/// What a module's updates need to know of time.
package struct ModuleClock: Hashable, Sendable {
  package var learningRate: Float
  /// Updates since the optimizer started, this one counted.
  package var step: Int

  /// For programs that update nothing.
  package static let idle = ModuleClock(learningRate: 0, step: 0)

  package init(learningRate: Float, step: Int) {
    self.learningRate = learningRate
    self.step = step
  }
}
