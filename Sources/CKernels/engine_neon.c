// NEON without dot products: signed bytes. smull gives products of at most 2^14 in 16 bits, and
// sadalp adds them in pairs to 32 bits, so a vector of four columns has two vectors of sums.
#include "engine.h"

#if QK_ARM
#include "lanes/neon.h"

enum { ROWS = 4, VECTORS = 2, GROUP = 4 };
typedef int8_t element;
#define A_TYPE QK_INT8
#define B_TYPE QK_INT8
typedef struct sums {
  int32x4_t low;   // columns 0 and 1, two sums each
  int32x4_t high;  // columns 2 and 3
} sums;

QK_INLINE sums sums_of(ints v) {
  const int32x4_t none = vdupq_n_s32(0);
  return (sums){vzip1q_s32(v, none), vzip2q_s32(v, none)};
}

QK_INLINE ints total(sums v) { return vpaddq_s32(v.low, v.high); }

QK_INLINE sums add_products(sums sum, ints a, ints b) {
  int8x16_t left = vreinterpretq_s8_s32(a), right = vreinterpretq_s8_s32(b);
  sum.low = vpadalq_s16(sum.low, vmull_s8(vget_low_s8(left), vget_low_s8(right)));
  sum.high = vpadalq_s16(sum.high, vmull_high_s8(left, right));
  return sum;
}

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/tile.h"
#include "lanes/compensate.h"

const qk_engine qk_engine_neon = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, tile, stage, pack, sum_stretches, subtract_products};
#endif
