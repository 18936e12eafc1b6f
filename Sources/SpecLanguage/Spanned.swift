package import Diagnostics

/// A decoded value and the place in the spec it came from. A default's place is that of the nearest enclosing key.
package struct Spanned<Value: Sendable>: Sendable {
  package var value: Value
  package var span: SourceSpan

  package init(_ value: Value, at span: SourceSpan) {
    self.value = value
    self.span = span
  }
}

extension Spanned: Equatable where Value: Equatable {}
extension Spanned: Hashable where Value: Hashable {}
