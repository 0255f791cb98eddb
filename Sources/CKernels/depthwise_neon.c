// NEON: words, multiplied and added tap by tap by smlal.
#include "engine.h"

#if QK_ARM
#include "lanes/neon.h"

enum { ROWS = 4, VECTORS = 2, GROUP = 1 };
typedef int16_t element;
#define A_TYPE QK_INT16
#define B_TYPE QK_INT16

#include "lanes/stage.h"

static void depthwise_tile(const unsigned char *const *rows, size_t base, const size_t *offsets,
                           size_t segments, size_t steps, const void *panel, size_t columns,
                           const int32_t *initial, int32_t *acc) {
  (void)steps, (void)columns;
  const char *weights = panel;
  ints low[ROWS], high[ROWS];
  for (size_t r = 0; r < ROWS; r++) {
    low[r] = load_ints(initial, LANES);
    high[r] = load_ints(initial + LANES, LANES);
  }
  for (size_t s = 0; s < segments; s++, weights += COLUMNS * sizeof(element)) {
    int16x8_t w = vreinterpretq_s16_s32(load_ints(weights, LANES));
    QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
      int16x8_t x = vreinterpretq_s16_s32(load_ints(rows[r] + base + offsets[s], LANES));
      low[r] = vmlal_s16(low[r], vget_low_s16(x), vget_low_s16(w));
      high[r] = vmlal_high_s16(high[r], x, w);
    }
  }
  for (size_t r = 0; r < ROWS; r++) {
    store_ints(acc + r * COLUMNS, low[r]);
    store_ints(acc + r * COLUMNS + LANES, high[r]);
  }
}

const qk_engine qk_depthwise_neon = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, depthwise_tile, stage, pack, 0, 0};
#endif
