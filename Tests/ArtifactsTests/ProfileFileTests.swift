import Artifacts
import CostModel
import Foundation
import Testing

@Suite("Profiles of machines")
struct ProfileFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func profile(_ processor: String, threads: Int, secondsPerUnit: Double = 1e-9) -> MachineProfile {
    var profile = MachineProfile(processor: processor, threads: threads, secondsPerCall: 1e-6)
    for kind in WorkKind.measured {
      for (size, rows) in [(64.0, 8.0), (64, 128), (512, 8)] {
        profile.add(MachineProfile.Point(size: size, rows: rows, secondsPerUnit: secondsPerUnit), of: kind)
      }
    }
    return profile
  }

  @Test("come back as they were kept, by processor and threads")
  func roundTrip() throws {
    let file = ProfileFile(path: "\(folder.path)/a/b/profile.json", release: "1")
    try file.store(profile("one", threads: 2))
    try file.store(profile("one", threads: 4))
    try file.store(profile("two \"quoted\"", threads: 2))
    try file.store(profile("one", threads: 2, secondsPerUnit: 3e-9))
    #expect(file.profile(processor: "one", threads: 2) == profile("one", threads: 2, secondsPerUnit: 3e-9))
    #expect(file.profile(processor: "one", threads: 4) == profile("one", threads: 4))
    #expect(file.profile(processor: "two \"quoted\"", threads: 2) != nil)
    #expect(file.profile(processor: "one", threads: 1) == nil)
    #expect(file.profile(processor: "three", threads: 2) == nil)
  }

  @Test("of another release, incomplete or damaged ones count as none, and are replaced")
  func useless() throws {
    let path = "\(folder.path)/profile.json"
    let file = ProfileFile(path: path, release: "2")
    #expect(file.profile(processor: "one", threads: 2) == nil)
    try ProfileFile(path: path, release: "1").store(profile("one", threads: 2))
    #expect(file.profile(processor: "one", threads: 2) == nil)
    let whole = try Data(contentsOf: URL(filePath: path))
    for length in stride(from: 0, to: whole.count - 1, by: 97) {
      try whole.prefix(length).write(to: URL(filePath: path))
      #expect(ProfileFile(path: path, release: "1").profile(processor: "one", threads: 2) == nil)
    }
    var incomplete = MachineProfile(processor: "one", threads: 2, secondsPerCall: 1e-6)
    incomplete.add(MachineProfile.Point(size: 1, rows: 1, secondsPerUnit: 1), of: .preparation)
    try file.store(incomplete)
    #expect(file.profile(processor: "one", threads: 2) == nil)
    try file.store(profile("one", threads: 2))
    #expect(file.profile(processor: "one", threads: 2) != nil)
  }

  @Test("lie in the user's cache folder")
  func place() {
    #expect(
      ProfileFile.defaultPath { ["XDG_CACHE_HOME": "/c", "HOME": "/h"][$0] } == "/c/strata/profile.json")
    #expect(ProfileFile.defaultPath { ["HOME": "/h"][$0] } == "/h/.cache/strata/profile.json")
    #expect(
      ProfileFile.defaultPath { ["XDG_CACHE_HOME": "relative", "HOME": "/h"][$0] }
        == "/h/.cache/strata/profile.json")
    #expect(ProfileFile.defaultPath { _ in nil } == nil)
  }

  @Test("are of a processor that has a name", .enabled(if: Self.systemNamesProcessors))
  func processor() {
    let name = ProfileFile.processorName()
    #expect(name != "unknown" && !name.isEmpty && !name.contains("\n"))
  }

  private static var systemNamesProcessors: Bool {
    (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains("model name") == true
  }
}
