// What engines of bytes need for zero points; it uses what tile.h uses.

/// Sums four bytes at a time, as products with ones.
static int32_t sum_staged(const void *staged, size_t count) {
  enum { STEP = LANES * sizeof(int32_t) };
  const ints ones = spread_int(0x01010101);
  sums sum = sums_of(spread_int(0));
  const char *p = staged;
  for (; count >= STEP; count -= STEP, p += STEP) {
    sum = add_products(sum, load_ints(p, LANES), ones);
  }
  char rest[STEP] = {0};
  memcpy(rest, p, count);
  sum = add_products(sum, load_ints(rest, LANES), ones);
  int32_t lanes[LANES];
  store_ints(lanes, total(sum));
  uint32_t result = 0;
  for (size_t lane = 0; lane < LANES; lane++) result += (uint32_t)lanes[lane];
  return (int32_t)result;
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
