import Artifacts
import Base
import Foundation
import Testing

@Suite struct AtomicFileTests {
  @Test func putsWholeFilesInPlace() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write("first", to: folder.path + "/a.txt")
    #expect(try folder.text("a.txt") == "first")
    var file = try AtomicFile(path: folder.path + "/a.txt")
    try file.write(Array("sec".utf8).span.bytes)
    #expect(try folder.text("a.txt") == "first")
    try file.write(Array("ond".utf8).span.bytes)
    try file.commit()
    #expect(try folder.text("a.txt") == "second")
    #expect(try folder.names() == ["a.txt"])
  }

  @Test func whatIsDroppedLeavesNothing() throws {
    let folder = try TemporaryFolder()
    try AtomicFile.write("old", to: folder.path + "/a.txt")
    do {
      var file = try AtomicFile(path: folder.path + "/a.txt")
      try file.write(Array("new".utf8).span.bytes)
      #expect(try folder.names().count == 2)
    }
    #expect(try folder.names() == ["a.txt"])
    #expect(try folder.text("a.txt") == "old")
  }

  /// A process of our number that is at work, in another container say, has its file: another name is taken, and the file stays.
  @Test func othersAreNoObstacle() throws {
    let folder = try TemporaryFolder()
    let other = try folder.temporaryName(for: "a.txt", process: Int(getpid()))
    try folder.write([1], to: other)
    try AtomicFile.write("new", to: folder.path + "/a.txt")
    #expect(try folder.names() == [other, "a.txt"].sorted())
  }

  @Test func whatAKilledProcessLeftIsRemoved() throws {
    let folder = try TemporaryFolder()
    // No system gives a process so high a number.
    let dead = try folder.temporaryName(for: "a.txt", process: 4_194_400)
    let others = [try folder.temporaryName(for: "b.txt", process: 4_194_400), ".a.txt.4194400-0.tmp"]
    for name in [dead] + others { try folder.write([1], to: name) }
    try AtomicFile.write("new", to: folder.path + "/a.txt")
    #expect(try folder.names() == (others + ["a.txt"]).sorted())
  }

  @Test func twoAtOnceDoNotMeet() throws {
    let folder = try TemporaryFolder()
    var one = try AtomicFile(path: folder.path + "/a.txt")
    var two = try AtomicFile(path: folder.path + "/a.txt")
    try one.write(Array("one".utf8).span.bytes)
    try two.write(Array("two".utf8).span.bytes)
    try two.commit()
    try one.commit()
    #expect(try folder.text("a.txt") == "one")
    #expect(try folder.names() == ["a.txt"])
  }

  @Test func faultsNameFileOperationAndReason() throws {
    let folder = try TemporaryFolder()
    let missing = "\(folder.path)/none/a.txt"
    #expect(throws: FileError(path: missing, operation: "create", code: ENOENT)) {
      try AtomicFile.write("x", to: missing)
    }
    #expect(
      FileError(path: "a", operation: "create", code: ENOENT).message
        == "a: cannot create: No such file or directory")
    // A folder cannot be replaced by a file; the temporary file is gone.
    try FileManager.default.createDirectory(atPath: folder.path + "/b", withIntermediateDirectories: false)
    #expect(throws: FileError(path: folder.path + "/b", operation: "replace", code: EISDIR)) {
      try AtomicFile.write("x", to: folder.path + "/b")
    }
    #expect(try folder.names() == ["b"])
  }

  @Test func linksStayAndTheirFilesAreReplaced() throws {
    let folder = try TemporaryFolder()
    for (link, target) in [("a", "b"), ("b", "c"), ("loop", "loop")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(link)", withDestinationPath: target)
    }
    // The file at the end is not there at first, then it is.
    for text in ["first", "second"] {
      try AtomicFile.write(text, to: folder.path + "/a")
      #expect(try folder.text("c") == text)
    }
    #expect(try folder.names() == ["a", "b", "c", "loop"])
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/a") == "b")
    #expect(throws: FileError(path: folder.path + "/loop", operation: "examine", code: ELOOP)) {
      try AtomicFile.write("x", to: folder.path + "/loop")
    }
  }

  @Test func pipesAreWrittenInto() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    // Both ends here, so that nobody waits.
    let end = open(path, O_RDWR)
    defer { close(end) }
    try AtomicFile.write("through", to: path)
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(end, &bytes, 16)
    #expect(count == 7)
    #expect(bytes.prefix(7).elementsEqual("through".utf8))
    #expect(try folder.names() == ["pipe"])
    var status = stat()
    let answer = stat(path, &status)
    #expect(answer == 0 && status.st_mode & S_IFMT == S_IFIFO)
  }

  /// The fault names the file as it was called.
  @Test func aFullDiskIsAnError() throws {
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let folder = try TemporaryFolder()
    let path = folder.path + "/full"
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
    #expect(throws: FileError(path: path, operation: "write", code: ENOSPC)) {
      try AtomicFile.write("text", to: path)
    }
  }
}
