internal import Base

/// The control groups that this process is in, of both versions, and the groups above them: the limits of all of them hold.
struct ControlGroups {
  struct Group: Hashable {
    /// From the root of the hierarchy, `/` for the root itself.
    var path: String
    /// Where the group's files are.
    var folder: String
  }

  /// A line of `/proc/self/cgroup`.
  private struct Membership {
    /// None in the line of version 2.
    var controllers: [Substring]
    var path: String
  }

  /// A hierarchy as it is mounted.
  private struct Mount {
    var isVersion2: Bool
    /// The group that the mount point shows: not `/` inside some containers.
    var root: String
    var point: String
    /// With the controllers of version 1 among them.
    var options: [Substring]
  }

  private let root: String
  private let memberships: [Membership]
  private let mounts: [Mount]

  /// - Parameter root: in front of `/proc` and `/sys`: another machine's, in tests.
  init(root: String) {
    self.root = root
    memberships = (SystemFile.text(of: "\(root)/proc/self/cgroup") ?? "").split(separator: "\n").compactMap {
      let fields = $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2].hasPrefix("/") else { return nil }
      return Membership(controllers: fields[1].split(separator: ","), path: String(fields[2]))
    }
    mounts = (SystemFile.text(of: "\(root)/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap(
      Self.mount)
  }

  /// The process's group of version 2, then all groups above it.
  var version2: [Group] {
    guard let membership = memberships.first(where: { $0.controllers.isEmpty }) else { return [] }
    let mount = mounts.first { $0.isVersion2 }
    return groups(of: membership.path, mount, defaultPoints: ["/sys/fs/cgroup"])
  }

  /// The process's group of version 1 for a controller, then all groups above it.
  func version1(_ controller: Substring) -> [Group] {
    guard let membership = memberships.first(where: { $0.controllers.contains(controller) }) else {
      return []
    }
    let mount = mounts.first { !$0.isVersion2 && $0.options.contains(controller) }
    let together = membership.controllers.joined(separator: ",")
    return groups(
      of: membership.path, mount,
      defaultPoints: (together == controller ? [] : ["/sys/fs/cgroup/\(together)"]) + [
        "/sys/fs/cgroup/\(controller)"
      ])
  }

  private func groups(of path: String, _ mount: Mount?, defaultPoints: [String]) -> [Group] {
    var parts = path.split(separator: "/").map { String($0) }
    if let mount, mount.root != "/" {
      let rootParts = mount.root.split(separator: "/").map { String($0) }
      // What is mounted is the process's own group, or one above it; a path that is not below it cannot be seen.
      parts = parts.starts(with: rootParts) ? Array(parts.dropFirst(rootParts.count)) : []
    }
    // Outside the process's own name space the path climbs: what lies there can't be seen.
    if parts.contains("..") { parts = [] }
    let points = mount.map { [$0.point] } ?? defaultPoints
    return (0...parts.count).reversed().flatMap { count in
      let path = "/" + parts[..<count].joined(separator: "/")
      return points.map { Group(path: path, folder: "\(root)\($0)\(path == "/" ? "" : path)") }
    }
  }

  /// `36 35 98:0 /root /point options [tags] - type source options`.
  private static func mount(_ line: Substring) -> Mount? {
    let fields = line.split(separator: " ")
    guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3 else { return nil }
    let type = fields[dash + 1]
    guard type == "cgroup" || type == "cgroup2" else { return nil }
    let root = unescaped(fields[3])
    return Mount(
      isVersion2: type == "cgroup2", root: root.hasPrefix("/..") ? "/" : root, point: unescaped(fields[4]),
      options: fields[dash + 3].split(separator: ","))
  }

  /// Blanks and backslashes stand as `\040`, `\134`.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
