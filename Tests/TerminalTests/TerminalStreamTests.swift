import Glibc
import Terminal
import Testing

@Suite("Streams")
struct TerminalStreamTests {
  private static let plainEnvironment = TerminalEnvironment { _ in nil }

  @Test("a reader that goes away is no failure, and later text is dropped")
  func closedPipe() async {
    await #expect(processExitsWith: .exitCode(0)) {
      SignalHandling.install()
      var ends: [Int32] = [0, 0]
      guard unsafe pipe(&ends) == 0, close(ends[0]) == 0 else { exit(1) }
      let stream = TerminalStream(descriptor: ends[1], environment: TerminalEnvironment { _ in nil })
      stream.writeLine("nobody reads this")
      stream.writeLine("nor this")
      exit(stream.failure == nil ? 0 : 2)
    }
  }

  @Test("a full disk is a failure with the system's reason")
  func fullDisk() throws {
    let descriptor = open("/dev/full", O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let stream = TerminalStream(descriptor: descriptor, environment: Self.plainEnvironment)
    stream.write("")
    #expect(stream.failure == nil)
    stream.write("text")
    #expect(stream.failure == "No space left on device")
  }

  @Test("a pipe that is full for a while gets all of the text")
  func nonBlockingPipe() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    try #require(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0)
    let text = String(repeating: "0123456789abcde\n", count: 20_000)
    let writer = ends[1]
    let reader = ends[0]
    let thread = Thread {
      TerminalStream(descriptor: writer, environment: TerminalEnvironment { _ in nil }).write(text)
      close(writer)
    }
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe read(reader, &buffer, buffer.count)
      if count <= 0 { break }
      received += buffer[..<count]
    }
    thread.join()
    close(reader)
    #expect(received == Array(text.utf8))
  }

  @Test("a pipe is no terminal: no colour, no redrawing, COLUMNS or 80 wide")
  func pipeIsNoTerminal() throws {
    var ends: [Int32] = [0, 0]
    try #require(unsafe pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let stream = TerminalStream(descriptor: ends[1], environment: Self.plainEnvironment)
    #expect(!stream.isTerminal && !stream.canRedraw && !stream.style.isColoured)
    #expect(stream.size == (80, 24))
    let wide = TerminalStream(
      descriptor: ends[1], environment: TerminalEnvironment { $0 == "COLUMNS" ? "132" : nil })
    #expect(wide.size.columns == 132)
  }

  @Test("a terminal has colours, unless NO_COLOR or TERM=dumb say otherwise")
  func pseudoTerminal() throws {
    // TIOCSPTLCK and TIOCGPTN, by number: the C library's own functions for this are hidden from Swift.
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    var locked: Int32 = 0
    var number: Int32 = 0
    try #require(
      master >= 0 && ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
    let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(terminal >= 0)
    defer {
      close(terminal)
      close(master)
    }
    var window = winsize(ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0)
    try #require(ioctl(terminal, UInt(TIOCSWINSZ), &window) == 0)
    let environments: [([String: String], colour: Bool, redraw: Bool)] = [
      ([:], true, true), (["NO_COLOR": "1"], false, true), (["NO_COLOR": ""], true, true),
      (["TERM": "dumb"], false, false), (["TERM": "xterm", "COLUMNS": "40"], true, true),
    ]
    for (variables, colour, redraw) in environments {
      let stream = TerminalStream(descriptor: terminal, environment: TerminalEnvironment { variables[$0] })
      #expect(stream.style.isColoured == colour, "\(variables)")
      #expect(stream.canRedraw == redraw, "\(variables)")
      #expect(stream.size == (99, 33))
    }
  }
}

/// A thread that can be waited for.
private struct Thread: ~Copyable {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }
  private var handle = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Body(body))
    pthread_create(
      &handle, nil,
      { context in
        context.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
  }

  func join() {
    pthread_join(handle, nil)
  }
}
