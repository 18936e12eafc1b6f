internal import Glibc

/// A moment of the wall clock, to the second, for people and for other machines.
package struct ClockTime: Hashable, Sendable {
  /// Since 1970 began in UTC.
  package var seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  package static var now: ClockTime { ClockTime(seconds: time(nil)) }

  /// ISO 8601 with the local distance from UTC, so that it means the same elsewhere: `2026-03-14T15:09:26+01:00`.
  package var text: String {
    var clock = time_t(seconds)
    var parts = unsafe tm()
    guard unsafe localtime_r(&clock, &parts) != nil else { return "\(seconds)" }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let offset = unsafe Int(parts.tm_gmtoff) / 60
    let distance = offset.magnitude
    return unsafe "\(Int(parts.tm_year) + 1900)-\(two(Int(parts.tm_mon) + 1))-\(two(Int(parts.tm_mday)))T"
      + "\(two(Int(parts.tm_hour))):\(two(Int(parts.tm_min))):\(two(Int(parts.tm_sec)))"
      + "\(offset < 0 ? "-" : "+")\(two(Int(distance) / 60)):\(two(Int(distance) % 60))"
  }
}
