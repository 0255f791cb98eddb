// What convolution and matrix product do with their accumulators: store them, or requantize them.
#ifndef QVERIFY_OUTPUT_H
#define QVERIFY_OUTPUT_H

#include "kernels.h"

/// Owns its arrays, which hold one element per column (output channel).
typedef struct qk_output {
  size_t element_size;  // of an element of y
  int32_t *bias;        // zeros where there is none
  /// Null for int32 output; else `job` without acc and y, and the parameters of the columns.
  qk_requantize_rows_kernel *requantize_rows;
  qk_requantize_job job;
  int32_t *parameters[QK_PARAMETERS];
} qk_output;

/// Copies what it needs; `bias` and `requantization` may be null.
qk_status qk_output_prepare(qk_output *output, qk_tier tier, size_t columns, const void *bias,
                            const qk_requantization *requantization);
void qk_output_free(qk_output *output);

/// Finished accumulators: `rows` by `columns`, the first in column `first_column`, `stride`
/// elements from row to row.
typedef struct qk_accumulators {
  const int32_t *acc;
  size_t rows;
  size_t first_column;
  size_t columns;
  size_t stride;
} qk_accumulators;

/// Turns them into elements of y, columns next to each other: that of row r and column c is element
/// r * stride + c.
void qk_output_store_rows(const qk_output *output, const qk_accumulators *from, char *y,
                          size_t stride);

/// The same with rows next to each other: that of row r and column c is element c * stride + r.
void qk_output_store_columns(const qk_output *output, const qk_accumulators *from, char *y,
                             size_t stride);

/// `count` parameters of 32 bits, given as none (all zero), one for all, or all of them.
/// From malloc.
int32_t *qk_spread(const void *values, size_t value_count, size_t count);

#endif
