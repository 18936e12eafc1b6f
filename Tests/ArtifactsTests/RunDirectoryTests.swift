import Artifacts
import Base
import Foundation
import Synchronization
import Testing

@Suite struct RunDirectoryTests {
  private let files = [
    RunDirectory.FirstFile(name: "spec.yaml", text: "strata: 1\n"),
    RunDirectory.FirstFile(name: "plan.json", text: "{}\n"),
  ]
  private let names = [".lock", "plan.json", "spec.yaml"]

  /// The fault of `body`, which makes or opens a run.
  private func fault(_ body: () throws(RunDirectoryError) -> Void) -> RunDirectoryError? {
    do throws(RunDirectoryError) {
      try body()
      return nil
    } catch {
      return error
    }
  }

  @Test func newFoldersAreMadeWithTheirParents() throws {
    let folder = try TemporaryFolder()
    let run = try RunDirectory.create(at: folder.path + "/a/b/run/", files: files)
    #expect(run.path == folder.path + "/a/b/run")
    #expect(try folder.names(in: "a/b") == ["run"])
    #expect(try folder.names(in: "a/b/run") == names)
    #expect(try folder.text("a/b/run/spec.yaml") == "strata: 1\n")
    #expect(RunDirectory.holdsRun(run.path) && !RunDirectory.holdsRun(folder.path))
  }

