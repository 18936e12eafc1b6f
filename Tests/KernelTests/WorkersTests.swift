import Glibc
import Kernels
import TestSupport
import Testing

@Suite("The pool of threads")
struct WorkersTests {
  @Test(arguments: [1, 2, 3, 8])
  func everyItemRunsOnce(_ count: Int) {
    let workers = Workers(count: count)
    let runs = UnsafeMutablePointer<Int>.allocate(capacity: 1001)
    defer { runs.deallocate() }
    var eachOnce = true
    for round in 0..<2000 {
      let items = round % 40 == 0 ? 1000 : round % 40
      runs.initialize(repeating: 0, count: 1001)
      workers.forEach(items) { item, worker in
        precondition(worker >= 0 && worker < count)
        runs[item] += 1
      }
      for item in 0..<items where runs[item] != 1 { eachOnce = false }
      if runs[items] != 0 { eachOnce = false }
      if round % 500 == 0 { usleep(2000) }  // long enough for the helpers to fall asleep
    }
    #expect(eachOnce)
  }

  @Test func denormalsAreFlushedWhileWorkRuns() {
    let tiny = Float.leastNormalMagnitude
    let results = AlignedBuffer<Float>(count: 64)
    let divisor = AlignedBuffer<Float>((0..<64).map { Float($0 + 2) })
    Workers(count: 3).forEach(64) { item, _ in results.pointer[item] = tiny / divisor.pointer[item] }
    #expect(results.elements.allSatisfy { $0 == 0 })
    // The caller's own mode is back.
    #expect(tiny / divisor[0] != 0)
  }

  @Test func theCallersOwnWorkIsFlushedToo() {
    let tiny = Float.leastNormalMagnitude
    let divisor = AlignedBuffer<Float>([2] as [Float])
    #expect(Workers(count: 1).flushingDenormals { tiny / divisor[0] } == 0)
    #expect(tiny / divisor[0] != 0)
  }

  @Test func nestedWorkTraps() async {
    await #expect(processExitsWith: .failure) {
      let workers = Workers(count: 2)
      workers.forEach(2) { _, _ in workers.forEach(2) { _, _ in } }
    }
  }
}
