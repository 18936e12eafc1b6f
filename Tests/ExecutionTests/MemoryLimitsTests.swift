import Execution
import Foundation
import Testing

@Suite("Limits of this process's memory")
struct MemoryLimitsTests {
  /// A file system with these files; gone with the value.
  private final class Root {
    let url = FileManager.default.temporaryDirectory.appending(path: "strata-limits-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    var groups: [MemoryLimit] {
      MemoryLimit.all(workers: 2, root: url.path).filter {
        if case .controlGroup = $0.source { return true }
        return false
      }
    }
  }

  @Test("of the process's group and of all above it")
  func ancestors() throws {
    let root = try Root([
      "proc/self/cgroup": "0::/a/b\n",
      "sys/fs/cgroup/a/b/memory.max": "max\n",
      "sys/fs/cgroup/a/memory.max": "1048576\n",
    ])
    #expect(root.groups == [MemoryLimit(source: .controlGroup("/a"), byteCount: 1_048_576)])
  }

  @Test("inside a container the group is the root of what can be seen")
  func container() throws {
    let root = try Root(["proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "2097152\n"])
    #expect(root.groups == [MemoryLimit(source: .controlGroup("/"), byteCount: 2_097_152)])
  }

  @Test("groups of version 1, or none at all, set no limit", arguments: ["4:memory:/x\n", ""])
  func noGroups(text: String) throws {
    #expect(try Root(["proc/self/cgroup": text]).groups.isEmpty)
    #expect(try Root([:]).groups.isEmpty)
  }

  @Test("there is always one, and it is no more than the machine has")
  func physical() {
    let limits = MemoryLimit.all(workers: 2)
    #expect(limits.contains { $0.source == .physicalMemory && $0.byteCount > 1 << 28 })
    #expect(limits.allSatisfy { MemoryLimit.binding(workers: 2).byteCount <= $0.byteCount })
  }
}
