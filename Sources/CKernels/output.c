#include "output.h"

#include <stdlib.h>

#include "engine.h"

int32_t *qk_spread(const void *values, size_t value_count, size_t count) {
  int32_t *spread = malloc(qk_max(count, 1) * sizeof *spread);
  if (!spread) return NULL;
  for (size_t i = 0; i < count; i++) {
    spread[i] = value_count == 0 ? 0 : qk_load_int32(values, value_count == 1 ? 0 : i);
  }
  return spread;
}

qk_status qk_output_prepare(qk_output *output, qk_tier tier, size_t columns, const void *bias,
                            const qk_requantization *requantization) {
  *output = (qk_output){.element_size = sizeof(int32_t)};
  output->bias = qk_spread(bias, bias ? columns : 0, columns);
  bool complete = output->bias != NULL;
  if (requantization) {
    const qk_requantization *r = requantization;
    const bool onnx = r->rule == QK_ONNX;
    output->element_size = qk_size(r->range.type);
    output->requantize_rows = qk_requantize_rows_kernels[tier];
    output->job =
        (qk_requantize_job){.rule = r->rule, .range = r->range, .bytes = output->element_size};
    output->parameters[0] =
        qk_spread(onnx ? (const void *)r->scales : r->multipliers, r->scale_count, columns);
    output->parameters[1] = qk_spread(r->zero_points, r->zero_point_count, columns);
    output->parameters[2] = qk_spread(r->shifts, onnx ? 0 : r->scale_count, columns);
    for (size_t p = 0; p < QK_PARAMETERS; p++) complete = complete && output->parameters[p];
  }
  if (complete) return QK_OK;
  qk_output_free(output);
  return QK_OUT_OF_MEMORY;
}

void qk_output_free(qk_output *output) {
  free(output->bias);
  for (size_t p = 0; p < QK_PARAMETERS; p++) free(output->parameters[p]);
  *output = (qk_output){0};
}

/// Stores rows of neighbouring elements; the stride is in bytes.
static void store_rows(const qk_output *output, const qk_accumulators *from, char *y,
                       size_t y_stride) {
  const size_t acc_stride = from->stride * sizeof(int32_t);
  if (output->requantize_rows) {
    qk_requantize_job job = output->job;
    job.acc = (const char *)from->acc;
    job.y = y;
    qk_run columns = {.count = from->columns, .step = 1};
    for (size_t p = 0; p < QK_PARAMETERS; p++) {
      columns.parameters[p] = output->parameters[p] + from->first_column;
    }
    output->requantize_rows(&job, &columns, from->rows, acc_stride, y_stride);
    return;
  }
  for (size_t r = 0; r < from->rows; r++, y += y_stride) {
    memcpy(y, from->acc + r * from->stride, from->columns * sizeof(int32_t));
  }
}

/// Elements of `size` bytes, a constant; strides in elements.
QK_INLINE void scatter(char *y, size_t row_stride, size_t column_stride, const char *elements,
                       size_t rows, size_t columns, size_t size) {
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = 0; r < rows; r++) {
      memcpy(y + (r * row_stride + c * column_stride) * size, elements + (r * columns + c) * size,
             size);
    }
  }
}

void qk_output_store(const qk_output *output, const qk_accumulators *from, char *y,
                     size_t row_stride, size_t column_stride) {
  const size_t size = output->element_size, rows = from->rows, columns = from->columns;
  if (column_stride == 1) {
    store_rows(output, from, y, row_stride * size);
    return;
  }
  char elements[QK_LARGEST_TILE * sizeof(int32_t)];
  store_rows(output, from, elements, columns * size);
  switch (size) {
    case 1: scatter(y, row_stride, column_stride, elements, rows, columns, 1); break;
    case 2: scatter(y, row_stride, column_stride, elements, rows, columns, 2); break;
    default: scatter(y, row_stride, column_stride, elements, rows, columns, 4); break;
  }
}
