package import Base
package import CostModel
internal import Glibc
internal import Text

/// Profiles of the machines that a user's cache folder has seen: one for each processor and number of threads, all of one
/// release. Those of another are not read, and go when one of this release is stored.
package struct ProfileFile {
  private let path: String
  private let release: String

  /// - Parameters:
  ///   - path: of the file, which need not be there.
  ///   - release: whose kernels were measured.
  package init(path: String, release: String) {
    self.path = path
    self.release = release
  }

  /// `$XDG_CACHE_HOME/strata/profile.json`, or in `~/.cache`; nil where neither is known.
  package static func defaultPath(environment: (String) -> String?) -> String? {
    if let cache = environment("XDG_CACHE_HOME"), cache.hasPrefix("/") {
      return "\(cache)/strata/profile.json"
    }
    return environment("HOME").flatMap { $0.isEmpty ? nil : "\($0)/.cache/strata/profile.json" }
  }

  /// As the system names it: `AMD EPYC`, say.
  package static func processorName() -> String {
    // The first processor's lines.
    guard let text = SystemFile.text(of: "/proc/cpuinfo", limit: 4096) else { return "unknown" }
    for line in text.split(separator: "\n") where line.hasPrefix("model name") {
      return line.split(separator: ":").dropFirst().joined(separator: ":").split(separator: " ")
        .joined(separator: " ")
    }
    return "unknown"
  }

  /// Nil where there is none for these, or none that can be read: it is measured again in seconds.
  package func profile(processor: String, threads: Int) -> MachineProfile? {
    profiles.first { $0.processor == processor && $0.threads == threads && $0.isComplete }
  }

  /// Puts a profile in the place of an earlier one for the same processor and threads.
  package func store(_ profile: MachineProfile) throws(FileError) {
    let others = profiles.filter { $0.processor != profile.processor || $0.threads != profile.threads }
    try FilePath.makeFolders(FilePath.folder(of: path))
    let document: JSON = [
      "schema": "strata.profile/1", "release": .string(release),
      "profiles": .array((others + [profile]).map(json)),
    ]
    try AtomicFile.write(JSONWriter.document(document), to: path)
  }

  private func json(_ profile: MachineProfile) -> JSON {
    let kinds = WorkKind.measured.map { kind in
      (
        key: kind.name,
        value: JSON.array(
          profile.points(of: kind).map {
            .array([.number($0.size), .number($0.rows), .number($0.secondsPerUnit)])
          })
      )
    }
    return [
      "processor": .string(profile.processor), "threads": .integer(profile.threads),
      "secondsPerCall": .number(profile.secondsPerCall), "points": .object(kinds),
    ]
  }

  // MARK: - Reading

  /// Those of this release; none where the file says something else than we write.
  private var profiles: [MachineProfile] {
    // NONBLOCK: a pipe under the file's name must not make anybody wait.
    guard let file = try? FileDescriptor(path: path, flags: O_RDONLY | O_NONBLOCK),
      let bytes = try? file.bytes(limit: RunDirectory.largestByteCount)
    else { return [] }
    var (found, foundRelease): ([MachineProfile], String?) = ([], nil)
    var scanner = JSONScanner(bytes)
    do throws(JSONScanner.Fault) {
      try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
        switch key {
        case "release": foundRelease = try scanner.string()
        case "profiles":
          try scanner.array { (scanner) throws(JSONScanner.Fault) in found.append(try Self.read(&scanner)) }
        case _: try scanner.skipValue()
        }
      }
    } catch {
      return []
    }
    return foundRelease == release ? found : []
  }

  private static func read(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> MachineProfile {
    var profile = MachineProfile(processor: "", threads: 0, secondsPerCall: 0)
    try scanner.object { (scanner, key, _) throws(JSONScanner.Fault) in
      switch key {
      case "processor": profile.processor = try scanner.string()
      case "threads": profile.threads = try scanner.naturalNumber()
      case "secondsPerCall": profile.secondsPerCall = try positiveNumber(&scanner)
      case "points":
        try scanner.object { (scanner, name, _) throws(JSONScanner.Fault) in
          let kind = WorkKind.measured.first { $0.name == name }
          try scanner.array { (scanner) throws(JSONScanner.Fault) in
            var numbers: [Double] = []
            try scanner.array { (scanner) throws(JSONScanner.Fault) in
              numbers.append(try positiveNumber(&scanner))
            }
            guard numbers.count == 3 else { throw scanner.fault(expected: "three numbers") }
            guard let kind else { return }
            profile.add(
              MachineProfile.Point(size: numbers[0], rows: numbers[1], secondsPerUnit: numbers[2]), of: kind)
          }
        }
      case _: try scanner.skipValue()
      }
    }
    return profile
  }

  private static func positiveNumber(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> Double {
    guard let number = try scanner.numberOrNull(), number > 0 else {
      throw scanner.fault(expected: "a number above 0")
    }
    return number
  }
}
