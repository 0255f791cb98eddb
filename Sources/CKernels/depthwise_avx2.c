// AVX2: words of two taps, multiplied and added in pairs by vpmaddwd.
#include "engine.h"

#if QK_X86
QK_BEGIN_AVX2
#include "lanes/avx2.h"

enum { ROWS = 6, VECTORS = 2, GROUP = 1 };
typedef int16_t element;
#define A_TYPE QK_INT16
#define B_TYPE QK_INT16

QK_INLINE ints add_products(ints sum, ints a, ints b) {
  return add_ints(sum, _mm256_madd_epi16(a, b));
}

QK_INLINE ints interleave_low(ints a, ints b) { return _mm256_unpacklo_epi16(a, b); }
QK_INLINE ints interleave_high(ints a, ints b) { return _mm256_unpackhi_epi16(a, b); }

/// Unpacking works within 128 bits: low has columns 0-3 and 8-11, high 4-7 and 12-15.
QK_INLINE void in_order(ints *low, ints *high) {
  ints first = _mm256_permute2x128_si256(*low, *high, 0x20);
  *high = _mm256_permute2x128_si256(*low, *high, 0x31);
  *low = first;
}

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/depthwise.h"

const qk_engine qk_depthwise_avx2 = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, depthwise_tile, stage, pack, 0, 0};

QK_END
#endif
