internal import Base
internal import Glibc

extension RunDirectory {
  /// Makes the folder `path` with `files` in it. An empty folder is used, and stays the folder that it is: somebody may stand
  /// in it, or have mounted it. One that holds anything is refused.
  package static func create(
    at path: String, files: [FirstFile]
  ) throws(RunDirectoryError) -> RunDirectory {
    let path = withoutTrailingSlashes(path)
    if try requireEmpty(path) { return try createInPlace(path, files: files) }
    try makeFolders(FilePath.folder(of: path))
    return try createAside(besides: path, files: files) { (aside) throws(RunDirectoryError) in
      let code = aside.rename(to: path)
      if code != 0 {
        // Whoever was faster has it now.
        _ = try requireEmpty(path)
        throw .file(FileError(path: path, operation: "create", code: code))
      }
      return path
    }
  }

  /// Makes the first of the folders `NAME-1`, `NAME-2`, ... in `parent` that is not there yet, with `files` in it.
  package static func create(
    named name: String, in parent: String, files: [FirstFile]
  ) throws(RunDirectoryError) -> RunDirectory {
    let parent = withoutTrailingSlashes(parent)
    try makeFolders(parent)
    return try createAside(besides: "\(parent)/\(name)", files: files) { (aside) throws(RunDirectoryError) in
      var number = 1
      while true {
        let path = "\(parent)/\(name)-\(number)"
        // An empty folder of our own holds the number; the rename puts the full one over it.
        if unsafe mkdir(path, 0o777) == 0 {
          let code = aside.rename(to: path)
          if code == 0 { return path }
          unsafe rmdir(path)
          guard code == ENOTEMPTY || code == EEXIST else {
            throw .file(FileError(path: path, operation: "create", code: code))
          }
        } else if errno != EEXIST {
          throw .file(FileError(path: path, operation: "create", code: errno))
        }
        number += 1
      }
    }
  }

  /// Makes a folder beside `target`, locked and with `files` in it, lets `place` rename it, and gives the run.
  /// - Parameter place: returns the folder's new path.
  private static func createAside(
    besides target: String, files: [FirstFile],
    _ place: (inout Aside) throws(RunDirectoryError) -> String
  ) throws(RunDirectoryError) -> RunDirectory {
    removeLeftovers(besides: target, names: files.map(\.name) + [lockName])
    var aside = try Aside(besides: target, names: files.map(\.name) + [lockName])
    var folder = try open(folder: aside.path)
    do throws(FileError) { try write(files, in: folder) } catch { throw .file(error) }
    // Locked before anybody can see it: nobody resumes a run that is just beginning.
    let lock = try RunLock.hold(folder, shownPath: target)
    let path = try place(&aside)
    folder.isRenamed(to: path)
    do throws(FileError) { try FileDescriptor.synchronizeFolder(FilePath.folder(of: path)) } catch {
      throw .file(error)
    }
    return RunDirectory(folder: folder, lock: lock)
  }

  /// Deletes folders that processes which were killed have left half made: their process is gone, nobody holds their lock, and
  /// nothing is in them that was not put there for `target`.
  private static func removeLeftovers(besides target: String, names: [String]) {
    let place = FilePath.lastComponent(of: target)
    guard let parent = try? FolderDescriptor(path: FilePath.folder(of: target)),
      let candidates = try? parent.names()
    else { return }
    for name in candidates where TemporaryName.isLeftover(name, of: place) {
      guard let folder = try? parent.folder(name), let present = try? folder.names(),
        present.allSatisfy(names.contains), !RunLock.worker(in: folder).isAtWork
      else { continue }
      for file in present { folder.remove(file) }
      unsafe rmdir(parent.path(of: name))
    }
  }

  /// Fills a folder that is there and empty. Of two processes one gets it, by its lock. The plan comes last and at once: until it
  /// is whole the folder holds no run, and where it cannot be written nothing is left.
  private static func createInPlace(
    _ path: String, files: [FirstFile]
  ) throws(RunDirectoryError) -> RunDirectory {
    let folder = try open(folder: path)
    let lock = try RunLock.hold(folder, shownPath: path)
    // Before the lock was taken, somebody else may have been at work here, and gone.
    _ = try requireEmpty(path)
    do throws(FileError) {
      try write(files.filter { $0.name != planName }, in: folder)
      for plan in files where plan.name == planName {
        try AtomicFile.write(plan.text, to: plan.name, in: folder)
      }
    } catch {
      for name in files.map(\.name) + [lockName] { folder.remove(name) }
      throw .file(error)
    }
    return RunDirectory(folder: folder, lock: lock)
  }

  private static func write(_ files: [FirstFile], in folder: borrowing FolderDescriptor) throws(FileError) {
    for file in files {
      let descriptor = try folder.open(file.name, flags: O_WRONLY | O_CREAT | O_EXCL)
      try unsafe descriptor.write(Array(file.text.utf8).span.bytes)
      try descriptor.synchronize()
    }
    try folder.synchronize()
  }

  /// - Returns: whether `path` is there, and empty but for a lock: a process that was killed before it made its run leaves that.
  private static func requireEmpty(_ path: String) throws(RunDirectoryError) -> Bool {
    let names: [String]
    do throws(FileError) {
      if unsafe access(path, F_OK) != 0, errno == ENOENT { return false }
      names = try FolderDescriptor(path: path).names()
    } catch {
      if error.code == ENOTDIR { throw .notAFolder(path: path) }
      throw .file(error)
    }
    if names.contains(planName) { throw .holdsRun(path: path) }
    if let entry = names.filter({ $0 != lockName }).min(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      throw .notEmpty(path: path, entry: entry)
    }
    return true
  }

  private static func makeFolders(_ path: String) throws(RunDirectoryError) {
    do throws(FileError) { try FilePath.makeFolders(path) } catch { throw .file(error) }
  }

  package static func withoutTrailingSlashes(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}

/// A run's folder that is being made under a hidden name. Deleted with its files unless it was renamed.
private struct Aside: ~Copyable {
  let path: String
  private let names: [String]
  private var isInPlace = false

  /// Makes the folder beside `target`, with nothing in it.
  /// - Parameter names: what will be in it.
  init(besides target: String, names: [String]) throws(RunDirectoryError) {
    var attempt = 0
    while true {
      let name = TemporaryName.make(for: FilePath.lastComponent(of: target), attempt: attempt)
      let path = "\(FilePath.folder(of: target))/\(name)"
      if unsafe mkdir(path, 0o777) == 0 {
        self.path = path
        self.names = names
        return
      }
      guard errno == EEXIST, attempt < 100 else {
        throw .file(FileError(path: target, operation: "create", code: errno))
      }
      attempt += 1
    }
  }

  deinit {
    if isInPlace { return }
    for name in names { unsafe unlink("\(path)/\(name)") }
    unsafe rmdir(path)
  }

  /// - Returns: 0 or an errno.
  mutating func rename(to target: String) -> Int32 {
    guard unsafe Glibc.rename(path, target) == 0 else { return errno }
    isInPlace = true
    return 0
  }
}
