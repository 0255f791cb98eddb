// The tile of a matrix product, from `sums`, the running sums of LANES columns, with
// `sums_of(ints)`, `add_products(sums, a, b)` for the products of a step, and `total(sums)`.

QK_INLINE void tile_of(const size_t vectors, const unsigned char *const *rows, size_t base,
                       const size_t *offsets, size_t segments, size_t steps, const char *panel,
                       const int32_t *initial, int32_t *acc) {
  sums sum[ROWS][VECTORS];
  QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
    QK_UNROLL for (size_t v = 0; v < vectors; v++) {
      sum[r][v] = sums_of(load_ints(initial + v * LANES, LANES));
    }
  }
  for (size_t s = 0; s < segments; s++) {
    const unsigned char *a[ROWS];
    QK_UNROLL for (size_t r = 0; r < ROWS; r++) a[r] = rows[r] + base + offsets[s];
    for (size_t step = 0; step < steps; step++, panel += COLUMNS * sizeof(int32_t)) {
      ints b[VECTORS];
      QK_UNROLL for (size_t v = 0; v < vectors; v++) {
        b[v] = load_ints(panel + v * LANES * sizeof(int32_t), LANES);
      }
      QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
        ints spread = spread_int(qk_load_int32(a[r], step));
        QK_UNROLL for (size_t v = 0; v < vectors; v++) {
          sum[r][v] = add_products(sum[r][v], spread, b[v]);
        }
      }
    }
  }
  QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
    QK_UNROLL for (size_t v = 0; v < vectors; v++) {
      store_ints(acc + r * COLUMNS + v * LANES, total(sum[r][v]));
    }
  }
}

static void tile(const unsigned char *const *rows, size_t base, const size_t *offsets,
                 size_t segments, size_t steps, const void *panel, size_t columns,
                 const int32_t *initial, int32_t *acc) {
  if (columns > LANES) {
    tile_of(VECTORS, rows, base, offsets, segments, steps, panel, initial, acc);
  } else {
    tile_of(1, rows, base, offsets, segments, steps, panel, initial, acc);
  }
}
