/// The elementwise function behind an operation: fused into its sweep over memory, or an operation of its own.
package enum Activation: String, Hashable, Sendable, CaseIterable {
  case none, relu

  /// ` relu` behind an operation's attributes; nothing where there is none.
  package var suffix: String { self == .none ? "" : " \(rawValue)" }

  /// `step, relu`: steps of a network's wiring.
  package func steps(behind step: String) -> [String] { self == .none ? [step] : [step, rawValue] }
}
