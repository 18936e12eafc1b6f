#include <cblas.h>
#include <sys/syscall.h>
#include <unistd.h>

// The processors that the calling thread may run on, a bit each, from the lowest bit of the first byte on. Without the C library's
// own functions, which are declared for GNU sources alone.
//
// Returns less than 0 where the system refuses it, as it does where the machine has more processors than the set has bits.
static inline long strata_get_processors(void *set, unsigned long byte_count) {
  return syscall(SYS_sched_getaffinity, 0, byte_count, set);
}

static inline long strata_set_processors(const void *set, unsigned long byte_count) {
  return syscall(SYS_sched_setaffinity, 0, byte_count, set);
}

// What the processor and its operating system support, coarse enough to name an OpenBLAS core type by.
enum {
  STRATA_CPU_BASELINE = 0,
  STRATA_CPU_AVX2 = 1,
  STRATA_CPU_AVX512 = 2,
};

static inline int strata_cpu_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return STRATA_CPU_BASELINE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    return STRATA_CPU_AVX512;
  return STRATA_CPU_AVX2;
#else
  return STRATA_CPU_BASELINE;
#endif
}
