import Execution
import Foundation
import Testing

@Suite("Limits of this process's memory")
struct MemoryLimitsTests {
  /// Of the groups on a made-up machine.
  private func groups(_ files: [String: String]) throws -> [MemoryLimit] {
    let root = try MadeUpRoot(files)
    return MemoryLimit.all(workers: 2, root: root.url.path).filter {
      if case .controlGroup = $0.source { return true }
      return false
    }
  }

  @Test("of the process's group and of all above it")
  func ancestors() throws {
    let found = try groups([
      "proc/self/cgroup": "0::/a/b\n",
      "sys/fs/cgroup/a/b/memory.max": "max\n",
      "sys/fs/cgroup/a/memory.max": "1048576\n",
    ])
    #expect(found == [MemoryLimit(source: .controlGroup("/a"), byteCount: 1_048_576)])
  }

  @Test("inside a container the group is the root of what can be seen")
  func container() throws {
    let found = try groups(["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2097152\n"])
    #expect(found == [MemoryLimit(source: .controlGroup("/"), byteCount: 2_097_152)])
  }

  @Test("groups without files, or none at all, set no limit", arguments: ["4:memory:/x\n", ""])
  func noGroups(text: String) throws {
    #expect(try groups(["proc/self/cgroup": text]).isEmpty)
    #expect(try groups([:]).isEmpty)
  }

  @Test("groups of version 1, and all above them")
  func version1() throws {
    let found = try groups([
      "proc/self/cgroup": "4:memory:/x/y\n0::/\n",
      "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "4194304\n",
    ])
    #expect(found == [MemoryLimit(source: .controlGroup("/x"), byteCount: 4_194_304)])
  }

  @Test("the machine's memory is what the system's own table says")
  func table() throws {
    let root = try MadeUpRoot(["proc/meminfo": "MemTotal:        2048 kB\nMemFree: 1 kB\n"])
    let limits = MemoryLimit.all(workers: 1, root: root.url.path)
    #expect(limits.contains(MemoryLimit(source: .physicalMemory, byteCount: 2 << 20)))
  }

  @Test("there is always one, and it is no more than the machine has")
  func physical() {
    let limits = MemoryLimit.all(workers: 2)
    #expect(limits.contains { $0.source == .physicalMemory && $0.byteCount > 1 << 28 })
    #expect(limits.allSatisfy { MemoryLimit.binding(workers: 2).byteCount <= $0.byteCount })
  }
}
