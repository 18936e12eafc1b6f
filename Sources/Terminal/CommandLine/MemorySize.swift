/// An amount of memory as it is written on the command line.
package enum MemorySize: Hashable, Sendable {
  /// At least 1.
  case bytes(Int)
  /// Of the memory that this process may use; more than 0, at most 100.
  case percent(Double)

  private static let units: [(name: String, byteCount: Double)] = [
    ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40), ("B", 1),
  ]

  /// Reads `900MiB`, `1.5GiB`, `1048576`, `512 B` or `80%`. Decimal units (`GB`) are refused rather than guessed at.
  package static func parse(_ text: String) -> Result<MemorySize, ValueFault> {
    let expected = "a size like 900MiB, 2GiB or 80%"
    if text.hasSuffix("%") {
      let number = text.dropLast()
      guard number.first?.isNumber == true, let percent = Double(number), percent > 0, percent <= 100 else {
        return .failure(
          ValueFault(expected: expected, help: "a share of the memory is above 0% and at most 100%"))
      }
      return .success(.percent(percent))
    }
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(number.count).drop { $0 == " " }
    guard let amount = Double(number) else { return .failure(ValueFault(expected: expected)) }
    guard let scale = unit.isEmpty ? 1 : units.first(where: { $0.name == unit })?.byteCount else {
      return .failure(ValueFault(expected: expected, help: unitHelp(number: number, unit: unit)))
    }
    let byteCount = (amount * scale).rounded(.down)
    guard byteCount >= 1, byteCount <= 0x1p62 else { return .failure(ValueFault(expected: expected)) }
    return .success(.bytes(Int(byteCount)))
  }

  /// A number of bytes as `parse` reads it, in the largest unit that leaves few digits: `512MiB`, `1.5GiB`, `1000B`.
  package static func exactText(_ byteCount: Int) -> String {
    for unit in units.dropLast().reversed() {
      let quarters = byteCount.quotientAndRemainder(dividingBy: Int(unit.byteCount) / 4)
      guard quarters.remainder == 0, quarters.quotient >= 4 else { continue }
      let fraction = ["", ".25", ".5", ".75"][quarters.quotient % 4]
      return "\(quarters.quotient / 4)\(fraction)\(unit.name)"
    }
    return "\(byteCount)B"
  }

  private static func unitHelp(number: Substring, unit: Substring) -> String {
    let meant = units.first { candidate in
      let name = candidate.name.lowercased()
      let unit = unit.lowercased()
      return unit == name || unit == String(name.prefix(1)) || unit == "\(name.prefix(1))b"
    }
    guard let meant else { return "the units are B, KiB, MiB, GiB and TiB" }
    return "units count in 1024s: write '\(number)\(meant.name)'"
  }
}
