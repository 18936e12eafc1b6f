import Glibc

/// Many spoiled copies of good inputs, each drawn from a seed of its own, given to a reader that must survive them all.
///
/// `STRATA_FUZZ` sets how many, `STRATA_FUZZ_SEED` the first seed. With `STRATA_FUZZ_NOTES`, a folder, the seed at work is
/// kept in a file there: it is what remains where a mutant ends the process.
package struct FuzzCampaign {
  /// Most that the process may ever have resident, in bytes, where nothing but campaigns runs in it.
  package static let memoryCap = 512 << 20
  /// Longest that one mutant may take; unoptimised code on a busy machine is slow.
  package static let secondsCap = 20.0

  private let name: String
  private let count: Int
  private let firstSeed: UInt64

  /// - Parameter usualCount: where the environment says nothing.
  package init(_ name: String, usualCount: Int = 1250) {
    self.name = name
    count = Self.variable("STRATA_FUZZ").flatMap { Int($0) } ?? usualCount
    firstSeed = Self.variable("STRATA_FUZZ_SEED").flatMap { UInt64($0) } ?? 1
  }

  package struct Report {
    package var acceptedCount = 0
    package var refusedCount = 0
    package var slowest = (seconds: 0.0, seed: 0 as UInt64)
    /// Of the process, at the end.
    package var peakByteCount = 0
    /// Whether the process runs campaigns alone, so that its peak is theirs.
    package var isLong = false
  }

  /// - Parameter body: gives a mutant to the reader; returns whether it was taken for a good input.
  package func run(_ body: (UInt64, inout SplitMix64) throws -> Bool) rethrows -> Report {
    var report = Report()
    report.isLong = Self.variable("STRATA_FUZZ") != nil
    let note = Self.variable("STRATA_FUZZ_NOTES").map {
      open("\($0)/\(name).seed", O_WRONLY | O_CREAT, 0o600)
    }
    defer { if let note { close(note) } }
    for seed in firstSeed..<firstSeed + UInt64(count) {
      if let note {
        let text = Array("\(seed)\n".utf8)
        _ = pwrite(note, text, text.count, 0)
      }
      var random = SplitMix64(seed: seed)
      let start = Self.now()
      let isAccepted = try body(seed, &random)
      let seconds = Self.now() - start
      if seconds > report.slowest.seconds { report.slowest = (seconds, seed) }
      if isAccepted { report.acceptedCount += 1 } else { report.refusedCount += 1 }
    }
    report.peakByteCount = Self.peakByteCount
    print(
      "fuzz: \(name): \(count) mutants from seed \(firstSeed), \(report.refusedCount) refused, "
        + "slowest \(Int(report.slowest.seconds * 1000)) ms (seed \(report.slowest.seed)), "
        + "peak \(report.peakByteCount >> 20) MiB")
    return report
  }

  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static var peakByteCount: Int {
    var usage = rusage()
    // RUSAGE_SELF, which Swift imports with another type.
    getrusage(0, &usage)
    return usage.ru_maxrss * 1024
  }
}

/// Changes that break formats where they are weak: bits, lengths, numbers, repetitions, ends.
package enum Mutation {
  private static let numbers = [
    "0", "1", "-1", "2", "7", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295",
    "4294967296", "4611686018427387904", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "99999999999999999999999", "1e308", "1e999", "-0", "0.5", "00", "null", "true", "\"\"", "[]", "{}",
  ].map { Array($0.utf8) }

  private static let words: [UInt64] = [
    0, 1, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max, .max - 7,
  ]

  /// One to six changes, most of them in the first `headCount` bytes, where formats keep their sizes.
  package static func spoil(_ bytes: inout [UInt8], head headCount: Int, _ random: inout SplitMix64) {
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      guard !bytes.isEmpty else { return }
      let limit = Int.random(in: 0..<4, using: &random) > 0 ? min(headCount, bytes.count) : bytes.count
      let place = Int.random(in: 0..<limit, using: &random)
      let length = Int.random(in: 1...min(24, bytes.count - place), using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.removeSubrange(place..<place + length)
      case 3: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
      case 4: bytes.removeSubrange(place...)
      case 5: putWord(&bytes, at: place, &random)
      default: exchangeNumber(&bytes, limit: limit, &random)
      }
    }
  }

  /// One of 1, 2, 4 or 8 bytes, in either order.
  private static func putWord(_ bytes: inout [UInt8], at place: Int, _ random: inout SplitMix64) {
    let word = words[Int.random(in: 0..<words.count, using: &random)]
    let width = 1 << Int.random(in: 0...3, using: &random)
    let isBig = Bool.random(using: &random)
    for index in 0..<width where place + index < bytes.count {
      let shift = 8 * (isBig ? width - 1 - index : index)
      bytes[place + index] = UInt8(truncatingIfNeeded: word >> UInt64(shift))
    }
  }

  private static func exchangeNumber(_ bytes: inout [UInt8], limit: Int, _ random: inout SplitMix64) {
    func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    let start = Int.random(in: 0..<limit, using: &random)
    guard let begin = bytes[start...].firstIndex(where: isDigit) else { return }
    let end = bytes[begin...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(begin..<end, with: numbers[Int.random(in: 0..<numbers.count, using: &random)])
  }
}
