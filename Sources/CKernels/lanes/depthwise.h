// The tile of a depthwise convolution for engines of words whose products come in pairs: two taps
// at a time. Before it stand `add_products(sums, a, b)`, `interleave_low` and `interleave_high` of
// words, and `in_order`, which undoes in sums what these did to the order of columns.

static void depthwise_tile(const unsigned char *const *rows, size_t base, const size_t *offsets,
                           size_t segments, size_t steps, const void *panel, size_t columns,
                           const int32_t *initial, int32_t *acc) {
  (void)steps, (void)columns;
  const char *weights = panel;
  const ints none = spread_int(0);
  ints low[ROWS], high[ROWS];
  QK_UNROLL for (size_t r = 0; r < ROWS; r++) low[r] = high[r] = none;
  for (size_t s = 0; s < segments; s += 2) {
    // A last tap without a partner is paired with itself, its weights with zeros.
    const bool paired = s + 1 < segments;
    const size_t first = base + offsets[s], second = paired ? base + offsets[s + 1] : first;
    ints w0 = load_ints(weights, LANES);
    ints w1 = paired ? load_ints(weights + COLUMNS * sizeof(element), LANES) : none;
    weights += 2 * COLUMNS * sizeof(element);
    ints w_low = interleave_low(w0, w1), w_high = interleave_high(w0, w1);
    QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
      ints x0 = load_ints(rows[r] + first, LANES), x1 = load_ints(rows[r] + second, LANES);
      low[r] = add_products(low[r], interleave_low(x0, x1), w_low);
      high[r] = add_products(high[r], interleave_high(x0, x1), w_high);
    }
  }
  QK_UNROLL for (size_t r = 0; r < ROWS; r++) {
    in_order(&low[r], &high[r]);
    store_ints(acc + r * COLUMNS, add_ints(load_ints(initial, LANES), low[r]));
    store_ints(acc + r * COLUMNS + LANES, add_ints(load_ints(initial + LANES, LANES), high[r]));
  }
}
