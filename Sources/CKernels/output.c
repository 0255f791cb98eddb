#include "output.h"

#include <stdlib.h>

#include "engine.h"
#include "transpose.h"

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

void qk_output_store_rows(const qk_output *output, const qk_accumulators *from, char *y,
                          size_t stride) {
  const size_t acc_stride = from->stride * sizeof(int32_t);
  const size_t y_stride = stride * output->element_size;
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

/// Elements of `size` bytes, a constant.
QK_INLINE void transpose(char *to, size_t to_stride, const char *from, size_t from_stride,
                         size_t rows, size_t columns, size_t size) {
  for (size_t c = 0; c < columns; c++) {
    for (size_t r = 0; r < rows; r++) {
      memcpy(to + (c * to_stride + r) * size, from + (r * from_stride + c) * size, size);
    }
  }
}

void qk_output_store_columns(const qk_output *output, const qk_accumulators *from, char *y,
                             size_t stride) {
  char elements[QK_LARGEST_TILE * sizeof(int32_t)];
  const size_t rows = from->rows, columns = from->columns;
  qk_output_store_rows(output, from, elements, columns);
  switch (output->element_size) {
    case 1:
      qk_transpose_bytes((unsigned char *)y, stride, (unsigned char *)elements, columns, rows,
                         columns);
      break;
    case 2: transpose(y, stride, elements, columns, rows, columns, 2); break;
    default: transpose(y, stride, elements, columns, rows, columns, 4); break;
  }
}
