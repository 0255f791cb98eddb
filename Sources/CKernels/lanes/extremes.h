// The vector form of `extremes_scalar` in ../dynamic_quantize.c.

qk_extremes QK_LANES(extremes)(const char *x, size_t count) {
  // Several of each, as one waits for its last result.
  enum { CHAINS = 4 };
  floats min[CHAINS], max[CHAINS];
  for (size_t c = 0; c < CHAINS; c++) min[c] = max[c] = spread_float(0);
  size_t i = 0;
  for (; i + CHAINS * LANES <= count; i += CHAINS * LANES) {
    for (size_t c = 0; c < CHAINS; c++) {
      floats v = load_floats(x + (i + c * LANES) * sizeof(float), LANES, 0);
      min[c] = least(v, min[c]);
      max[c] = largest(v, max[c]);
    }
  }
  for (; i < count; i += LANES) {
    floats v = load_floats(x + i * sizeof(float), qk_min(count - i, LANES), 0);
    min[0] = least(v, min[0]);
    max[0] = largest(v, max[0]);
  }
  float mins[CHAINS * LANES], maxs[CHAINS * LANES];
  for (size_t c = 0; c < CHAINS; c++) {
    store_floats(mins + c * LANES, LANES, min[c]);
    store_floats(maxs + c * LANES, LANES, max[c]);
  }
  qk_extremes found = {0, 0};
  for (size_t lane = 0; lane < CHAINS * LANES; lane++) {
    if (mins[lane] < found.min) found.min = mins[lane];
    if (maxs[lane] > found.max) found.max = maxs[lane];
  }
  return found;
}
