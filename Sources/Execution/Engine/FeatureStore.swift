internal import Base
internal import Glibc
internal import Planning
internal import Synchronization

/// Why features can't be kept or read.
package struct FeatureError: Error {
  package let message: String

  init(isNoFile path: String) {
    message = "\(path): it is no file: what is in the place of the activation cache is not written over"
  }

  init(path: String, operation: String, code: Int32) {
    message = "\(path): cannot \(operation) features: \(unsafe String(cString: strerror(code)))"
  }
}

/// The file that features are kept in while their stage trains. Gone with the value.
final class FeatureFile {
  let path: String
  private let descriptor: Int32
  /// Why a read failed since it was last asked for; 0 for nothing.
  private let readFailure = Atomic<Int32>(0)

  /// Makes the file, in place of one that a run which was killed has left. Anything else under the name is refused: a link would lead
  /// out of the run's folder.
  init(path: String) throws(FeatureError) {
    self.path = path
    var status = stat()
    if unsafe lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { throw FeatureError(isNoFile: path) }
      // Never into the file that is there: it may have another name elsewhere.
      unsafe unlink(path)
    }
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FeatureError(path: path, operation: "keep", code: errno) }
  }

  deinit {
    unsafe unlink(path)
    close(descriptor)
  }

  /// Sets so much of the disk aside.
  func reserve(_ byteCount: Int) throws(FeatureError) {
    guard byteCount > 0 else { return }
    let code = posix_fallocate(descriptor, 0, off_t(byteCount))
    // File systems that can't set space aside find out while writing.
    guard code == 0 || code == EOPNOTSUPP || code == EINVAL else {
      throw FeatureError(path: path, operation: "keep", code: code)
    }
  }

  /// Gives back what lies behind.
  func truncate(to byteCount: Int) throws(FeatureError) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
      throw FeatureError(path: path, operation: "keep", code: errno)
    }
  }

  @unsafe func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(FeatureError) {
    do throws(TransferError) { try unsafe writeFully(descriptor, bytes, at: offset) } catch {
      throw FeatureError(path: path, operation: "keep", code: error.code)
    }
  }

  /// Any thread may read. What can't be read is zeros; `takeReadFailure` then says why.
  @unsafe func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) {
    var (done, code) = (0, EIO)
    do throws(TransferError) { done = try unsafe readFully(descriptor, into: target, at: offset) } catch {
      code = error.code
    }
    guard done < target.count else { return }
    // The file is shorter than what was written, or can't be read.
    readFailure.store(code, ordering: .relaxed)
    unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...]).initializeMemory(
      as: UInt8.self, repeating: 0)
  }

  /// Lets the system begin to read what will be asked for soon; returns at once.
  func readAhead(_ byteCount: Int, at offset: Int) {
    // Advice: where it can't be taken, the read itself takes the time.
    posix_fadvise(descriptor, off_t(offset), off_t(byteCount), POSIX_FADV_WILLNEED)
  }

  func takeReadFailure() -> FeatureError? {
    let code = readFailure.exchange(0, ordering: .relaxed)
    return code == 0 ? nil : FeatureError(path: path, operation: "read", code: code)
  }
}
