import Glibc
import Terminal
import TestSupport
import Testing

/// Each test body runs in a process of its own: signal handlers belong to the whole process.
@Suite("Signals")
struct SignalTests {
  @Test("a trap is reported in one line and ends with 70")
  func trap() async {
    let result = await #expect(
      processExitsWith: .exitCode(ExitCode.internalError.rawValue), observing: [\.standardErrorContent]
    ) {
      SignalHandling.install()
      let count = CommandLine.arguments.count
      precondition(count < 0, "a check that fails")
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(
      text.hasSuffix(
        "strata: internal error: a check of its own failed; please report the command line and the spec\n"))
  }

  @Test("so is a library that gives up; where addresses are used up, that is what is told")
  func abort() async {
    await #expect(processExitsWith: .exitCode(ExitCode.internalError.rawValue)) {
      SignalHandling.install()
      Glibc.abort()
    }
    guard !Sanitizer.isOn else { return }
    let result = await #expect(
      processExitsWith: .exitCode(ExitCode.failed.rawValue), observing: [\.standardErrorContent]
    ) {
      SignalHandling.install()
      var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
      Glibc.abort()
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.hasSuffix("the system gives no more memory\n") && text.contains("ulimit -v"), "\(text)")
  }

  @Test("so is a stack that runs over")
  func stackOverflow() async {
    await #expect(processExitsWith: .exitCode(ExitCode.internalError.rawValue)) {
      SignalHandling.install()
      // Through a variable, so that no optimiser makes a loop of it.
      var descend: (Int) -> Int = { $0 }
      descend = { depth in depth == .max ? 0 : descend(depth + 1) &+ depth }
      print(descend(CommandLine.arguments.count))
    }
  }

  @Test("the first wish to stop is a flag, the second ends the process")
  func interruption() async {
    await #expect(processExitsWith: .exitCode(0)) {
      makeSignalsArrive(SIGINT, SIGTERM)
      Interruption.install()
      guard !Interruption.isRequested else { exit(1) }
      raise(SIGINT)
      exit(Interruption.isRequested ? 0 : 1)
    }
    await #expect(processExitsWith: .signal(SIGTERM)) {
      makeSignalsArrive(SIGINT, SIGTERM)
      Interruption.install()
      raise(SIGINT)
      raise(SIGTERM)
    }
  }

  @Test("a signal that was ignored from the start stays ignored")
  func ignored() async {
    await #expect(processExitsWith: .exitCode(0)) {
      makeSignalsArrive(SIGHUP)
      signal(SIGHUP, SIG_IGN)
      Interruption.install()
      raise(SIGHUP)
      exit(Interruption.isRequested ? 1 : 0)
    }
  }
}

/// Whoever started the tests may have had signals ignored, and the threads that tests run on have most of them blocked.
private func makeSignalsArrive(_ numbers: Int32...) {
  var set = sigset_t()
  sigemptyset(&set)
  for number in numbers {
    sigaddset(&set, number)
    signal(number, SIG_DFL)
  }
  pthread_sigmask(SIG_UNBLOCK, &set, nil)
}
