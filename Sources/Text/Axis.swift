/// A scale from values to a chart's coordinates, with round numbers to write at it.
package struct Axis: Sendable {
  package let range: ClosedRange<Double>
  /// Where the range's ends lie; the second may be the smaller.
  package let from, to: Double
  package let ticks: [Double]

  /// - Parameters:
  ///   - range: what has to be seen; finite.
  ///   - count: about how many ticks.
  ///   - step: the step between ticks, where it is not to be a round decimal.
  ///   - isTight: whether the range stays as it is; else it is widened to whole steps.
  package init(
    _ range: ClosedRange<Double>, from: Double, to: Double, count: Int = 5, step: Double? = nil,
    isTight: Bool = false
  ) {
    var (low, high) = (range.lowerBound, range.upperBound)
    if high <= low { high = low + Swift.max(1e-9, low.magnitude * 0.1, low == 0 ? 1 : 0) }
    let step = step ?? Self.roundStep((high - low) / Double(Swift.max(1, count)))
    if !isTight {
      low = (low / step + 1e-9).rounded(.down) * step
      high = (high / step - 1e-9).rounded(.up) * step
    }
    var ticks: [Double] = []
    var index = (low / step - 1e-9).rounded(.up)
    while index * step <= high + step * 1e-9, ticks.count < 100 {
      ticks.append(index * step)
      index += 1
    }
    self.range = low...high
    self.from = from
    self.to = to
    self.ticks = ticks
  }

  /// For what is counted: every tick is a whole number.
  package static func counts(_ range: ClosedRange<Double>, from: Double, to: Double, count: Int = 5) -> Axis {
    // A single one has its neighbour for company: what is between them is no count.
    let range = range.lowerBound < range.upperBound ? range : range.lowerBound...range.lowerBound + 1
    let step = roundStep((range.upperBound - range.lowerBound) / Double(Swift.max(1, count)))
    return Axis(range, from: from, to: to, step: Swift.max(1, step), isTight: true)
  }

  /// For byte counts: steps are round in 1024s.
  package static func bytes(upTo byteCount: Int, from: Double, to: Double, count: Int = 5) -> Axis {
    let raw = Double(Swift.max(1, byteCount)) / Double(Swift.max(1, count))
    var unit = 1.0
    while raw >= unit * 1024 { unit *= 1024 }
    // Within a unit of 1024s, steps of 512 or 256 read better than 1, 2 and 5.
    let inUnit = raw / unit
    let step =
      inUnit > 256
      ? (inUnit > 512 ? 1024.0 : 512) * unit
      : inUnit > 128 ? 256 * unit : roundStep(inUnit) * unit
    return Axis(0...Double(Swift.max(1, byteCount)), from: from, to: to, step: step)
  }

  /// 1, 2 or 5 times a power of ten, at least `raw`.
  static func roundStep(_ raw: Double) -> Double {
    guard raw > 0, raw.isFinite else { return 1 }
    var power = 1.0
    while power * 10 <= raw { power *= 10 }
    while power > raw { power /= 10 }
    for factor in [1.0, 2, 5] where power * factor >= raw * (1 - 1e-9) { return power * factor }
    return power * 10
  }

  package func position(_ value: Double) -> Double {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return from + Swift.min(1, Swift.max(0, share)) * (to - from)
  }

  /// A tick in as many decimals as the step between ticks needs.
  package func label(_ tick: Double) -> String {
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : range.upperBound - range.lowerBound
    var decimals = 0
    var scale = step
    while decimals < 6, (scale - scale.rounded()).magnitude > 1e-6 {
      scale *= 10
      decimals += 1
    }
    return fixed(tick, decimals: decimals)
  }
}

/// A coordinate with one decimal, as short as it goes.
package func coordinate(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  let (whole, rest) = (tenths / 10, abs(tenths % 10))
  if rest == 0 { return "\(whole)" }
  return (tenths < 0 && whole == 0 ? "-" : "") + "\(whole).\(rest)"
}
