#include "engine.h"

#include "cpu.h"

extern const qk_engine qk_engine_avx2, qk_engine_avx512, qk_engine_avx512vnni;
extern const qk_engine qk_engine_neon, qk_engine_neon_sdot;
extern const qk_engine qk_depthwise_avx2, qk_depthwise_avx512, qk_depthwise_avx512vnni;
extern const qk_engine qk_depthwise_neon;

const qk_engine *qk_engine_for(qk_tier tier) {
  switch (tier) {
#if QK_X86
    case QK_AVX2: return &qk_engine_avx2;
    case QK_AVX512: return &qk_engine_avx512;
    case QK_AVX512VNNI: return &qk_engine_avx512vnni;
#elif QK_ARM
    case QK_NEON: return qk_has_sdot() ? &qk_engine_neon_sdot : &qk_engine_neon;
#endif
    default: return NULL;
  }
}

const qk_engine *qk_depthwise_engine_for(qk_tier tier) {
  switch (tier) {
#if QK_X86
    case QK_AVX2: return &qk_depthwise_avx2;
    case QK_AVX512: return &qk_depthwise_avx512;
    case QK_AVX512VNNI: return &qk_depthwise_avx512vnni;
#elif QK_ARM
    case QK_NEON: return &qk_depthwise_neon;
#endif
    default: return NULL;
  }
}
