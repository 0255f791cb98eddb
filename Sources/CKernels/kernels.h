// The element-wise kernels of all tiers: <operation>_scalar is in <operation>.c, the others are
// lanes/<operation>.h as compiled by lanes_<tier>.c.
#ifndef QVERIFY_KERNELS_H
#define QVERIFY_KERNELS_H

#include "elementwise.h"

/// The kernels of an operation, by tier. Nothing in these operations profits from VNNI.
#if QK_X86
#define QK_KERNELS(name)                                        \
  {                                                             \
    [QK_SCALAR] = name##_scalar, [QK_AVX2] = qk_##name##_avx2,  \
    [QK_AVX512] = qk_##name##_avx512,                           \
    [QK_AVX512VNNI] = qk_##name##_avx512,                       \
  }
#elif QK_ARM
#define QK_KERNELS(name) {[QK_SCALAR] = name##_scalar, [QK_NEON] = qk_##name##_neon}
#else
#define QK_KERNELS(name) {[QK_SCALAR] = name##_scalar}
#endif

typedef struct qk_quantize_job {
  const char *x;
  char *y;
  qk_rule rule;
  qk_range range;
  size_t bytes;  // of an element of y
} qk_quantize_job;

typedef struct qk_dequantize_job {
  const char *x;
  char *y;
  qk_type x_type;
} qk_dequantize_job;

/// Parameters of a run: 0 the scale or the multiplier, 1 the zero point, 2 the shift.
typedef struct qk_requantize_job {
  const char *acc;
  char *y;
  qk_rule rule;
  qk_range range;
  int32_t acc_zero_point;
  size_t bytes;  // of an element of y
} qk_requantize_job;

/// Requantizes `rows` rows that share the parameters of their columns; strides in bytes.
typedef void qk_requantize_rows_kernel(const qk_requantize_job *job, const qk_run *columns,
                                       size_t rows, size_t acc_stride, size_t y_stride);

/// What convolution and matrix product apply to their accumulators, by tier.
extern qk_requantize_rows_kernel *const qk_requantize_rows_kernels[QK_TIER_COUNT];

typedef struct qk_fake_quantize_job {
  const char *x;
  char *y;
  char *mask;  // or null
  float qmin;
  float qmax;
} qk_fake_quantize_job;

/// min(0, min x) and max(0, max x). NaNs are passed over.
typedef struct qk_extremes {
  float min;
  float max;
} qk_extremes;

typedef qk_extremes qk_extremes_kernel(const char *x, size_t count);

#define QK_DECLARE_KERNELS(tier)                         \
  qk_run_kernel qk_quantize_##tier, qk_dequantize_##tier, \
      qk_requantize_##tier, qk_fake_quantize_##tier;     \
  qk_requantize_rows_kernel qk_requantize_rows_##tier;   \
  qk_extremes_kernel qk_extremes_##tier

QK_DECLARE_KERNELS(avx2);
QK_DECLARE_KERNELS(avx512);
QK_DECLARE_KERNELS(neon);

#endif
