// The vector form of ../quantize.c.

typedef struct quantize_parameters {
  floats scale;
  bounds bounds;
} quantize_parameters;

QK_INLINE quantize_parameters quantize_parameters_at(const qk_quantize_job *job, const qk_run *run,
                                                     size_t j, size_t n) {
  return (quantize_parameters){float_parameters(run, 0, j, n),
                               bounds_of(job->range, int_parameters(run, 1, j, n))};
}

QK_INLINE void quantize_lanes(const char *x, char *y, size_t n, quantize_parameters p, qk_rule rule,
                              size_t bytes) {
  floats v = divide(load_floats(x, n, 0), p.scale);
  store_low(bytes, y, n, round_to_range(rule, v, p.bounds));
}

QK_INLINE void quantize_run(const qk_quantize_job *job, const qk_run *run, qk_rule rule,
                            size_t bytes) {
  const char *x = job->x + run->first * sizeof(float);
  char *y = job->y + run->first * bytes;
  const size_t count = run->count;
  const bool per_element = run->step;
  quantize_parameters p = quantize_parameters_at(job, run, 0, qk_min(count, LANES));
  size_t j = 0;
  for (; j + LANES <= count; j += LANES) {
    if (per_element) p = quantize_parameters_at(job, run, j, LANES);
    quantize_lanes(x + j * sizeof(float), y + j * bytes, LANES, p, rule, bytes);
  }
  if (j == count) return;
  if (per_element) p = quantize_parameters_at(job, run, j, count - j);
  quantize_lanes(x + j * sizeof(float), y + j * bytes, count - j, p, rule, bytes);
}

void QK_LANES(quantize)(const void *context, const qk_run *run) {
  const qk_quantize_job *job = context;
  if (job->rule == QK_ONNX) {
    if (job->bytes == 1) {
      quantize_run(job, run, QK_ONNX, 1);
    } else {
      quantize_run(job, run, QK_ONNX, 2);
    }
  } else {
    if (job->bytes == 1) {
      quantize_run(job, run, QK_TFLITE, 1);
    } else {
      quantize_run(job, run, QK_TFLITE, 2);
    }
  }
}
