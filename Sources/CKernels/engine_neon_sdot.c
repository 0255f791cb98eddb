// NEON with the dot product instructions of ARMv8.2: sdot sums four products of signed bytes.
#include "engine.h"

#if QK_ARM
#if defined(__clang__)
QK_TARGET_REGION("dotprod")
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#include "lanes/neon.h"

enum { ROWS = 8, VECTORS = 2, GROUP = 4 };
typedef int8_t element;
#define A_TYPE QK_INT8
#define B_TYPE QK_INT8
typedef ints sums;  // of one column each

QK_INLINE sums sums_of(ints v) { return v; }
QK_INLINE ints total(sums v) { return v; }
QK_INLINE sums add_products(sums sum, ints a, ints b) {
  return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b));
}

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/tile.h"
#include "lanes/compensate.h"

const qk_engine qk_engine_neon_sdot = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, tile, stage, pack, sum_stretches, subtract_products};

#if defined(__clang__)
QK_END
#else
#pragma GCC pop_options
#endif
#endif
