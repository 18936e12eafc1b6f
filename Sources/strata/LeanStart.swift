internal import Execution
internal import Glibc
internal import Kernels

// OpenBLAS starts a thread for each processor when it is loaded, long before `main`. They are never used here; where the system
// refuses one, the library ends the process, and where addresses are limited (`ulimit -v`) each maps 128 MiB, for which it waits
// for ever if there is no room. On one processor it starts none: so the process is bound to one of its processors until the
// libraries are set up.

/// What is in this section runs before the initializers of all libraries,
@section(".preinit_array") @used
private let bindBeforeLibraries: @convention(c) () -> Void = bindToOneProcessor

/// and what is in this one runs behind them, before `main`.
@section(".init_array") @used
private let unbindBehindLibraries: @convention(c) () -> Void = useAllProcessors

/// Bits for 1024 processors; a machine that has more refuses the set.
private let processorSetByteCount = 128
/// The processors as they were, then the one; nil where the system does not tell or the process was not bound. Written before
/// there is a second thread.
private nonisolated(unsafe) var processorsBefore: UnsafeMutableRawPointer?

/// Calls nothing of Swift's: neither its runtime nor any library is set up yet.
private func bindToOneProcessor() {
  guard let sets = unsafe calloc(2, processorSetByteCount) else { return }
  let (before, one) = unsafe (sets, sets + processorSetByteCount)
  guard unsafe ProcessorSet.read(into: before, byteCount: processorSetByteCount) else { return }
  var place = 0
  while place < processorSetByteCount {
    let bits = unsafe before.load(fromByteOffset: place, as: UInt8.self)
    if bits != 0 {
      // The lowest of them.
      unsafe one.storeBytes(of: bits & (~bits &+ 1), toByteOffset: place, as: UInt8.self)
      break
    }
    place += 1
  }
  guard unsafe ProcessorSet.write(one, byteCount: processorSetByteCount) else { return }
  unsafe processorsBefore = sets
}

/// Gives the process its processors back.
private func useAllProcessors() {
  guard let before = unsafe processorsBefore else { return }
  _ = unsafe ProcessorSet.write(before, byteCount: processorSetByteCount)
}

/// Where addresses are limited (`ulimit -v`), keeps glibc from giving each thread that asks for memory a region of 64 MiB.
func reserveFewAddresses() {
  // glibc's own, and in no module: other C libraries do without.
  let arenaMaximum: CInt = -8
  guard MemoryLimit.limitsAddresses, let library = unsafe dlopen(nil, RTLD_NOW),
    let set = unsafe dlsym(library, "mallopt")
  else { return }
  _ = unsafe unsafeBitCast(set, to: (@convention(c) (CInt, CInt) -> CInt).self)(arenaMaximum, 1)
}
