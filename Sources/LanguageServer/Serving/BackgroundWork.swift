internal import Glibc
internal import Synchronization

/// Two threads that do one thing after the other, and wake whoever waits for the results.
///
/// What is asked for under the name of something that has not begun takes its place: only the newest text is planned. What has begun
/// is finished; the other thread sees to it that the newest text does not wait for that.
final class BackgroundWork<Output: Sendable>: Sendable {
  private struct Job: Sendable {
    var name: String
    var body: @Sendable () -> Output
  }

  private struct State {
    var jobs: [Job] = []
    var results: [Output] = []
    var isEnding = false
  }

  private let state = Mutex(State())
  /// Raised while there is something to do.
  private let wakeUp: EventCounter
  /// Is raised for each result.
  private let finished: EventCounter

  /// - Parameter finished: raised behind each result.
  /// - Returns: nil where the system gives no thread.
  init?(finished: EventCounter) {
    guard let wakeUp = EventCounter() else { return nil }
    self.wakeUp = wakeUp
    self.finished = finished
    for _ in 0..<2 {
      guard startThread({ self.work() }) else {
        end()
        return nil
      }
    }
  }

  /// Has `body` called on one of the threads.
  func ask(_ name: String, _ body: @escaping @Sendable () -> Output) {
    state.withLock { state in
      state.jobs.removeAll { $0.name == name }
      state.jobs.append(Job(name: name, body: body))
    }
    wakeUp.raise()
  }

  func forget(_ name: String) {
    state.withLock { $0.jobs.removeAll { $0.name == name } }
  }

  func takeResults() -> [Output] {
    state.withLock { state in
      defer { state.results = [] }
      return state.results
    }
  }

  /// The threads end behind what they are at.
  func end() {
    state.withLock { $0.isEnding = true }
    wakeUp.raise()
  }

  private var hasJobs: Bool { state.withLock { !$0.jobs.isEmpty } }

  private func work() {
    while true {
      let (job, isEnding) = state.withLock { state -> (Job?, Bool) in
        guard !state.isEnding, !state.jobs.isEmpty else { return (nil, state.isEnding) }
        return (state.jobs.removeFirst(), false)
      }
      // The other one may have slept through it.
      if isEnding || hasJobs { wakeUp.raise() }
      if isEnding { return }
      guard let job else {
        wakeUp.wait()
        continue
      }
      let output = job.body()
      state.withLock { state in
        state.results.append(output)
      }
      finished.raise()
    }
  }
}

/// A bell that one thread rings and another waits for: a pipe, so that it can be waited for beside other descriptors.
final class EventCounter: Sendable {
  /// Readable once the bell was rung.
  let descriptor: Int32
  private let writing: Int32

  init?() {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return nil }
    (descriptor, writing) = (ends[0], ends[1])
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit {
    close(descriptor)
    close(writing)
  }

  /// A full pipe was rung often enough.
  func raise() {
    var byte: UInt8 = 1
    _ = unsafe write(writing, &byte, 1)
  }

  /// Takes what was raised.
  func clear() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while unsafe read(descriptor, &bytes, bytes.count) == bytes.count {}
  }

  /// Until it is raised.
  func wait() {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = unsafe poll(&waiting, 1, -1)
    clear()
  }
}

/// What a new thread runs, on its way there.
private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Planning goes deep into large networks.
private let threadStackByteCount = 8 << 20

/// - Returns: whether the system gives a thread.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  let start = unsafe Unmanaged.passRetained(ThreadBody(body))
  let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
  unsafe pthread_attr_init(attributes)
  defer {
    unsafe pthread_attr_destroy(attributes)
    unsafe attributes.deallocate()
  }
  unsafe pthread_attr_setstacksize(attributes, threadStackByteCount)
  unsafe pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
  var thread = pthread_t()
  let status = unsafe pthread_create(
    &thread, attributes,
    { argument in
      guard let argument = unsafe argument else { return nil }
      unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, start.toOpaque())
  if status != 0 { unsafe start.release() }
  return status == 0
}