  @Test func emptyFoldersAreUsedOthersAreRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    do { _ = try RunDirectory.create(at: path, files: files) }
    #expect(try folder.names(in: "run") == names)
    let before = try folder.bytes("run/plan.json")
    #expect(
      fault { () throws(RunDirectoryError) in _ = try RunDirectory.create(at: path, files: files) }
        == .holdsRun(path: path))
    #expect(try folder.bytes("run/plan.json") == before)

    try FileManager.default.createDirectory(
      atPath: folder.path + "/other", withIntermediateDirectories: false)
    try folder.write([1], to: "other/z")
    try folder.write([1], to: "other/b")
    #expect(
      fault { () throws(RunDirectoryError) in
        _ = try RunDirectory.create(at: folder.path + "/other", files: files)
      }
        == .notEmpty(path: folder.path + "/other", entry: "b"))
    try folder.write([1], to: "file")
    #expect(
      fault { () throws(RunDirectoryError) in
        _ = try RunDirectory.create(at: folder.path + "/file", files: files)
      }
        == .notAFolder(path: folder.path + "/file"))
    #expect(try folder.names() == ["file", "other", "run"])
  }

  /// A process that was killed before its run was there leaves its lock; one that is at work holds it.
  @Test func aLockAloneIsNoObstacle() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/run", withIntermediateDirectories: false)
    try folder.write(Array("4194400\n".utf8), to: "run/.lock")
    let run = try RunDirectory.create(at: folder.path + "/run", files: files)
    #expect(try folder.names(in: "run") == names)
    _ = run.path
  }

  /// Of several processes that find the same folder empty, one gets it.
  @Test func anEmptyFolderIsGivenOnce() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let number = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    let files = files
    let made = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 20) { _ in
      if (try? RunDirectory.create(at: path, files: files)) != nil { made.withLock { $0 += 1 } }
    }
    #expect(made.withLock { $0 } == 1)
    #expect(try folder.names(in: "run") == names)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == number)
  }

  /// As every empty folder is: behind a symbolic link it is the folder itself that is filled.
  @Test func foldersBehindLinksAreFilled() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: false)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: folder.path + "/real")
    let run = try RunDirectory.create(at: folder.path + "/link", files: files)
    #expect(try folder.names(in: "real") == names)
    #expect(try folder.names() == ["link", "real"])
    #expect(
      fault { () throws(RunDirectoryError) in _ = try RunDirectory.open(folder.path + "/real") }
        == .locked(path: folder.path + "/real", process: Int(getpid())))
    _ = run.path
  }

  @Test func runsAreNumbered() throws {
    let folder = try TemporaryFolder()
    let parent = folder.path + "/runs"
    for number in 1...3 {
      let run = try RunDirectory.create(named: "net", in: parent, files: files)
      #expect(run.path == "\(parent)/net-\(number)")
    }
    // An empty folder may be somebody's -o: it is passed over.
    try FileManager.default.createDirectory(atPath: parent + "/net-4", withIntermediateDirectories: false)
    try FileManager.default.removeItem(atPath: parent + "/net-2")
    let second = try RunDirectory.create(named: "net", in: parent, files: files).path
    let fifth = try RunDirectory.create(named: "net", in: parent, files: files).path
    #expect(second == parent + "/net-2" && fifth == parent + "/net-5")
    #expect(try folder.names(in: "runs") == ["net-1", "net-2", "net-3", "net-4", "net-5"])
  }

  @Test func manyAtOnceGetDifferentNumbers() throws {
    let folder = try TemporaryFolder()
    let parent = folder.path + "/runs"
    let files = files
    DispatchQueue.concurrentPerform(iterations: 20) { _ in
      _ = try? RunDirectory.create(named: "net", in: parent, files: files)
    }
    #expect(try folder.names(in: "runs") == (1...20).map { "net-\($0)" }.sorted())
  }

  @Test func aRunIsHeldByOneAtATime() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    do {
      let run = try RunDirectory.create(at: path, files: files)
      #expect(
        fault { () throws(RunDirectoryError) in _ = try RunDirectory.open(path) }
          == .locked(path: path, process: Int(getpid())))
      _ = run.path
    }
    let again = try RunDirectory.open(path)
    #expect(
      fault { () throws(RunDirectoryError) in _ = try RunDirectory.open(path) }
        == .locked(path: path, process: Int(getpid())))
    #expect(
      fault { () throws(RunDirectoryError) in _ = try RunDirectory.open(folder.path) }
        == .holdsNoRun(path: folder.path))
    _ = again.path
  }

  @Test("who looks whether a run is at work keeps nobody from going on with it")
  func looking() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    do { _ = try RunDirectory.create(at: path, files: files) }
    let looker = open(path, O_RDONLY | O_DIRECTORY)
    try #require(looker >= 0 && flock(looker, LOCK_SH | LOCK_NB) == 0)
    let isStarted = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      isStarted.signal()
      usleep(10_000)
      close(looker)
    }
    isStarted.wait()
    let run = try RunDirectory.open(path)
    #expect(run.path == path)
  }

  /// Whatever a process dies of, its lock goes with it.
  @Test func aDeadProcessHoldsNothing() async throws {
    let path = "/tmp/strata-artifacts-lock-\(getpid())"
    try? FileManager.default.removeItem(atPath: path)
    let result = await #expect(processExitsWith: .signal(SIGKILL)) {
      // The child's parent is the process that looks at the folder afterwards.
      let run = try RunDirectory.create(
        at: "/tmp/strata-artifacts-lock-\(getppid())", files: [.init(name: "plan.json", text: "{}")])
      kill(getpid(), SIGKILL)
      _ = run.path
    }
    #expect(result != nil)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try RunDirectory.open(path)
    #expect(run.path == path)
  }

  @Test("what a killed process left half made is removed, what is somebody's is not")
  func leftovers() throws {
    let folder = try TemporaryFolder()
    // No system gives a process so high a number.
    let dead = try folder.temporaryName(for: "run", process: 4_194_400)
    let others = [
      try folder.temporaryName(for: "run", process: Int(getpid())),
      dead.replacingOccurrences(of: "-0.tmp", with: "-1.tmp"),
      try folder.temporaryName(for: "other", process: 4_194_400), ".run.4194400-0.tmp",
    ]
    for name in [dead] + others {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + name, withIntermediateDirectories: false)
      try folder.write([1], to: name + "/plan.json")
    }
    try folder.write([1], to: others[1] + "/precious.txt")
    _ = try RunDirectory.create(at: folder.path + "/run", files: files)
    #expect(try folder.names() == (others + ["run"]).sorted())
  }

  @Test("the lock is the folder's own: it holds when every file in it is removed or replaced")
  func lockWithoutFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let run = try RunDirectory.create(at: path, files: files)
    for name in [".lock", "plan.json"] {
      let bytes = try folder.bytes("run/\(name)")
      try FileManager.default.removeItem(atPath: path + "/" + name)
      if name == "plan.json" { try folder.write(bytes, to: "run/plan.json") }
      guard case .locked? = fault({ () throws(RunDirectoryError) in _ = try RunDirectory.open(path) }) else {
        Issue.record("a second one got in without \(name)")
        continue
      }
    }
    _ = run.path
  }

  @Test("names of the greatest length that the system allows", arguments: [250, 254, 255])
  func longNames(length: Int) throws {
    let folder = try TemporaryFolder()
    let name = String(repeating: "n", count: length)
    do { _ = try RunDirectory.create(at: "\(folder.path)/\(name)", files: files) }
    #expect(try folder.names(in: name) == names)
    try AtomicFile.write("text", to: "\(folder.path)/\(name)/\(name)")
    #expect(try folder.text("\(name)/\(name)") == "text")
  }

  @Test("a file with a second name elsewhere does not change there")
  func hardLinks() throws {
    let folder = try TemporaryFolder()
    let run = try RunDirectory.create(at: folder.path + "/run", files: files)
    let time = ClockTime(seconds: 1_800_000_000)
    try run.appendLog("begin", at: time)
    #expect(link(folder.path + "/run/log.txt", folder.path + "/kept.txt") == 0)
    try run.appendLog("end", at: time)
    #expect(try folder.text("kept.txt") == "\(time.text) begin\n")
    #expect(try folder.text("run/log.txt") == "\(time.text) begin\n\(time.text) end\n")
  }

  @Test(
    "what is no file of the run's own is refused by its name, and nothing is written through it",
    arguments: ["link", "dangling link", "pipe", "folder"])
  func foreign(kind: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run"
    let run = try RunDirectory.create(at: path, files: files)
    try folder.write(Array("precious".utf8), to: "precious.txt")
    func put(_ name: String) throws {
      let place = path + "/" + name
      try? FileManager.default.removeItem(atPath: place)
      switch kind {
      case "link":
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "../precious.txt")
      case "dangling link":
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: "../made.txt")
      case "pipe": #expect(mkfifo(place, 0o600) == 0)
      case _: try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
      }
    }
    for (name, write) in [
      ("log.txt", { try run.appendLog("line") }), ("metrics.jsonl", { try run.appendMetrics(["module": 1]) }),
      ("summary.json", { try run.writeSummary(["status": "failed"]) }),
      ("report.html", { try RunDirectory.writeReport("page", in: path) }),
    ] as [(String, () throws -> Void)] {
      try put(name)
      do {
        try write()
        Issue.record("\(name) was written")
      } catch {
        let message = try #require(error as? FileError).message
        #expect(message.hasPrefix("\(path)/\(name): it is a "), "\(message)")
      }
      #expect(try RunDirectory.foreignFiles(in: path).map(\.path) == ["\(path)/\(name)"])
      try FileManager.default.removeItem(atPath: path + "/" + name)
    }
    #expect(try folder.text("precious.txt") == "precious")
    #expect(try folder.names() == ["precious.txt", "run"])
  }

  @Test func linesAreAppended() throws {
    let folder = try TemporaryFolder()
    let run = try RunDirectory.create(at: folder.path + "/run", files: files)
    #expect(try run.metricsLines().isEmpty)
    try run.appendMetrics(["module": 1, "loss": 0.5])
    try run.appendMetrics(["module": 2, "text": "a\nb"])
    let time = ClockTime(seconds: 1_800_000_000)
    try run.appendLog("begin", at: time)
    try run.appendLog("end", at: time)
    #expect(
      try folder.text("run/metrics.jsonl")
        == "{\"module\":1,\"loss\":0.5}\n{\"module\":2,\"text\":\"a\\nb\"}\n")
    #expect(try folder.text("run/log.txt") == "\(time.text) begin\n\(time.text) end\n")
    #expect(try run.metricsLines() == [#"{"module":1,"loss":0.5}"#, #"{"module":2,"text":"a\nb"}"#])

    // What a crash cut off is no line.
    try folder.write(try folder.bytes("run/metrics.jsonl") + Array("{\"mod".utf8), to: "run/metrics.jsonl")
    #expect(try run.metricsLines().count == 2)
  }

  @Test func summariesAreReplaced() throws {
    let folder = try TemporaryFolder()
    let run = try RunDirectory.create(at: folder.path + "/run", files: files)
    try run.writeSummary(["status": "interrupted"])
    try run.writeSummary(["status": "finished", "modules": [["index": 1]]])
    #expect(
      try folder.text("run/summary.json") == """
        {
          "status": "finished",
          "modules": [
            {"index": 1}
          ]
        }

        """)
    #expect(try folder.names(in: "run") == names + ["summary.json"])
  }
}
