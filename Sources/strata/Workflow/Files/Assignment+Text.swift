internal import Terminal

extension Assignment {
  /// As it is typed behind `--set`.
  var text: String { "\(key)=\(value)" }

  /// Of a text that was taken for one before; without `=` it is a fault of the spec.
  init(text: String) {
    let equals = text.firstIndex(of: "=") ?? text.endIndex
    self.init(key: String(text[..<equals]), value: String(text[equals...].dropFirst()))
  }
}
