/// Asynchronous training: which module works next, and on which of the batches that the module before it has kept.
package struct ReplaySettings: Hashable, Sendable {
  package enum Order: String, Hashable, Sendable {
    /// Drawn, after a beginning in which every module works twice.
    case random
    /// In turn.
    case sequential
  }

  package enum Ties: String, Hashable, Sendable {
    case freshest
    case writePointer = "write-pointer"
  }

  /// A module that takes longer for its steps than the others.
  package struct SlowModule: Hashable, Sendable {
    package var module: Int
    /// At least 1.
    package var factor: Double

    package init(module: Int, factor: Double) {
      self.module = module
      self.factor = factor
    }
  }

  /// Batches that each module keeps for the next.
  package var slots: Int
  /// How often a batch may be read; nil: without limit.
  package var reuse: Int?
  package var slow: SlowModule?
  package var order: Order
  package var ties: Ties
  /// Whether a fall of a module's learning rate empties its ring.
  package var clearsAtDecay: Bool

  package init(
    slots: Int, reuse: Int?, slow: SlowModule?, order: Order, ties: Ties, clearsAtDecay: Bool
  ) {
    self.slots = slots
    self.reuse = reuse
    self.slow = slow
    self.order = order
    self.ties = ties
    self.clearsAtDecay = clearsAtDecay
  }
}
