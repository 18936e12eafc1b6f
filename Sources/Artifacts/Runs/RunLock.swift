internal import Base
internal import Glibc

/// The lock of a run's folder, held until the value goes away or the process ends.
///
/// It is on the folder itself: no name in the folder can be removed or replaced to get another lock. Beside it lies the number of the
/// process, for messages alone.
struct RunLock: ~Copyable, Sendable {
  private let descriptor: FileDescriptor

  /// Who looks whether a run is at work holds its lock for an instant; a run holds it to its end.
  private static let attemptCount = 20
  private static let attemptMicroseconds: UInt32 = 5_000

  /// Takes the lock and writes this process's number beside it; tries again for a tenth of a second.
  ///
  /// - Parameter shownPath: what an error calls the folder.
  static func hold(
    _ folder: borrowing FolderDescriptor, shownPath: String
  ) throws(RunDirectoryError) -> RunLock {
    let descriptor = try take(folder, shownPath)
    do throws(FileError) { try noteProcess(in: folder) } catch { throw .file(lockError(error, shownPath)) }
    return RunLock(descriptor: descriptor)
  }

  private static func noteProcess(in folder: borrowing FolderDescriptor) throws(FileError) {
    // Never into the file that is there: it may have another name elsewhere.
    let code = folder.remove(RunDirectory.lockName)
    guard code == 0 || code == ENOENT else {
      throw FileError(path: folder.path, operation: "lock", code: code)
    }
    let note = try folder.open(RunDirectory.lockName, flags: O_WRONLY | O_CREAT | O_EXCL)
    try unsafe note.write(Array("\(getpid())\n".utf8).span.bytes)
  }

  private static func take(
    _ folder: borrowing FolderDescriptor, _ shownPath: String
  ) throws(RunDirectoryError) -> FileDescriptor {
    let own = try openFolder(folder, shownPath)
    if try lock(own, folder, shownPath) { return own }
    let plan = try openPlan(folder, shownPath)
    guard try lock(plan, folder, shownPath) else {
      throw .file(FileError(path: shownPath, operation: "lock", code: ENOTSUP))
    }
    return plan
  }

  private static func openFolder(
    _ folder: borrowing FolderDescriptor, _ shownPath: String
  ) throws(RunDirectoryError) -> FileDescriptor {
    do throws(FileError) {
      if let kind = try folder.kind(of: RunDirectory.lockName), kind != .regular {
        throw FileError(path: "\(shownPath)/\(RunDirectory.lockName)", isNo: .regular, found: kind)
      }
      return try folder.openAgain()
    } catch { throw .file(lockError(error, shownPath)) }
  }

  private static func openPlan(
    _ folder: borrowing FolderDescriptor, _ shownPath: String
  ) throws(RunDirectoryError) -> FileDescriptor {
    do throws(FileError) { return try folder.open(RunDirectory.planName, flags: O_RDWR) } catch {
      throw .file(lockError(error, shownPath))
    }
  }

  /// - Returns: false where the file system does not lock such a thing.
  private static func lock(
    _ descriptor: borrowing FileDescriptor, _ folder: borrowing FolderDescriptor, _ shownPath: String
  ) throws(RunDirectoryError) -> Bool {
    var attempt = 1
    while flock(descriptor.number, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if unlockable.contains(code) { return false }
      guard code == EWOULDBLOCK else {
        throw .file(FileError(path: shownPath, operation: "lock", code: code))
      }
      guard attempt < attemptCount else { throw .locked(path: shownPath, process: holder(in: folder)) }
      attempt += 1
      usleep(attemptMicroseconds)
    }
    return true
  }

  private static func lockError(_ error: FileError, _ shownPath: String) -> FileError {
    error.mismatch == nil ? FileError(path: shownPath, operation: "lock", code: error.code) : error
  }

  /// What file systems say that lock files alone, and those that are open for writing (NFS): there the run's plan is locked, which
  /// no process replaces.
  private static let unlockable = [EBADF, EINVAL, ENOTSUP]

  /// Whether another process is at work in `folder`, and which, where it says so. Changes nothing; where nobody is, the lock is
  /// held together with others who look, and given back at once: `hold` waits for that.
  static func worker(in folder: borrowing FolderDescriptor) -> (isAtWork: Bool, process: Int?) {
    func isHeld(_ descriptor: borrowing FileDescriptor) -> Bool {
      flock(descriptor.number, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
    do throws(FileError) {
      let own = try folder.openAgain()
      if isHeld(own) { return (true, holder(in: folder)) }
    } catch {
      return (false, nil)
    }
    do throws(FileError) {
      let plan = try folder.open(RunDirectory.planName, flags: O_RDONLY)
      return isHeld(plan) ? (true, holder(in: folder)) : (false, nil)
    } catch {
      return (false, nil)
    }
  }

  private static func holder(in folder: borrowing FolderDescriptor) -> Int? {
    guard let bytes = try? folder.bytes(of: RunDirectory.lockName, limit: 32) else { return nil }
    return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
