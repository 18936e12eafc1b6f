internal import Terminal
internal import Text

/// The first of two inputs, or the second.
enum Side: String, CaseIterable, Sendable {
  case a, b
}

/// A value for one of two inputs, `b:512MiB`, or for both, `512MiB`.
struct Sided<Value: Sendable>: Sendable {
  /// Nil: for both.
  var side: Side?
  var value: Value
  /// The value as it was typed, without the side.
  var text: String
}

extension ValueForm {
  /// The same form, with `a:` or `b:` before it or not.
  func sided() -> ValueForm<Sided<Value>> {
    let parse = parse
    return ValueForm<Sided<Value>>(placeholder, completion: completion) { text in
      let side = Side.allCases.first { text.hasPrefix("\($0.rawValue):") }
      let rest = side == nil ? text : String(text.dropFirst(2))
      return parse(rest).map { Sided(side: side, value: $0, text: rest) }
    }
  }
}
