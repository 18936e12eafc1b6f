import Kernels
import Testing

struct KernelBenchmarkTests {
  @Test func measuresEveryKernelOnce() {
    var reported: [KernelMeasurement] = []
    let rows = benchmarkKernels(workers: Workers(count: 2), secondsPerKernel: 0) { reported.append($0) }
    #expect(rows == reported)
    #expect(rows.first?.kernel == "product")
    #expect(rows.first?.shareOfProduct == 1)
    #expect(rows.allSatisfy { $0.seconds > 0 && $0.gigabytesPerSecond > 0 })
    #expect(rows.count == Set(rows.map { $0.kernel + $0.shape }).count)
    #expect(rows.contains { $0.kernel.hasPrefix("convolution weight-gradient (winograd-4x4)") })
    #expect(rows.allSatisfy { $0.timesOneWorker ?? 0 > 0 })
  }

  @Test func aSingleWorkerIsHeldAgainstNoOther() {
    let rows = benchmarkKernels(workers: Workers(count: 1), secondsPerKernel: 0)
    #expect(!rows.isEmpty && rows.allSatisfy { $0.timesOneWorker == nil })
  }
}
