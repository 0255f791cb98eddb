// AVX-512 without VNNI: words, multiplied and added in pairs by vpmaddwd.
#include "engine.h"

#if QK_X86
QK_BEGIN_AVX512
#include "lanes/avx512.h"

enum { ROWS = 8, VECTORS = 2, GROUP = 2 };
typedef int16_t element;
#define A_TYPE QK_INT16
#define B_TYPE QK_INT16
typedef ints sums;  // of one column each

QK_INLINE sums sums_of(ints v) { return v; }
QK_INLINE ints total(sums v) { return v; }
QK_INLINE sums add_products(sums sum, ints a, ints b) {
  return add_ints(sum, _mm512_madd_epi16(a, b));
}

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/tile.h"

const qk_engine qk_engine_avx512 = {ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, tile, stage, pack, 0, 0};

QK_END
#endif
