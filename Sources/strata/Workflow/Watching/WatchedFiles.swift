internal import Glibc
internal import Terminal
internal import Text

/// Files that an editor saves again and again, looked at from time to time: by name, because editors put new files in the place of
/// old ones.
struct WatchedFiles {
  private let paths: [String]
  /// Nil where there is no file at the moment: between two saves, say.
  private var stamps: [FileStamp?]

  /// Between two looks.
  private static let pauseMicroseconds: UInt32 = 100_000

  /// - Throws: what is read only once can't be watched.
  init(_ paths: [String]) throws(CommandFailure) {
    if let stream = paths.first(where: Paths.isStream) {
      throw CommandFailure(.faultyInput, "'--watch' watches files, and '\(stream)' is none")
    }
    self.paths = paths
    stamps = paths.map(FileStamp.init)
  }

  /// Waits for the next save.
  mutating func waitForChange() {
    while true {
      Interruption.endIfRequested()
      usleep(Self.pauseMicroseconds)
      let now = paths.map(FileStamp.init)
      guard now != stamps else { continue }
      stamps = now
      // A file that is being put in another's place comes with the next look.
      if !now.contains(nil) { return }
    }
  }
}

extension WatchedFiles {
  static let option = Flag("watch", "do it again whenever the file is saved, until ^C")

  /// Calls `body` now and behind each save; ends with the process.
  ///
  /// - Parameter body: in a session that has warned of nothing yet.
  static func run(
    _ paths: [String], _ session: Session, _ body: (Session) throws(CommandFailure) -> Void
  ) throws(CommandFailure) -> Never {
    var files = try WatchedFiles(paths)
    // Programs that start others may have their signals blocked, and this one would have no end.
    Interruption.install()
    while true {
      let fresh = Session(
        console: Console(output: session.output, diagnostics: session.diagnostics), json: session.json)
      fresh.warnings.isStrict = session.warnings.isStrict
      if session.output.canRedraw { session.output.writeProgress("\u{1B}[H\u{1B}[2J\u{1B}[3J") }
      do throws(CommandFailure) {
        try body(fresh)
      } catch {
        // The next save may mend it.
        session.diagnostics.write(error.text(session.diagnostics.style))
      }
      session.output.writeLine(
        session.output.style.dim("-- watching \(paths.joined(separator: ", ")); ^C ends it --"))
      // Nobody reads what a watch prints to a pipe that is closed.
      if session.output.isClosed { exit(ExitCode.done.rawValue) }
      files.waitForChange()
    }
  }
}
