internal import COpenBLAS
import Glibc
import Synchronization

/// Whether a factor of a product is taken as it lies in memory or transposed.
enum Transposition {
  case none
  case transposed
}

/// `C = A B`, or `C += A B`, all row major: `A` is `[m, k]` after its transposition, `B` `[k, n]`, `C` `[m, n]`. Leading
/// dimensions are those of the matrices as they lie in memory. One call runs on the calling thread alone.
@inline(__always)
func multiply(
  _ a: UnsafePointer<Float>, _ transpositionA: Transposition = .none, leading leadingA: Int,
  _ b: UnsafePointer<Float>, _ transpositionB: Transposition = .none, leading leadingB: Int,
  into c: UnsafeMutablePointer<Float>, leading leadingC: Int,
  m: Int, n: Int, k: Int, accumulating: Bool = false
) {
  cblas_sgemm(
    CblasRowMajor, transpositionA == .none ? CblasNoTrans : CblasTrans,
    transpositionB == .none ? CblasNoTrans : CblasTrans, blasint(m), blasint(n), blasint(k), 1, a,
    blasint(leadingA),
    b, blasint(leadingB), accumulating ? 1 : 0, c, blasint(leadingC))
}

/// The library's version and build, and the processor family whose code it runs.
package func openBLASDescription() -> String {
  let configuration = String(cString: openblas_get_config()).split(separator: " ").joined(separator: " ")
  let core = String(cString: openblas_get_corename())
  let replaced = replacedCore.withLock { $0 }
  return "\(configuration), core \(core)" + (replaced.map { " (the library itself chose \($0))" } ?? "")
}

/// Makes every product run on the thread that calls it: parallelism lies outside the products, because threaded products
/// called from several threads do not scale and depend on the number of threads in their last bits. Idempotent; `Workers`
/// calls it.
package func setSingleThreadedBLAS() { openblas_set_num_threads(1) }

/// What a processor and its operating system support, coarse enough to name one of OpenBLAS's cores by.
package enum ProcessorLevel: Sendable {
  case baseline, avx2, avx512

  package static var own: ProcessorLevel {
    switch strata_cpu_level() {
    case Int32(STRATA_CPU_AVX512): .avx512
    case Int32(STRATA_CPU_AVX2): .avx2
    case _: .baseline
    }
  }
}

/// The core whose code OpenBLAS should run in the place of the one that it chose by itself; nil where its choice will do.
///
/// OpenBLAS builds with run-time dispatch know processors by model number, and run 15-year-old SSE3 code ("Prescott") on
/// models newer than themselves, at a fifth of the speed.
package func betterBLASCore(than detected: String, for level: ProcessorLevel) -> String? {
  let withoutAVX2 = [
    "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Atom", "Athlon", "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat",
  ]
  switch level {
  case .baseline: return nil
  case .avx2: return withoutAVX2.contains(detected) ? "Haswell" : nil
  case .avx512: return withoutAVX2.contains(detected) || detected == "Haswell" ? "SkylakeX" : nil
  }
}

/// Corrects the library's choice of code where it does not know the processor.
///
/// The library asks the environment again when its dispatch is set up anew, so this sets a variable and takes it back: it is
/// for a program's beginning, before there are threads that read the environment. A choice that the user made by
/// `OPENBLAS_CORETYPE` is to stand, and this not to be called. Both entry points are looked up by name since builds for a
/// single processor lack them.
package func correctBLASCore() {
  let detected = String(cString: openblas_get_corename())
  typealias EntryPoint = @convention(c) () -> Void
  guard let better = betterBLASCore(than: detected, for: .own), let library = dlopen(nil, RTLD_NOW),
    let quit = dlsym(library, "gotoblas_dynamic_quit"), let start = dlsym(library, "gotoblas_dynamic_init")
  else { return }
  setenv("OPENBLAS_CORETYPE", better, 1)
  unsafeBitCast(quit, to: EntryPoint.self)()
  unsafeBitCast(start, to: EntryPoint.self)()
  unsetenv("OPENBLAS_CORETYPE")
  replacedCore.withLock { $0 = detected }
}

/// The core that OpenBLAS chose by itself, where another one has taken its place.
private let replacedCore = Mutex<String?>(nil)
