internal import Base
internal import Glibc
internal import Kernels

/// A bound on this process's memory, and who sets it.
package struct MemoryLimit: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    case physicalMemory
    /// A control group's `memory.max`; its path from the root of the hierarchy.
    case controlGroup(String)
    /// `ulimit -v`: addresses count, used or not.
    case addressSpace
    /// `ulimit -d`.
    case dataSegment

    package var words: String {
      switch self {
      case .physicalMemory: "the machine's memory"
      case .controlGroup(let path): "the memory limit of the control group \(path)"
      case .addressSpace: "the limit of address space (ulimit -v)"
      case .dataSegment: "the limit of data (ulimit -d)"
      }
    }

    /// Whether what is reserved and never touched counts as well.
    package var countsAddresses: Bool {
      switch self {
      case .physicalMemory, .controlGroup: false
      case .addressSpace, .dataSegment: true
      }
    }
  }

  package var source: Source
  /// What may be resident under it.
  package var byteCount: Int

  package init(source: Source, byteCount: Int) {
    self.source = source
    self.byteCount = byteCount
  }
}

extension MemoryLimit {
  /// Every bound that holds for this process.
  ///
  /// - Parameters:
  ///   - workers: that the work will have: what they reserve and never touch counts against limits of addresses, too.
  ///   - root: in front of `/proc` and `/sys`: another machine's, in tests.
  package static func all(workers: Int, root: String = "") -> [MemoryLimit] {
    var limits: [MemoryLimit] = []
    if let bytes = physicalByteCount(root: root) {
      limits.append(MemoryLimit(source: .physicalMemory, byteCount: bytes))
    }
    limits += controlGroups(root: root)
    // What is reserved and never touched counts against a limit of addresses, but not against a budget.
    let expected = reservedByteCount(workers: workers)
    let reserved = (ProcessMemory.addressSpaceBytes ?? 0) - (ProcessMemory.residentBytes ?? 0) + expected
    if let bytes = resourceLimit(RLIMIT_AS) {
      limits.append(MemoryLimit(source: .addressSpace, byteCount: max(0, bytes - reserved)))
    }
    if let bytes = resourceLimit(RLIMIT_DATA) {
      let reserved = (ProcessMemory.dataBytes ?? 0) - (ProcessMemory.residentDataBytes ?? 0) + expected
      limits.append(MemoryLimit(source: .dataSegment, byteCount: max(0, bytes - reserved)))
    }
    return limits
  }

  /// The tightest bound on work with so many workers.
  package static func binding(workers: Int) -> MemoryLimit {
    all(workers: workers).min { $0.byteCount < $1.byteCount }
      ?? MemoryLimit(source: .physicalMemory, byteCount: .max)
  }

  /// Nil where the system does not tell.
  private static func physicalByteCount(root: String) -> Int? {
    // `MemTotal:       16307684 kB`. The C library is asked only where there is no such line: in sandboxes that refuse it the
    // question, it answers with whatever number lies in its memory.
    let line = SystemFile.text(of: "\(root)/proc/meminfo")?.split(separator: "\n").first {
      $0.hasPrefix("MemTotal:")
    }
    if let line, let kibibytes = Int(line.drop { !$0.isNumber }.prefix { $0.isNumber }), kibibytes > 0 {
      return kibibytes * 1024
    }
    let (pages, pageSize) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: pageSize)
    return bytes > 0 && !overflow ? bytes : nil
  }

  /// Whether addresses are short: reserving them costs something.
  package static var limitsAddresses: Bool {
    resourceLimit(RLIMIT_AS) != nil || resourceLimit(RLIMIT_DATA) != nil
  }

  /// Addresses that workers take beside the ones they have been seen to touch: OpenBLAS maps a buffer for each thread that
  /// multiplies, whatever it needs of it, and every thread but the first has a stack.
  private static func reservedByteCount(workers: Int) -> Int {
    let productBuffer = ProductBuffers.byteCount
    // glibc's, where the limit of the first thread's stack sets none.
    let stack = resourceLimit(RLIMIT_STACK) ?? 2 << 20
    // What allocators map ahead of what they give: 3 MiB were seen. OpenBLAS waits for ever for a buffer that is not to be had.
    let ahead = 8 << 20
    return workers * productBuffer + max(0, workers - 1) * stack + ahead
  }

  /// The process's own groups and all above them: each may set a limit, and all of them hold.
  private static func controlGroups(root: String) -> [MemoryLimit] {
    let groups = ControlGroups(root: root)
    func limits(_ groups: [ControlGroups.Group], _ file: String) -> [MemoryLimit] {
      groups.compactMap { group in
        // The root group has no limit, and says `max` where it has the file at all.
        guard let word = SystemFile.firstLine(of: "\(group.folder)/\(file)"), let bytes = Int(word) else {
          return nil
        }
        return MemoryLimit(source: .controlGroup(group.path), byteCount: bytes)
      }
    }
    return limits(groups.version2, "memory.max") + limits(groups.version1("memory"), "memory.limit_in_bytes")
  }

  private static func resourceLimit(_ resource: __rlimit_resource) -> Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int.max)
    else { return nil }
    return Int(limit.rlim_cur)
  }
}
