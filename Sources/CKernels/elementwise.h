// How element-wise operations meet their per-channel parameters: as runs, in which either one
// parameter holds for all elements or each element has its own, next to each other.
#ifndef QVERIFY_ELEMENTWISE_H
#define QVERIFY_ELEMENTWISE_H

#include "internal.h"

enum { QK_PARAMETERS = 3 };

/// An array of float or int32 parameters, one per channel or one for all.
typedef struct qk_parameter {
  const void *values;
  size_t count;
} qk_parameter;

/// Elements `first` to `first + count`: element `first + j` has parameters[p][j * step].
typedef struct qk_run {
  size_t first;
  size_t count;
  const void *parameters[QK_PARAMETERS];
  size_t step;  // 0 or 1
} qk_run;

/// Computes one run; `job` is the operation's own struct.
typedef void qk_run_kernel(const void *job, const qk_run *run);

/// The kernels of an operation by tier, null where the build has none.
typedef qk_run_kernel *const qk_run_kernels[QK_TIER_COUNT];

/// Checks the tier, cuts `count` elements into runs and computes them in order.
qk_status qk_for_each_run(qk_tier tier, qk_run_kernels kernels, const void *job,
                          const qk_parameter parameters[QK_PARAMETERS], size_t channels,
                          size_t inner, size_t count);

/// The scale and zero point of `affine` as parameters 0 and 1.
void qk_affine_parameters(const qk_affine *affine, qk_parameter parameters[QK_PARAMETERS]);

#endif
