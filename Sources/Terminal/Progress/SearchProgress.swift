internal import Text

/// One line on a terminal that tells of a search while it goes on, and is gone when it ends; nothing elsewhere. A search that is
/// over at once shows nothing.
package final class SearchProgress {
  private let stream: TerminalStream
  private let start = monotonicSeconds()
  private var lastSeconds = -Double.infinity
  private var isShown = false

  private static let patienceSeconds = 0.3
  private static let frameSeconds = 0.1

  package init(on stream: TerminalStream) {
    self.stream = stream
  }

  /// Cheap enough for every step: `text` is asked for only when something is drawn.
  package func note(_ text: () -> String) {
    let now = monotonicSeconds()
    guard stream.canRedraw, now - start >= Self.patienceSeconds, now - lastSeconds >= Self.frameSeconds
    else { return }
    lastSeconds = now
    isShown = true
    let room = max(1, stream.size.columns - 1)
    stream.writeProgress("\r\(text().prefix(room))\u{1B}[K")
  }

  /// Takes the line away.
  package func finish() {
    guard isShown else { return }
    isShown = false
    stream.writeProgress("\r\u{1B}[K")
  }
}
