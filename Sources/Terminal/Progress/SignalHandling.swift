internal import Glibc

/// What the process does on signals. Handlers run between any two instructions, so they do nothing but `write`,
/// `signal`, `raise`, `mmap` and `_exit`, on data that exists before they are installed.
package enum SignalHandling {
  /// Makes traps end in one line and exit code 70, and writes to a closed pipe, or past the largest size that a file may have,
  /// fail instead of killing the process.
  package static func install() {
    fillStandardStreams()
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    installAlternateStack()
    // ABRT: what libraries raise that get no memory.
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      // ONSTACK: a stack that ran over has no room for its own report. RESETHAND: a fault in here ends the process.
      handle(number, flags: SA_ONSTACK | Int32(bitPattern: UInt32(SA_RESETHAND)), reportInternalError)
    }
  }

  /// Whoever started the process may have closed its standard streams. The next file to be opened would get such a number, and
  /// every diagnostic would go into that file.
  private static func fillStandardStreams() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
      // For reading: to write there fails, as to a closed stream.
      _ = unsafe open("/dev/null", O_RDONLY)
    }
  }

  // Below, C's structs are reached through pointers alone. Whether the compiler counts such a struct as unsafe by itself
  // depends on the order in which it reads the files, and its warnings with it; a pointer always counts.

  /// Makes `handler` answer `number` from now on.
  static func handle(_ number: Int32, flags: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    let action = UnsafeMutablePointer<sigaction>.allocate(capacity: 1)
    defer { unsafe action.deallocate() }
    unsafe action.initialize(to: sigaction())
    unsafe action.pointee.__sigaction_handler.sa_handler = handler
    unsafe action.pointee.sa_flags = flags
    unsafe sigaction(number, action, nil)
  }

  /// Whether the process was started with `number` ignored, as `nohup` and shells do for background jobs.
  static func isIgnored(_ number: Int32) -> Bool {
    let action = UnsafeMutablePointer<sigaction>.allocate(capacity: 1)
    defer { unsafe action.deallocate() }
    unsafe action.initialize(to: sigaction())
    unsafe sigaction(number, nil, action)
    // `SIG_IGN` is the number 1; function pointers compare in no other way.
    return unsafe unsafeBitCast(action.pointee.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Lets `number` through to the calling thread.
  static func unblock(_ number: Int32) {
    let signals = UnsafeMutablePointer<sigset_t>.allocate(capacity: 1)
    defer { unsafe signals.deallocate() }
    unsafe sigemptyset(signals)
    unsafe sigaddset(signals, number)
    unsafe pthread_sigmask(SIG_UNBLOCK, signals, nil)
  }

  /// The stack itself is never freed: it serves until the process ends.
  private static func installAlternateStack() {
    let byteCount = 64 << 10
    let stack = UnsafeMutablePointer<stack_t>.allocate(capacity: 1)
    defer { unsafe stack.deallocate() }
    unsafe stack.initialize(to: stack_t())
    unsafe stack.pointee.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    unsafe stack.pointee.ss_size = byteCount
    unsafe sigaltstack(stack, nil)
  }
}

/// Whether the process has come up against a limit of its addresses, so that not even a small piece of memory is to be had.
/// Under no such limit there are always addresses.
private func areAddressesUsedUp() -> Bool {
  let byteCount = 16 << 20
  let piece = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard unsafe piece != MAP_FAILED else { return true }
  _ = unsafe munmap(piece, byteCount)
  return false
}

private func reportInternalError(_ number: Int32) {
  if areAddressesUsedUp() {
    let line: StaticString =
      "strata: error: the address space is too small (ulimit -v, ulimit -d): the system gives no more memory\n"
    _ = unsafe write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
    _exit(ExitCode.failed.rawValue)
  }
  let line: StaticString =
    switch number {
    case SIGSEGV, SIGBUS:
      "strata: internal error: invalid memory access; please report the command line and the spec\n"
    case SIGABRT: "strata: internal error: a library gave up; please report the command line and the spec\n"
    case SIGFPE: "strata: internal error: invalid arithmetic; please report the command line and the spec\n"
    case _: "strata: internal error: a check of its own failed; please report the command line and the spec\n"
    }
  _ = unsafe write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
  _exit(ExitCode.internalError.rawValue)
}
