internal import Glibc

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
    var limits = [
      MemoryLimit(
        source: .physicalMemory, byteCount: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    ]
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
      ?? MemoryLimit(source: .physicalMemory, byteCount: 0)
  }

  /// Whether addresses are short: reserving them costs something.
  package static var limitsAddresses: Bool {
    resourceLimit(RLIMIT_AS) != nil || resourceLimit(RLIMIT_DATA) != nil
  }

  /// Addresses that workers take beside the ones they have been seen to touch: OpenBLAS maps a buffer for each thread that
  /// multiplies, whatever it needs of it, and every thread but the first has a stack.
  private static func reservedByteCount(workers: Int) -> Int {
    let productBuffer = 128 << 20
    // glibc's, where the limit of the first thread's stack sets none.
    let stack = resourceLimit(RLIMIT_STACK) ?? 2 << 20
    // What allocators map ahead of what they give: 3 MiB were seen. OpenBLAS waits for ever for a buffer that is not to be had.
    let ahead = 8 << 20
    return workers * productBuffer + max(0, workers - 1) * stack + ahead
  }

  /// The process's own group and all above it: each may set a limit, and all of them hold.
  private static func controlGroups(root: String) -> [MemoryLimit] {
    // Version 2 has one line, `0::/path`.
    guard let lines = text(of: "\(root)/proc/self/cgroup")?.split(separator: "\n"),
      let line = lines.first(where: { $0.hasPrefix("0::/") })
    else { return [] }
    var parts = line.dropFirst("0::/".count).split(separator: "/").map { String($0) }
    // Outside the process's own name space the path climbs: what lies there can't be seen.
    if parts.contains("..") { parts = [] }
    var limits: [MemoryLimit] = []
    for count in (0...parts.count).reversed() {
      let path = "/" + parts[..<count].joined(separator: "/")
      let file = "\(root)/sys/fs/cgroup\(path == "/" ? "" : path)/memory.max"
      // The root group has no limit, and says `max` where it has the file at all.
      guard let word = text(of: file)?.split(separator: "\n").first, let bytes = Int(word) else { continue }
      limits.append(MemoryLimit(source: .controlGroup(path), byteCount: bytes))
    }
    return limits
  }

  private static func resourceLimit(_ resource: __rlimit_resource) -> Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int.max)
    else { return nil }
    return Int(limit.rlim_cur)
  }

  private static func text(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
