// The vector form of ../dequantize.c.

typedef struct dequantize_parameters {
  floats scale;
  ints zero_point;
} dequantize_parameters;

QK_INLINE dequantize_parameters dequantize_parameters_at(const qk_run *run, size_t j, size_t n) {
  return (dequantize_parameters){float_parameters(run, 0, j, n), int_parameters(run, 1, j, n)};
}

QK_INLINE floats dequantize_lanes(const char *x, size_t n, dequantize_parameters p, qk_type type) {
  ints v = load_integers(type, x, n);
  // Up to 16 bits the difference is exact in int32 and in binary32.
  floats difference = type == QK_INT32 ? float_difference(v, p.zero_point)
                                       : floats_of(subtract_ints(v, p.zero_point));
  return multiply(difference, p.scale);
}

QK_INLINE void dequantize_run(const qk_dequantize_job *job, const qk_run *run, qk_type type) {
  const size_t size = qk_size(type);
  const char *x = job->x + run->first * size;
  char *y = job->y + run->first * sizeof(float);
  const size_t count = run->count;
  const bool per_element = run->step;
  dequantize_parameters p = dequantize_parameters_at(run, 0, qk_min(count, LANES));
  size_t j = 0;
  for (; j + LANES <= count; j += LANES) {
    if (per_element) p = dequantize_parameters_at(run, j, LANES);
    store_floats(y + j * sizeof(float), LANES, dequantize_lanes(x + j * size, LANES, p, type));
  }
  if (j == count) return;
  if (per_element) p = dequantize_parameters_at(run, j, count - j);
  store_floats(y + j * sizeof(float), count - j,
               dequantize_lanes(x + j * size, count - j, p, type));
}

void QK_LANES(dequantize)(const void *context, const qk_run *run) {
  const qk_dequantize_job *job = context;
  switch (job->x_type) {
    case QK_INT8: dequantize_run(job, run, QK_INT8); break;
    case QK_UINT8: dequantize_run(job, run, QK_UINT8); break;
    case QK_INT16: dequantize_run(job, run, QK_INT16); break;
    case QK_UINT16: dequantize_run(job, run, QK_UINT16); break;
    case QK_INT32: dequantize_run(job, run, QK_INT32); break;
  }
}
