internal import Glibc
internal import Synchronization

/// A wish to stop (^C, SIGTERM, a closed terminal) as a flag that long work looks at between its steps, so that it can
/// write a checkpoint first. The second wish ends the process at once, as if nothing had been installed.
package enum Interruption {
  /// Takes the signals over. Those that were ignored stay ignored: `nohup` and background jobs mean it. Those that were blocked
  /// are not: it is the threads of some starting programs that have them blocked, for themselves.
  package static func install() {
    // A first read initialises the flag, which a handler must not do.
    _ = isRequested
    for number in [SIGINT, SIGTERM, SIGHUP] where !SignalHandling.isIgnored(number) {
      // RESTART: it is the work that is asked to stop, not its reads and writes. (Waiting for a reader is never restarted.)
      SignalHandling.handle(number, flags: SA_RESTART, noteInterruption)
      SignalHandling.unblock(number)
    }
  }

  /// Whether a signal has come since `install`.
  package static var isRequested: Bool {
    requests.load(ordering: .relaxed) > 0
  }

  /// Ends the process as if nothing had been installed, where a signal has come: for work that has nothing to keep.
  package static func endIfRequested() {
    guard isRequested else { return }
    signal(SIGINT, SIG_DFL)
    raise(SIGINT)
  }

  fileprivate static let requests = Atomic<Int>(0)
}

private func noteInterruption(_ number: Int32) {
  let count = Interruption.requests.wrappingAdd(1, ordering: .relaxed).newValue
  guard count > 1 else { return }
  signal(number, SIG_DFL)
  raise(number)
}
