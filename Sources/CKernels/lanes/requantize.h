// The vector form of ../requantize.c.

/// onnx uses `scale` and `bounds`, tflite the others; the compiler drops what a rule does not use.
typedef struct requantize_parameters {
  floats scale;
  bounds bounds;
  ints multiplier;
  ints left_shift;
  ints right_shift;
  ints low;  // relative to the zero point, as is `high`
  ints high;
  ints zero_point;
} requantize_parameters;

QK_INLINE requantize_parameters requantize_parameters_at(const qk_requantize_job *job,
                                                         const qk_run *run, size_t j, size_t n,
                                                         qk_rule rule) {
  requantize_parameters p = {.zero_point = int_parameters(run, 1, j, n)};
  if (rule == QK_ONNX) {
    p.scale = float_parameters(run, 0, j, n);
    p.bounds = bounds_of(job->range, p.zero_point);
    return p;
  }
  const ints none = spread_int(0);
  ints shift = int_parameters(run, 2, j, n);
  p.multiplier = int_parameters(run, 0, j, n);
  p.left_shift = largest_int(shift, none);
  p.right_shift = largest_int(subtract_ints(none, shift), none);
  p.low = subtract_ints(spread_int(job->range.min), p.zero_point);
  p.high = subtract_ints(spread_int(job->range.max), p.zero_point);
  return p;
}

/// See qk_rounding_shift_right.
QK_INLINE ints rounding_shift_right(ints v, ints exponent) {
  const ints one = spread_int(1), none = spread_int(0);
  ints mask = subtract_ints(shift_left(one, exponent), one);
  ints threshold = add_one_where_greater(shift_right(mask, one), none, v);
  return add_one_where_greater(shift_right(v, exponent), and_ints(v, mask), threshold);
}

QK_INLINE void requantize_lanes(const qk_requantize_job *job, const char *acc, char *y, size_t n,
                                requantize_parameters p, qk_rule rule, size_t bytes) {
  ints v = load_ints(acc, n);
  ints acc_zero_point = spread_int(job->acc_zero_point);
  if (rule == QK_ONNX) {
    floats difference = job->acc_zero_point ? float_difference(v, acc_zero_point) : floats_of(v);
    v = round_to_range(QK_ONNX, multiply(difference, p.scale), p.bounds);
  } else {
    v = shift_left(subtract_ints(v, acc_zero_point), p.left_shift);
    v = rounding_shift_right(rounding_doubling_high_multiply(v, p.multiplier), p.right_shift);
    v = add_ints(least_int(largest_int(v, p.low), p.high), p.zero_point);
  }
  store_low(bytes, y, n, v);
}

QK_INLINE void requantize_run(const qk_requantize_job *job, const qk_run *run, qk_rule rule,
                              size_t bytes) {
  const char *acc = job->acc + run->first * sizeof(int32_t);
  char *y = job->y + run->first * bytes;
  const size_t count = run->count;
  const bool per_element = run->step;
  requantize_parameters p = requantize_parameters_at(job, run, 0, qk_min(count, LANES), rule);
  size_t j = 0;
  for (; j + LANES <= count; j += LANES) {
    if (per_element) p = requantize_parameters_at(job, run, j, LANES, rule);
    requantize_lanes(job, acc + j * sizeof(int32_t), y + j * bytes, LANES, p, rule, bytes);
  }
  if (j == count) return;
  if (per_element) p = requantize_parameters_at(job, run, j, count - j, rule);
  requantize_lanes(job, acc + j * sizeof(int32_t), y + j * bytes, count - j, p, rule, bytes);
}

void QK_LANES(requantize)(const void *context, const qk_run *run) {
  const qk_requantize_job job = *(const qk_requantize_job *)context;
  if (job.rule == QK_ONNX) {
    if (job.bytes == 1) {
      requantize_run(&job, run, QK_ONNX, 1);
    } else {
      requantize_run(&job, run, QK_ONNX, 2);
    }
  } else {
    if (job.bytes == 1) {
      requantize_run(&job, run, QK_TFLITE, 1);
    } else {
      requantize_run(&job, run, QK_TFLITE, 2);
    }
  }
}

/// Column by column of vectors, so that the parameters are worked out once for all rows.
QK_INLINE void requantize_rows(const qk_requantize_job *job, const qk_run *columns, size_t rows,
                               size_t acc_stride, size_t y_stride, qk_rule rule, size_t bytes) {
  for (size_t j = 0; j < columns->count; j += LANES) {
    const size_t n = qk_min(columns->count - j, LANES);
    const requantize_parameters p = requantize_parameters_at(job, columns, j, n, rule);
    const char *acc = job->acc + j * sizeof(int32_t);
    char *y = job->y + j * bytes;
    for (size_t r = 0; r < rows; r++, acc += acc_stride, y += y_stride) {
      if (n == LANES) {
        requantize_lanes(job, acc, y, LANES, p, rule, bytes);
      } else {
        requantize_lanes(job, acc, y, n, p, rule, bytes);
      }
    }
  }
}

void QK_LANES(requantize_rows)(const qk_requantize_job *given, const qk_run *columns, size_t rows,
                               size_t acc_stride, size_t y_stride) {
  const qk_requantize_job job = *given;
  if (job.rule == QK_ONNX) {
    if (job.bytes == 1) {
      requantize_rows(&job, columns, rows, acc_stride, y_stride, QK_ONNX, 1);
    } else {
      requantize_rows(&job, columns, rows, acc_stride, y_stride, QK_ONNX, 2);
    }
  } else {
    if (job.bytes == 1) {
      requantize_rows(&job, columns, rows, acc_stride, y_stride, QK_TFLITE, 1);
    } else {
      requantize_rows(&job, columns, rows, acc_stride, y_stride, QK_TFLITE, 2);
    }
  }
}
