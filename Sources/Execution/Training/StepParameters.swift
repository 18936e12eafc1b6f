/// What a module needs to know of time.
package struct StepParameters: Hashable, Sendable {
  package var learningRate: Float
  /// Updates since the optimizer started, this one counted.
  package var step: Int
  /// Asynchronous training: the slot of the ring before that a module takes its batch from, and the slot of its own ring
  /// that it keeps what it outputs in.
  package var slotRead = 0
  package var slotWritten = 0

  /// For programs that update nothing.
  package static let idle = StepParameters(learningRate: 0, step: 0)

  package init(learningRate: Float, step: Int) {
    self.learningRate = learningRate
    self.step = step
  }
}
