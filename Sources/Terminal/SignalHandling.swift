internal import Glibc

/// What the process does on signals. Handlers run between any two instructions, so they do nothing but `write`,
/// `signal`, `raise` and `_exit`, on data that exists before they are installed.
package enum SignalHandling {
  /// Makes traps end in one line and exit code 70, and writes to a closed pipe fail instead of killing the process.
  /// With `SWIFT_BACKTRACE` in the environment traps stay with the toolchain's own crash report.
  package static func install() {
    signal(SIGPIPE, SIG_IGN)
    guard unsafe getenv("SWIFT_BACKTRACE") == nil else { return }
    installAlternateStack()
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE] {
      var action = unsafe sigaction()
      unsafe action.__sigaction_handler.sa_handler = reportInternalError
      // ONSTACK: a stack that ran over has no room for its own report. RESETHAND: a fault in here ends the process.
      unsafe action.sa_flags = SA_ONSTACK | Int32(bitPattern: UInt32(SA_RESETHAND))
      unsafe sigaction(number, &action, nil)
    }
  }

  /// Never freed: it serves until the process ends.
  private static func installAlternateStack() {
    let byteCount = 64 << 10
    var stack = unsafe stack_t()
    unsafe stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    unsafe stack.ss_size = byteCount
    unsafe sigaltstack(&stack, nil)
  }
}

private func reportInternalError(_ number: Int32) {
  let line: StaticString =
    switch number {
    case SIGSEGV, SIGBUS:
      "strata: internal error: invalid memory access; please report it with the command line and the spec\n"
    case SIGFPE:
      "strata: internal error: invalid arithmetic; please report it with the command line and the spec\n"
    case _:
      "strata: internal error: a check of the program's own failed; please report it with the command line and the spec\n"
    }
  _ = unsafe write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
  _exit(ExitCode.internalError.rawValue)
}
