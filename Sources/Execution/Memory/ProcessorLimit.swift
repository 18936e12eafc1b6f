internal import Base
internal import Glibc
internal import Kernels

/// How many processors this process may use, which is less than the machine has where it is bound to some of them or its
/// control group has a quota of processor time.
package enum ProcessorLimit {
  /// The processors that the process is bound to, or as many as the quota of its group and of all groups above it allows,
  /// rounded up; at least 1.
  ///
  /// - Parameter root: in front of `/proc` and `/sys`: another machine's, in tests.
  package static func usableProcessors(root: String = "") -> Int {
    max(1, ([affinityCount] + quotas(root: root)).min() ?? 1)
  }

  /// Whole processors that each quota comes to.
  private static func quotas(root: String) -> [Int] {
    let groups = ControlGroups(root: root)
    let version2 = groups.version2.compactMap { group -> Int? in
      // `max 100000`, or microseconds of processor time in microseconds of time.
      guard let words = SystemFile.firstLine(of: "\(group.folder)/cpu.max")?.split(separator: " "),
        words.count == 2
      else { return nil }
      return processors(quota: words[0], period: words[1])
    }
    let version1 = groups.version1("cpu").compactMap { group -> Int? in
      guard let quota = SystemFile.firstLine(of: "\(group.folder)/cpu.cfs_quota_us"),
        let period = SystemFile.firstLine(of: "\(group.folder)/cpu.cfs_period_us")
      else { return nil }
      return processors(quota: quota, period: period)
    }
    return version2 + version1
  }

  /// - Returns: nil for no quota: `max`, or -1.
  private static func processors(quota: Substring, period: Substring) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
    return (quota - 1) / period + 1
  }

  /// Processors that the scheduler may put the process on.
  private static var affinityCount: Int {
    // Machines with more processors than a set has bits refuse it: try larger ones.
    var byteCount = 128
    while byteCount <= 1 << 16 {
      var set = [UInt8](repeating: 0, count: byteCount)
      let isRead = unsafe set.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return false }
        return unsafe ProcessorSet.read(into: start, byteCount: byteCount)
      }
      if isRead { return set.reduce(0) { $0 + $1.nonzeroBitCount } }
      guard errno == EINVAL else { break }
      byteCount *= 2
    }
    return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}
