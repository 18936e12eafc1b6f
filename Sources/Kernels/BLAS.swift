internal import COpenBLAS
import Glibc

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
  let detected = detectedCore
  let core = String(cString: openblas_get_corename())
  return "\(configuration), core \(core)"
    + (core == detected ? "" : " (the library itself chose \(detected))")
}

/// Makes every product run on the thread that calls it: parallelism lies outside the products, because threaded products
/// called from several threads do not scale and depend on the number of threads in their last bits. Also corrects the
/// library's choice of code where it does not know the processor. Idempotent; `Workers` calls it.
package func setSingleThreadedBLAS() {
  _ = detectedCore
  openblas_set_num_threads(1)
}

/// The core that OpenBLAS chose by itself. Reading it first replaces a choice that falls short of the processor.
///
/// OpenBLAS builds with run-time dispatch know processors by model number, and run 15-year-old SSE3 code ("Prescott") on
/// models newer than themselves, at a fifth of the speed. The library asks the environment again when its dispatch is set up
/// anew; both entry points are looked up by name since builds for a single processor lack them. A choice that the user made
/// by OPENBLAS_CORETYPE stands.
private let detectedCore: String = {
  let detected = String(cString: openblas_get_corename())
  let wanted: String
  switch strata_cpu_level() {
  case Int32(STRATA_CPU_AVX512): wanted = "SkylakeX"
  case Int32(STRATA_CPU_AVX2): wanted = "Haswell"
  case _: return detected
  }
  let withoutAVX2 = [
    "Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Sandybridge", "Atom", "Athlon", "Opteron",
    "Opteron_SSE3", "Barcelona", "Bobcat",
  ]
  let withoutAVX512 = wanted == "SkylakeX" && detected == "Haswell"
  guard withoutAVX2.contains(detected) || withoutAVX512, getenv("OPENBLAS_CORETYPE") == nil else {
    return detected
  }
  typealias EntryPoint = @convention(c) () -> Void
  guard let library = dlopen(nil, RTLD_NOW), let quit = dlsym(library, "gotoblas_dynamic_quit"),
    let start = dlsym(library, "gotoblas_dynamic_init")
  else { return detected }
  setenv("OPENBLAS_CORETYPE", wanted, 1)
  unsafeBitCast(quit, to: EntryPoint.self)()
  unsafeBitCast(start, to: EntryPoint.self)()
  unsetenv("OPENBLAS_CORETYPE")
  return detected
}()
