import Glibc
import Synchronization

/// The system does not start as many threads as were asked for: a limit of processes (`ulimit -u`, `pids.max`), or no room for
/// their stacks.
package struct WorkersRefused: Error, Hashable, Sendable {
  /// Workers, the calling thread among them.
  package let wanted, started: Int
  /// The errno.
  package let code: Int32
}

/// A fixed set of threads that share out numbered items of work. The thread that calls is worker 0.
///
/// While items run, denormals count as zero on every worker and results that would be denormal are flushed to it (they
/// cost up to 40 times a normal number's arithmetic); the caller's mode is put back afterwards. OpenBLAS runs each product
/// on the thread that asks for it.
package final class Workers: Sendable {
  package let count: Int
  private nonisolated(unsafe) let pool: UnsafeMutablePointer<Pool>
  private nonisolated(unsafe) let threads: UnsafeMutablePointer<pthread_t>
  /// Only ever set while work is done, so that its order does not matter.
  private let hasSeenNotFinite = Atomic<Bool>(false)

  /// Starts `count - 1` threads, for whoever cannot go on without them: traps where the system refuses one. The program itself
  /// uses `init(starting:)`.
  package convenience init(count: Int) {
    do throws(WorkersRefused) { try self.init(starting: count) } catch {
      preconditionFailure("the system refuses a thread")
    }
  }

  /// Starts `count - 1` threads; where the system refuses one, none is left.
  package init(starting count: Int) throws(WorkersRefused) {
    precondition(count >= 1 && count <= Pool.maximumWorkers, "the plan gives between 1 and 1024 workers")
    setSingleThreadedBLAS()
    let pool = UnsafeMutablePointer<Pool>.allocate(capacity: 1)
    pool.initialize(to: Pool(helpers: count - 1))
    let threads = UnsafeMutablePointer<pthread_t>.allocate(capacity: count)
    for helper in 0..<count - 1 {
      let start = UnsafeMutablePointer<HelperStart>.allocate(capacity: 1)
      start.initialize(to: HelperStart(pool: pool, helper: helper))
      var thread = pthread_t()
      let status = pthread_create(&thread, nil, helperMain, start)
      guard status == 0 else {
        start.deallocate()
        Self.stop(pool, threads, helperCount: helper)
        throw WorkersRefused(wanted: count, started: helper + 1, code: status)
      }
      (threads + helper).initialize(to: thread)
    }
    self.count = count
    self.pool = pool
    self.threads = threads
  }

  deinit { Self.stop(pool, threads, helperCount: count - 1) }

  private static func stop(
    _ pool: UnsafeMutablePointer<Pool>, _ threads: UnsafeMutablePointer<pthread_t>, helperCount: Int
  ) {
    pool.pointee.stop()
    for helper in 0..<helperCount { pthread_join(threads[helper], nil) }
    threads.deallocate()
    pool.deinitialize(count: 1)
    pool.deallocate()
  }

  func noteNotFinite() { hasSeenNotFinite.store(true, ordering: .relaxed) }

  /// Whether an update or a running statistic has become infinite or NaN since the last call.
  package func takeNotFinite() -> Bool {
    guard hasSeenNotFinite.load(ordering: .relaxed) else { return false }
    hasSeenNotFinite.store(false, ordering: .relaxed)
    return true
  }

  /// Runs `body` on the calling thread as items run: denormals count as zero.
  package func flushingDenormals<Result>(_ body: () -> Result) -> Result {
    let mode = FloatingPointMode.flushDenormals()
    defer { mode.restore() }
    return body()
  }

  /// Runs `body(item, worker)` once for each item of `0..<items`, `worker` in `0..<count`, and returns when all have run.
  /// Items are claimed in order, by whoever is free. A single item runs on the caller. Not to be called from within `body`,
  /// nor from two threads at a time (it traps). Costs one to three microseconds. Where several workers share several items, the
  /// closure takes a few words of memory, which are given back before this returns; else nothing is allocated.
  package func forEach(_ items: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
    guard items > 0 else { return }
    let mode = FloatingPointMode.flushDenormals()
    defer { mode.restore() }
    if items == 1 || count == 1 {
      for item in 0..<items { body(item, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      // A closure by itself would be wrapped once more, in memory of its own.
      withUnsafePointer(to: Pool.Work(body: body)) { pool.pointee.run(items: items, $0) }
    }
  }
}

private struct HelperStart {
  let pool: UnsafeMutablePointer<Pool>
  let helper: Int
}

private func helperMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let start = argument!.assumingMemoryBound(to: HelperStart.self)
  let (pool, helper) = (start.pointee.pool, start.pointee.helper)
  start.deallocate()
  _ = FloatingPointMode.flushDenormals()
  pool.pointee.help(as: helper)
  return nil
}

/// What the caller and its helpers share. One job at a time: the caller fills in the job, opens it, works on it, closes it,
/// and waits for those helpers that joined. Helpers that were late find it closed and do nothing, so a small job does not
/// wait for a sleeping thread.
private struct Pool: ~Copyable {
  static let maximumWorkers = 1024
  /// How often a waiting thread looks before it sleeps: some tens of microseconds.
  private static let spins = 20_000

  struct Work {
    let body: (_ item: Int, _ worker: Int) -> Void
  }
  /// Written while no job is open, read by those who joined one.
  private let job: UnsafeMutablePointer<Job>
  private struct Job {
    var work: UnsafePointer<Work>?
    var items = 0
  }

  /// `state`: bits 0 to 14 count the helpers that joined, bit 15 is set while the job is open, bit 16 tells helpers to end,
  /// the rest is the job's number.
  private static let open: UInt64 = 1 << 15
  private static let stopping: UInt64 = 1 << 16
  private static let joined: UInt64 = open - 1
  private static let jobUnit: UInt64 = 1 << 17
  private let state = Atomic<UInt64>(0)
  private let nextItem = Atomic<Int>(0)
  private let isBusy = Atomic<Bool>(false)
  private let caller = Sleeper()
  private let sleepers: UnsafeMutablePointer<Sleeper>
  private let helperCount: Int

  init(helpers: Int) {
    helperCount = helpers
    job = .allocate(capacity: 1)
    job.initialize(to: Job())
    sleepers = .allocate(capacity: max(1, helpers))
    for helper in 0..<helpers { (sleepers + helper).initialize(to: Sleeper()) }
  }

  deinit {
    for helper in 0..<helperCount { (sleepers + helper).deinitialize(count: 1) }
    sleepers.deallocate()
    job.deallocate()
  }

  func run(items: Int, _ lent: UnsafePointer<Work>) {
    precondition(!isBusy.exchange(true, ordering: .acquiring), "one job at a time, and none within another")
    job.pointee = Job(work: lent, items: items)
    nextItem.store(0, ordering: .relaxed)
    let number = (state.load(ordering: .relaxed) & ~(Self.jobUnit - 1)) &+ Self.jobUnit
    state.store(number | Self.open, ordering: .sequentiallyConsistent)
    for helper in 0..<min(helperCount, items - 1) { sleepers[helper].wake() }
    work(as: 0)
    let closed = state.bitwiseAnd(~Self.open, ordering: .sequentiallyConsistent).newValue
    if closed & Self.joined != 0 {
      caller.wait(spins: Self.spins) { state.load(ordering: .sequentiallyConsistent) & Self.joined == 0 }
    }
    isBusy.store(false, ordering: .releasing)
  }

  private func work(as worker: Int) {
    let (body, items) = (job.pointee.work!.pointee.body, job.pointee.items)
    while true {
      let item = nextItem.add(1, ordering: .relaxed).oldValue
      if item >= items { return }
      body(item, worker)
    }
  }

  /// A helper's life: wait for a job to open, join it, work, leave.
  func help(as helper: Int) {
    var lastJob: UInt64 = 0
    while true {
      var seen: UInt64 = 0
      sleepers[helper].wait(spins: Self.spins) {
        seen = state.load(ordering: .sequentiallyConsistent)
        return seen & Self.stopping != 0 || (seen & Self.open != 0 && seen / Self.jobUnit != lastJob)
      }
      if seen & Self.stopping != 0 { return }
      let (exchanged, _) = state.compareExchange(
        expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
      guard exchanged else { continue }
      lastJob = seen / Self.jobUnit
      work(as: helper + 1)
      let left = state.subtract(1, ordering: .sequentiallyConsistent).newValue
      if left & (Self.joined | Self.open) == 0 { caller.wake() }
    }
  }

  func stop() {
    state.bitwiseOr(Self.stopping, ordering: .sequentiallyConsistent)
    for helper in 0..<helperCount { sleepers[helper].wake() }
  }
}

/// One thread's bed: it looks for its condition for a while, then sleeps until it is woken.
private struct Sleeper: ~Copyable {
  private let isAsleep = Atomic<Bool>(false)
  private let bell: UnsafeMutablePointer<sem_t>

  init() {
    bell = .allocate(capacity: 1)
    bell.initialize(to: sem_t())
    precondition(sem_init(bell, 0, 0) == 0, "the system refuses a semaphore")
  }

  deinit {
    sem_destroy(bell)
    bell.deallocate()
  }

  /// Returns once `condition` holds. Whoever makes it true calls `wake` afterwards.
  func wait(spins: Int, until condition: () -> Bool) {
    for _ in 0..<spins where condition() { return }
    while true {
      isAsleep.store(true, ordering: .sequentiallyConsistent)
      if condition() {
        // Whoever took the flag down has rung, or is about to: that ring must not be left for the next time.
        if !isAsleep.exchange(false, ordering: .sequentiallyConsistent) { ring() }
        return
      }
      ring()
      if condition() { return }
    }
  }

  private func ring() {
    while sem_wait(bell) != 0 {}
  }

  func wake() {
    if isAsleep.exchange(false, ordering: .sequentiallyConsistent) { sem_post(bell) }
  }
}

/// The calling thread's treatment of denormal numbers.
private struct FloatingPointMode {
  #if arch(x86_64)
    private let previous: UInt32

    /// Sets flush-to-zero (bit 15 of MXCSR) and denormals-are-zero (bit 6).
    static func flushDenormals() -> FloatingPointMode {
      var environment = fenv_t()
      fegetenv(&environment)
      let previous = environment.__mxcsr
      if previous & 0x8040 != 0x8040 {
        environment.__mxcsr = previous | 0x8040
        fesetenv(&environment)
      }
      return FloatingPointMode(previous: previous)
    }

    func restore() {
      guard previous & 0x8040 != 0x8040 else { return }
      var environment = fenv_t()
      fegetenv(&environment)
      environment.__mxcsr = (environment.__mxcsr & ~0x8040) | (previous & 0x8040)
      fesetenv(&environment)
    }
  #else
    private let previous: UInt64

    /// Sets FZ (bit 24 of FPCR).
    static func flushDenormals() -> FloatingPointMode {
      var environment = fenv_t()
      fegetenv(&environment)
      let previous = UInt64(environment.__fpcr)
      environment.__fpcr |= 1 << 24
      fesetenv(&environment)
      return FloatingPointMode(previous: previous)
    }

    func restore() {
      var environment = fenv_t()
      fegetenv(&environment)
      environment.__fpcr = numericCast(previous)
      fesetenv(&environment)
    }
  #endif
}
