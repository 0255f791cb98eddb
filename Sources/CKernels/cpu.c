// Which tiers this process can run.
#include "internal.h"

#if QK_ARM && defined(__linux__)
#include <sys/auxv.h>
#endif
#include "cpu.h"

const char *qk_tier_missing(qk_tier tier) {
#if QK_X86
  // __builtin_cpu_supports asks the CPU once and includes what the operating system saves.
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  switch (tier) {
    case QK_SCALAR: return NULL;
#if QK_X86
    case QK_AVX2: return __builtin_cpu_supports("avx2") ? NULL : "AVX2";
    case QK_AVX512: return avx512 ? NULL : "AVX-512 F, BW, DQ and VL";
    case QK_AVX512VNNI:
      return avx512 && __builtin_cpu_supports("avx512vnni") ? NULL : "AVX-512 VNNI";
    case QK_NEON: return "an AArch64 CPU";
#elif QK_ARM
    case QK_NEON: return NULL;
    case QK_AVX2:
    case QK_AVX512:
    case QK_AVX512VNNI: return "an x86-64 CPU";
#else
    case QK_AVX2:
    case QK_AVX512:
    case QK_AVX512VNNI: return "an x86-64 CPU";
    case QK_NEON: return "an AArch64 CPU";
#endif
    case QK_TIER_COUNT: break;
  }
  return "an implementation";
}

bool qk_has_sdot(void) {
#if QK_ARM && defined(__APPLE__)
  return true;  // every 64-bit Apple CPU that runs a current system
#elif QK_ARM && defined(__linux__)
  enum { FEATURE_BIT_ASIMDDP = 1 << 20 };
  return getauxval(AT_HWCAP) & FEATURE_BIT_ASIMDDP;
#else
  return false;
#endif
}
