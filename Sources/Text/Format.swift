internal import Glibc

/// `1234567` as `1,234,567`.
package func grouped(_ value: Int) -> String {
  let digits = Array(String(value.magnitude))
  var text = value < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}

/// A learning rate without what binary fractions add to it: 0.1 x 0.2 x 0.2 as 0.004, and a rate that was written stays as it
/// was written. What needs more than twelve digits is rounded to single precision, in which it is used. Its shortest text,
/// in JSON say, is what is to be read.
package func plainRate(_ rate: Double) -> Double {
  guard rate > 0, rate.isFinite else { return rate }
  let exponent = Int(log10(rate).rounded(.down)) - 14
  let digits =
    exponent < 0
    ? (rate * pow(10, Double(-exponent))).rounded() : (rate / pow(10, Double(exponent))).rounded()
  guard digits < 1e17, var whole = Int(exactly: digits), whole > 0,
    let rounded = Double("\(whole)e\(exponent)")
  else { return rate }
  while whole.isMultiple(of: 10) { whole /= 10 }
  return whole < 1_000_000_000_000 ? rounded : Double(Float(rate).description) ?? rate
}

/// A learning rate for people: `0.1`, `0.004`, `1e-5`, `2`.
package func rateText(_ rate: Double) -> String {
  let text = plainRate(rate).description
  if text.hasSuffix(".0") { return String(text.dropLast(2)) }
  guard let sign = text.firstIndex(of: "e") else { return text }
  let mantissa = text[..<sign].hasSuffix(".0") ? text[..<sign].dropLast(2) : text[..<sign]
  return mantissa + "e\(Int(text[text.index(after: sign)...]) ?? 0)"
}

/// `value` with exactly `decimals` (0 to 9) digits after the point, rounded half away from zero, thousands separated.
/// NaN and the infinities print as Swift prints them; so does what no `Int` holds after scaling.
package func fixed(_ value: Double, decimals: Int) -> String {
  precondition((0...9).contains(decimals), "callers format figures for people")
  var scale = 1
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (value * Double(scale)).rounded()
  guard scaled.magnitude < 0x1p63 else { return "\(value)" }
  let units = Int(scaled)
  let whole = units.magnitude / UInt(scale)
  let rest = units.magnitude % UInt(scale)
  let sign = units < 0 ? "-" : ""
  guard decimals > 0 else { return sign + grouped(Int(whole)) }
  let fraction = String(rest)
  return sign + grouped(Int(whole)) + "." + String(repeating: "0", count: decimals - fraction.count)
    + fraction
}

/// A size for people, in the largest unit of 1024s that leaves at least 1: `812.4 MiB`; below 1 KiB `96 B`.
package func byteSize(_ byteCount: Int) -> String {
  guard byteCount.magnitude >= 1024 else { return "\(byteCount) B" }
  var value = Double(byteCount) / 1024
  var unit = 0
  let names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
  // 1023.95 would round to `1024.0`; it belongs to the next unit.
  while value.magnitude >= 1023.95, unit + 1 < names.count {
    value /= 1024
    unit += 1
  }
  return fixed(value, decimals: 1) + " " + names[unit]
}

/// A fraction as a percentage with one decimal: `0.3821` is `38.2%`.
package func percentage(_ fraction: Double) -> String {
  fixed(fraction * 100, decimals: 1) + "%"
}

/// How far `measured` is from what was planned or estimated, as a share of that, with its sign: `+2.5%` is more than planned.
/// Every difference between the two is written so.
package func signedShare(_ measured: Double, of planned: Double) -> String {
  let share = (measured - planned) / max(planned, 1e-9)
  return (share < 0 ? "-" : "+") + percentage(share.magnitude)
}

/// A span of time for people: `0.42 s`, `12.1 s`, `3:07` (minutes), `1:02:45` (hours). Negative and NaN give `-`.
package func duration(seconds: Double) -> String {
  guard seconds >= 0, seconds < 0x1p53 else { return "-" }
  if seconds < 9.995 { return fixed(seconds, decimals: 2) + " s" }
  if seconds < 59.95 { return fixed(seconds, decimals: 1) + " s" }
  let whole = Int(seconds.rounded())
  let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
  let twoDigits = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
  return hours > 0
    ? "\(grouped(hours)):\(twoDigits(minutes)):\(twoDigits(rest))" : "\(minutes):\(twoDigits(rest))"
}

/// `text` with blanks before it up to `width` characters.
package func padLeft(_ text: String, to width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

/// `text` with blanks after it up to `width` characters.
package func padRight(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// `text` broken at blanks into lines of at most `width` characters; a longer word has a line of its own.
/// Line ends in `text` stay.
package func wrapped(_ text: String, width: Int) -> [String] {
  text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph -> [String] in
    var lines: [String] = []
    var line = ""
    for word in paragraph.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return lines + [line]
  }
}

/// Sentences in lines that are no wider than tables, each ended by a line end; all but the first set in by `hanging` more.
package func paragraph(_ text: String, indentation: Int = 0, hanging: Int = 0) -> String {
  wrapped(text, width: Table.widthLimit - indentation - hanging).enumerated().map { index, line in
    String(repeating: " ", count: indentation + (index > 0 ? hanging : 0)) + line + "\n"
  }.joined()
}
