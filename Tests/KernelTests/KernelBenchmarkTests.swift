import CostModel
import Glibc
import Kernels
import Testing

struct KernelBenchmarkTests {
  @Test func measuresEveryKernelOnce() {
    var reported: [KernelMeasurement] = []
    let rows = benchmarkKernels(workers: Workers(count: 2), secondsPerKernel: 0) { reported.append($0) }
    #expect(rows == reported)
    #expect(rows.first?.kernel == "product")
    #expect(rows.allSatisfy { $0.seconds > 0 && $0.gigabytesPerSecond > 0 })
    #expect(rows.count == Set(rows.map { $0.kernel + $0.shape }).count)
    #expect(rows.contains { $0.kernel.hasPrefix("convolution weight-gradient (winograd-4x4)") })
    #expect(rows.allSatisfy { $0.timesOneWorker ?? 0 > 0 })
  }

  @Test func aSingleWorkerIsHeldAgainstNoOther() {
    let rows = benchmarkKernels(workers: Workers(count: 1), secondsPerKernel: 0)
    #expect(!rows.isEmpty && rows.allSatisfy { $0.timesOneWorker == nil })
  }

  /// Rates times times give the amounts back.
  @Test func figuresAreOfWhatIsDone() throws {
    let rows = benchmarkKernels(
      workers: Workers(count: 2), secondsPerKernel: 0,
      where: { $0.hasPrefix("batch norm") || $0 == "convolution forward (winograd-4x4)" })
    let floats = 128.0 * 32 * 32 * 64
    for (kernel, sweeps) in [("training", 2.0), ("backward", 3), ("inference", 2)] {
      let row = try #require(rows.first { $0.kernel == "batch norm \(kernel)" })
      #expect(abs(row.gigabytesPerSecond * row.seconds - 4e-9 * sweeps * floats) < 1e-9, "\(kernel)")
    }
    let row = try #require(rows.first { $0.shape == "128x32x32x64 to 64, 3x3" })
    let (share, executed) = try (#require(row.shareOfProduct), #require(row.executedShare))
    // 36 products for a tile of 16 outputs, which the plain algorithm takes 144 for.
    #expect(abs(executed / share - 0.25) < 1e-9)
  }

  @Test func everyWorkerHasItsProduct() throws {
    let row = try #require(
      benchmarkKernels(workers: Workers(count: 40), secondsPerKernel: 0, where: { _ in false }).first)
    let work = try #require(row.gigaflopsPerSecond) * row.seconds
    #expect(abs(work - 2e-9 * 40 * 512 * 512 * 512) < 1e-6)
  }

  @Test func calibrationHasScratchForManyWorkers() {
    var profile = MachineProfile(processor: "", threads: 64, secondsPerCall: 0)
    let kind = WorkKind.convolution(.inputGradient, .im2col)
    calibrateKernels(workers: Workers(count: 64), into: &profile, kinds: [kind], secondsPerPoint: 0)
    #expect(profile.points(of: kind).count > 6)
  }

  @Test(arguments: [1, 3, 50])
  func rooflineStaysInItsMemory(workers: Int) {
    for byteCount in [rooflineByteCount(workers: workers), 9 << 20] {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount + 64, alignment: 64)
      defer { memory.deallocate() }
      memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
      guard byteCount >= rooflineByteCount(workers: workers) else { continue }
      let roofline = measureRoofline(
        workers: Workers(count: workers), in: UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]),
        seconds: 0)
      #expect(memory[byteCount...].allSatisfy { $0 == 0xA5 })
      #expect(roofline.source == .measured)
      #expect(roofline.multiplyAddsPerSecond > 0 && roofline.bytesPerSecond(byteCount: 1 << 20) > 0)
    }
  }

  @Test func theFastestProductAndSweepAreTheRoofline() {
    var profile = MachineProfile(processor: "", threads: 1, secondsPerCall: 0)
    func add(_ kind: WorkKind, _ size: Double, _ rate: Double) {
      profile.add(MachineProfile.Point(size: size, rows: 1, secondsPerUnit: 1 / rate), of: kind)
    }
    add(.linear(.forward), 64, 4e9)
    add(.convolution(.forward, .pointwise), 64, 5e9)
    // Effective rates of what saves operations are no roofline.
    add(.convolution(.forward, .winograd4x4), 64, 20e9)
    add(.sweep(.elementwise), 1e6, 8e9)
    add(.sweep(.elementwise), 1e8, 2e9)
    add(.sweep(.columnSums), 1e6, 10e9)
    add(.sweep(.columnSums), 1e8, 1e9)
    let roofline = Roofline(profile, source: .profile)
    #expect(roofline.multiplyAddsPerSecond == 5e9)
    #expect(abs(roofline.seconds(multiplyAdds: 10_000_000_000, byteCount: 0) - 2) < 1e-12)
    #expect(abs(roofline.seconds(multiplyAdds: 0, byteCount: 1_000_000) - 1e-4) < 1e-12)
    #expect(abs(roofline.seconds(multiplyAdds: 5_000_000, byteCount: 100_000_000) - 0.051) < 1e-9)
  }

  static let cores: [(detected: String, level: ProcessorLevel, better: String?)] = [
    ("Prescott", .avx2, "Haswell"), ("Prescott", .avx512, "SkylakeX"), ("Haswell", .avx512, "SkylakeX"),
    ("Haswell", .avx2, nil), ("Zen", .avx2, nil), ("SkylakeX", .avx512, nil), ("Prescott", .baseline, nil),
  ]

  @Test(arguments: cores)
  func aCoreThatFallsShortIsReplaced(detected: String, level: ProcessorLevel, better: String?) {
    #expect(betterBLASCore(than: detected, for: level) == better)
  }

  @Test func theLibraryRunsCodeForThisProcessor() async {
    // The dispatch is set up anew, which other tests' products must not meet.
    await #expect(processExitsWith: .success) {
      // Who chose one is to have it.
      guard getenv("OPENBLAS_CORETYPE") == nil else { return }
      correctBLASCore()
      let words = openBLASDescription().split(separator: " ")
      let core = words.firstIndex(of: "core").map { String(words[$0 + 1]) }
      #expect(core != nil && betterBLASCore(than: core ?? "", for: .own) == nil, "\(words)")
      // What the library was told by it holds for no other process.
      #expect(getenv("OPENBLAS_CORETYPE") == nil)
    }
  }
}
