internal import Glibc
package import Text

/// One of the process's output streams, standard output or standard error: where text goes, and what shows there.
///
/// A reader that goes away (`strata ir net.yaml | head`) is no failure: the rest is dropped, and the command goes on
/// to the exit code that it would have had. This needs SIGPIPE to be ignored (`SignalHandling.install`).
package final class TerminalStream {
  private let descriptor: Int32
  package let isTerminal: Bool
  package let style: TextStyle
  /// Its reader is gone, or writing has failed: what is written is dropped.
  package private(set) var isClosed = false
  /// Its reader took nothing when it was last asked to.
  private var isAsleep = false
  /// Why text was lost, in the system's words: a full disk, say; nil while all went well.
  package private(set) var failure: String?

  /// - Parameters:
  ///   - descriptor: an open file descriptor; it stays open.
  ///   - environment: the values of `NO_COLOR` and `TERM`.
  package init(descriptor: Int32, environment: TerminalEnvironment) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) == 1
    style = TextStyle(isColoured: isTerminal && !environment.forbidsColour)
    canRedraw = isTerminal && !environment.isDumb
    fallbackColumns = environment.columns
  }

  /// Whether lines that were written can be written over: a terminal that knows cursor movements.
  package let canRedraw: Bool
  private let fallbackColumns: Int?

  /// Columns and rows as they are now; `COLUMNS`, then 80 by 24, where the stream is no terminal.
  package var size: (columns: Int, rows: Int) {
    var window = winsize()
    let answer = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window)
    let known = isTerminal && answer == 0
    return (
      known && window.ws_col > 0 ? Int(window.ws_col) : fallbackColumns ?? 80,
      known && window.ws_row > 0 ? Int(window.ws_row) : 24
    )
  }

  /// Writes `text` at once, with nothing held back, and waits for a reader that is slow. After the first failure nothing more is
  /// written. Control characters, which come from names and contents of files, are spelled out; colours stay where the stream has
  /// them.
  package func write(_ text: String) {
    write(ControlCharacters.spelledOut(text, keepingStyles: style.isColoured)) {
      // Whoever wants the process to end does not wait for a reader that has fallen asleep.
      Interruption.isRequested ? Self.patienceMilliseconds : nil
    }
  }

  /// Writes a line over the one that is there; nothing where that is not possible. An empty one leaves nothing.
  package func rewriteLine(_ text: String) {
    guard canRedraw else { return }
    writeProgress("\r\u{1B}[K" + ControlCharacters.spelledOut(text, keepingStyles: true))
  }

  /// Writes what may be lost: a reader that takes nothing for a second, a stopped terminal say, holds nothing up. What comes while
  /// it sleeps is dropped.
  package func writeProgress(_ text: String) {
    write(text) { self.isAsleep ? 0 : Self.patienceMilliseconds }
  }

  private static let patienceMilliseconds: Int32 = 1000
  /// Bytes for which a pipe has room once it says that it has any (Linux' PIPE_BUF): a write of no more never blocks.
  private static let pieceByteCount = 4096

  /// - Parameter patience: milliseconds to wait for the reader, asked again and again; nil for ever.
  private func write(_ text: String, patience: () -> Int32?) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count, !isClosed {
        guard waitForReader(patience) else {
          isAsleep = true
          return
        }
        isAsleep = false
        let count = min(bytes.count - offset, Self.pieceByteCount)
        let written = unsafe Glibc.write(descriptor, bytes.baseAddress! + offset, count)
        if written >= 0 {
          offset += written
        } else if errno != EINTR, errno != EAGAIN {
          if errno != EPIPE { failure = unsafe String(cString: strerror(errno)) }
          isClosed = true
        }
      }
    }
  }

  /// - Returns: false if the reader takes nothing for longer than `patience`.
  private func waitForReader(_ patience: () -> Int32?) -> Bool {
    // Asked about no descriptor, the system waits for ever.
    guard descriptor >= 0 else { return true }
    let slice: Int32 = 50
    var waited: Int32 = 0
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let limit = patience()
      let answer = unsafe poll(&waiting, 1, limit.map { max(0, min(slice, $0 - waited)) } ?? slice)
      // Errors and a closed pipe are told by the write itself; files are always ready.
      if answer > 0 || (answer < 0 && errno != EINTR) { return true }
      // A signal cuts the wait short, so that there is a next one.
      waited += answer == 0 ? slice : 1
      if let limit, waited >= limit { return false }
    }
  }

  /// Writes `text` and a line end.
  package func writeLine(_ text: String) {
    write(text + "\n")
  }
}

/// What the environment says about output; read once, when the program starts.
package struct TerminalEnvironment: Hashable, Sendable {
  /// `NO_COLOR` is set and not empty, or the terminal is dumb.
  package var forbidsColour: Bool
  /// `TERM=dumb`: text and line ends only.
  package var isDumb: Bool
  /// `COLUMNS`, for output that goes to no terminal.
  package var columns: Int?

  /// - Parameter variable: gives the value of an environment variable, nil if it is not set.
  package init(variable: (String) -> String?) {
    isDumb = variable("TERM") == "dumb"
    forbidsColour = isDumb || !(variable("NO_COLOR") ?? "").isEmpty
    columns = variable("COLUMNS").flatMap { Int($0) }.flatMap { (20...10_000).contains($0) ? $0 : nil }
  }

  /// The environment of this process.
  package static var current: TerminalEnvironment {
    TerminalEnvironment { name in unsafe getenv(name).map { unsafe String(cString: $0) } }
  }
}

/// The two streams of a command: its result goes to `output`; diagnostics and progress go to `diagnostics`. And what it has
/// warned of so far.
package struct Console {
  package let output: TerminalStream
  package let diagnostics: TerminalStream
  package let warnings = WarningLog()

  package init(output: TerminalStream, diagnostics: TerminalStream) {
    self.output = output
    self.diagnostics = diagnostics
  }

  /// Standard output and standard error.
  package static func standard(_ environment: TerminalEnvironment) -> Console {
    Console(
      output: TerminalStream(descriptor: STDOUT_FILENO, environment: environment),
      diagnostics: TerminalStream(descriptor: STDERR_FILENO, environment: environment))
  }

  /// Columns for running text: the terminal's, but no more than are comfortable to read.
  package var textWidth: Int {
    min(100, max(40, output.size.columns))
  }
}
