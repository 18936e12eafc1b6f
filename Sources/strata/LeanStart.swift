internal import Execution
internal import Glibc

/// Where addresses are limited (`ulimit -v`), starts the program again as the same process, without what libraries reserve
/// before and beside it: OpenBLAS starts a pool of threads before `main`, never used here, and maps 128 MiB for each, for
/// which the thread waits for ever if there is no room; glibc gives each thread that asks for memory a region of 64 MiB.
/// Both read the environment alone, and when they are loaded.
func startAgainWithFewReservations() {
  let settings = ["OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"]
  guard MemoryLimit.limitsAddresses,
    settings.contains(where: { unsafe getenv($0).map { unsafe String(cString: $0) } != "1" })
  else { return }
  for name in settings { unsafe setenv(name, "1", 1) }
  // Where the system does not let it, the program goes on as it is.
  unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
}
