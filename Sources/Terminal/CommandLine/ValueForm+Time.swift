extension ValueForm where Value == Double {
  /// A time, in seconds: `90s`, `10m`, `2h`, `500ms`; more than 0.
  package static var time: Self {
    ValueForm("TIME") { text in
      let fault = ValueFault(expected: "a time like 90s, 10m or 2h")
      let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
      guard let unit = units.first(where: { $0.name == text.dropFirst(number.count) }),
        let amount = Double(number), amount > 0, amount.isFinite
      else { return .failure(fault) }
      return .success(amount * unit.seconds)
    }
  }
}
