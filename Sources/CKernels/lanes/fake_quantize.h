// The vector form of ../fake_quantize.c.

typedef struct fake_quantize_parameters {
  floats scale;
  floats inverse;
  floats zero_point;
} fake_quantize_parameters;

QK_INLINE fake_quantize_parameters fake_quantize_parameters_at(const qk_run *run, size_t j,
                                                               size_t n) {
  floats scale = float_parameters(run, 0, j, n);
  return (fake_quantize_parameters){scale, divide(spread_float(1.0f), scale),
                                    floats_of(int_parameters(run, 1, j, n))};
}

/// Element `i` of the job and the n - 1 after it.
QK_INLINE void fake_quantize_lanes(const qk_fake_quantize_job *job, size_t i, size_t n,
                                   fake_quantize_parameters p) {
  const floats low = spread_float(job->qmin), high = spread_float(job->qmax);
  floats scaled = multiply(load_floats(job->x + i * sizeof(float), n, 0), p.inverse);
  floats v = add(round_to_even(scaled), p.zero_point);
  floats y = multiply(subtract(clamp(v, low, high), p.zero_point), p.scale);
  store_floats(job->y + i * sizeof(float), n, y);
  if (job->mask) store_bools(job->mask + i, n, is_between(low, v, high));
}

void QK_LANES(fake_quantize)(const void *context, const qk_run *run) {
  const qk_fake_quantize_job job = *(const qk_fake_quantize_job *)context;
  const size_t count = run->count;
  const bool per_element = run->step;
  fake_quantize_parameters p = fake_quantize_parameters_at(run, 0, qk_min(count, LANES));
  size_t j = 0;
  for (; j + LANES <= count; j += LANES) {
    if (per_element) p = fake_quantize_parameters_at(run, j, LANES);
    fake_quantize_lanes(&job, run->first + j, LANES, p);
  }
  if (j == count) return;
  if (per_element) p = fake_quantize_parameters_at(run, j, count - j);
  fake_quantize_lanes(&job, run->first + j, count - j, p);
}
