internal import Glibc

extension LanguageServer {
  /// Bytes that are read at once.
  private static let portionByteCount = 1 << 16
  /// What is read before it is worked on: of many edits in a row only the last text is looked at.
  private static let mostUnworkedByteCount = 1 << 22
  /// How often it is looked whether the client is still there, in milliseconds.
  private static let watchMilliseconds: Int32 = 5000

  /// Serves until the client says `exit`, or is gone.
  ///
  /// - Returns: the exit code: 0 after `shutdown` and `exit`, else 1.
  package func serve(input: Int32, output: Int32) -> Int32 {
    var portion = [UInt8](repeating: 0, count: Self.portionByteCount)
    while true {
      var waiting = [
        pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        pollfd(fd: finished.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      let answer = unsafe poll(&waiting, 2, Self.watchMilliseconds)
      if answer < 0, errno != EINTR { return 1 }
      if answer == 0, !isClientThere { return 1 }
      if answer > 0, waiting[0].revents != 0 { readAll(input, &portion) }
      work()
      guard write(takeOutbox(), to: output) else { return 1 }
      if let exitCode { return exitCode }
    }
  }

  /// Reads all that is there, up to a limit.
  private func readAll(_ input: Int32, _ portion: inout [UInt8]) {
    var byteCount = 0
    while byteCount < Self.mostUnworkedByteCount {
      let count = unsafe read(input, &portion, portion.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return receiveEnd() }
      byteCount += count
      receive(portion[..<count])
      var more = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&more, 1, 0) > 0, more.revents & Int16(POLLIN) != 0 else { return }
    }
  }

  /// Whether the process that started the server is still there; true where it is not known.
  private var isClientThere: Bool {
    guard let processID = settings.processID, let number = Int32(exactly: processID), number > 0 else {
      return true
    }
    return kill(number, 0) == 0 || errno == EPERM
  }

  /// - Returns: whether all of it was taken.
  private func write(_ bytes: [UInt8], to output: Int32) -> Bool {
    var offset = 0
    while offset < bytes.count {
      let count = unsafe bytes[offset...].withUnsafeBytes {
        unsafe Glibc.write(output, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EAGAIN {
        var waiting = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&waiting, 1, -1)
      } else if count < 0, errno != EINTR {
        return false
      }
      offset += max(0, count)
    }
    return true
  }
}
