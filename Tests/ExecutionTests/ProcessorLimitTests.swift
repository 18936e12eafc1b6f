import Execution
import Foundation
import Testing

@Suite("Processors that this process may use")
struct ProcessorLimitTests {
  /// Of a made-up machine on which the process may run on as many as it may here.
  private func count(_ files: [String: String]) throws -> Int {
    let root = try MadeUpRoot(files)
    return ProcessorLimit.usableProcessors(root: root.url.path)
  }

  private let unlimited: Int

  init() throws {
    unlimited = ProcessorLimit.usableProcessors(root: "/no/such/folder")
  }

  @Test("one quota, rounded up, and never less than one")
  func quota() throws {
    for (quota, expected) in [("100000 100000", 1), ("1000 100000", 1), ("50000 20000", 3), ("1 1000000", 1)]
    {
      let found = try count(["proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": quota + "\n"])
      #expect(found == min(unlimited, expected), "\(quota)")
    }
  }

  @Test("no quota", arguments: ["max 100000\n", "", "x y\n", "-5 100000\n", "100000 0\n"])
  func none(text: String) throws {
    #expect(try count(["proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": text]) == unlimited)
    #expect(try count(["proc/self/cgroup": text]) == unlimited)
  }

  @Test("the group above may allow less than the process's own")
  func ancestors() throws {
    let found = try count([
      "proc/self/cgroup": "0::/a/b/c\n", "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
      "sys/fs/cgroup/a/b/cpu.max": "900000 100000\n", "sys/fs/cgroup/a/cpu.max": "100000 100000\n",
    ])
    #expect(found == 1)
  }

  @Test("groups of version 1", arguments: ["cpu,cpuacct", "cpu"])
  func version1(folder: String) throws {
    var files = [
      "proc/self/cgroup": "5:memory:/m\n4:cpu,cpuacct:/x/y\n0::/z\n",
      "sys/fs/cgroup/\(folder)/x/y/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/\(folder)/x/y/cpu.cfs_period_us": "100000\n",
    ]
    #expect(try count(files) == unlimited)
    files["sys/fs/cgroup/\(folder)/x/cpu.cfs_quota_us"] = "50000\n"
    files["sys/fs/cgroup/\(folder)/x/cpu.cfs_period_us"] = "100000\n"
    #expect(try count(files) == 1)
  }

  @Test("hierarchies that are mounted elsewhere, and show a container's group as their root")
  func mounts() throws {
    let version2 = try count([
      "proc/self/cgroup": "0::/docker/abc/inner\n",
      "proc/self/mountinfo": "31 23 0:28 /docker/abc /my\\040groups rw - cgroup2 cgroup2 rw\n",
      "my groups/inner/cpu.max": "max 100000\n", "my groups/cpu.max": "20000 100000\n",
    ])
    #expect(version2 == 1)
    let version1 = try count([
      "proc/self/cgroup": "1:cpu:/docker/abc\n",
      "proc/self/mountinfo": "32 31 0:29 /docker/abc /groups/cpu rw shared:1 - cgroup cgroup rw,cpu\n",
      "groups/cpu/cpu.cfs_quota_us": "20000\n", "groups/cpu/cpu.cfs_period_us": "100000\n",
    ])
    #expect(version1 == 1)
  }
}

/// A file system with these files; gone with the value.
final class MadeUpRoot {
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
}
