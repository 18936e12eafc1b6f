#include <cblas.h>

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
