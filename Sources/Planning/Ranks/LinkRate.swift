/// The speed of a link between two ranks.
package struct LinkRate: Hashable, Sendable {
  package let bitsPerSecond: Int

  private static let units = [("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1000)]

  /// Like `10Gbit/s`, `2.5Gbit/s`, `100Mbit/s`; nil for anything else, and where not even one bit passes.
  package init?(_ text: String) {
    guard let (unit, factor) = Self.units.first(where: { text.hasSuffix($0.0) }) else { return nil }
    let number = text.dropLast(unit.count)
    guard let first = number.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
      number.utf8.allSatisfy({
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
      }),
      number.utf8.last != UInt8(ascii: "."), let value = Double(number),
      let bits = Int(exactly: (value * Double(factor)).rounded()), (1...1 << 50).contains(bits)
    else { return nil }
    bitsPerSecond = bits
  }

  /// As it is typed.
  package var words: String {
    for (unit, factor) in Self.units where bitsPerSecond >= factor {
      let value = Double(bitsPerSecond) / Double(factor)
      return (value == value.rounded() ? "\(Int(value))" : "\(value)") + unit
    }
    return "\(Double(bitsPerSecond) / 1000)kbit/s"
  }
}
