// AVX-512 without VNNI: words of two taps, multiplied and added in pairs by vpmaddwd.
#include "engine.h"

#if QK_X86
QK_BEGIN_AVX512
#include "lanes/avx512.h"

enum { ROWS = 8, VECTORS = 2, GROUP = 1 };
typedef int16_t element;
#define A_TYPE QK_INT16
#define B_TYPE QK_INT16

QK_INLINE ints add_products(ints sum, ints a, ints b) {
  return add_ints(sum, _mm512_madd_epi16(a, b));
}

QK_INLINE ints interleave_low(ints a, ints b) { return _mm512_unpacklo_epi16(a, b); }
QK_INLINE ints interleave_high(ints a, ints b) { return _mm512_unpackhi_epi16(a, b); }

/// Unpacking works within 128 bits: low has columns 0-3, 8-11, 16-19 and 24-27, high the others.
QK_INLINE void in_order(ints *low, ints *high) {
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  ints both = _mm512_permutex2var_epi64(*low, first, *high);
  *high = _mm512_permutex2var_epi64(*low, second, *high);
  *low = both;
}

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/depthwise.h"

const qk_engine qk_depthwise_avx512 = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, depthwise_tile, stage, pack, 0, 0};

QK_END
#endif
