// What engines of bytes need for zero points; it uses what tile.h uses.

/// Sums four bytes at a time, as products with ones.
QK_INLINE int32_t sum_of_bytes(const char *staged, size_t count) {
  enum { STEP = LANES * sizeof(int32_t) };
  const ints ones = spread_int(0x01010101);
  sums sum = sums_of(spread_int(0));
  for (; count >= STEP; count -= STEP, staged += STEP) {
    sum = add_products(sum, load_ints(staged, LANES), ones);
  }
  if (count > 0) {
    char rest[STEP] = {0};
    memcpy(rest, staged, count);
    sum = add_products(sum, load_ints(rest, LANES), ones);
  }
  return sum_of_lanes(total(sum));
}

static void sum_stretches(const void *staged, size_t stretches, size_t length, size_t stride,
                          int32_t *results) {
  const char *stretch = staged;
  for (size_t i = 0; i < stretches; i++, stretch += stride) {
    results[i] = sum_of_bytes(stretch, length);
  }
}

static void subtract_products(int32_t *acc, const int32_t *row_terms,
                              const int32_t *column_terms) {
  for (size_t r = 0; r < ROWS; r++) {
    for (size_t v = 0; v < VECTORS; v++) {
      int32_t *to = acc + r * COLUMNS + v * LANES;
      ints product = multiply_ints(spread_int(row_terms[r]),
                                   load_ints(column_terms + v * LANES, LANES));
      store_ints(to, subtract_ints(load_ints(to, LANES), product));
    }
  }
}
