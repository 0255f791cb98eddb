#include "product.h"

#include <stdlib.h>

static size_t padded_columns(const qk_factor *factor) {
  return qk_round_up(factor->columns, factor->engine->columns);
}

/// aligned_alloc wants whole multiples.
static void *allocate_vectors(size_t bytes) {
  return aligned_alloc(64, qk_round_up(qk_max(bytes, 1), 64));
}

static void pack_panels(qk_factor *factor, const qk_factor_source *source) {
  const qk_engine *engine = factor->engine;
  const size_t step_size = engine->columns * engine->group * qk_element_size(engine);
  unsigned char *to = factor->panels;
  for (size_t column = 0; column < factor->columns; column += engine->columns) {
    size_t columns = qk_min(engine->columns, factor->columns - column);
    const unsigned char *panel = source->b + column * source->column_stride;
    for (size_t segment = 0; segment < factor->segments; segment++) {
      const unsigned char *b = panel + segment * source->segment_stride;
      for (size_t i = 0; i < factor->length; i += engine->group, to += step_size) {
        engine->pack(to, b + i * source->element_stride, qk_min(engine->group, factor->length - i),
                     columns, source->element_stride, source->column_stride, source->type,
                     source->zero_points + column);
      }
    }
  }
}

static void take_sums(void *context, size_t row, size_t rows, size_t column, size_t columns,
                      const int32_t *acc, size_t stride) {
  (void)row, (void)rows, (void)stride;
  memcpy((int32_t *)context + column, acc, columns * sizeof *acc);
}

/// The sums of the columns are their products with a row of ones, all segments reading the same.
static qk_status sum_columns(qk_factor *factor) {
  const size_t segment_size = factor->steps * factor->engine->group;
  unsigned char *ones = malloc(qk_max(segment_size, 1));
  size_t *offsets = calloc(qk_max(factor->segments, 1), sizeof *offsets);
  int32_t *initial = calloc(padded_columns(factor) + 1, sizeof *initial);
  qk_status status = ones && offsets && initial ? QK_OK : QK_OUT_OF_MEMORY;
  if (status == QK_OK) {
    const unsigned char *starts[QK_LARGEST_TILE];
    for (size_t r = 0; r < factor->engine->rows; r++) starts[r] = ones;
    memset(ones, 1, segment_size);
    qk_rows rows = {.starts = starts, .count = 1, .offsets = offsets};
    qk_multiply(factor, &rows, initial, take_sums, factor->sums);
  }
  free(ones);
  free(offsets);
  free(initial);
  return status;
}

qk_status qk_factor_pack(qk_factor *factor, const qk_engine *engine,
                         const qk_factor_source *source) {
  *factor = (qk_factor){.engine = engine,
                        .columns = source->columns,
                        .segments = source->segments,
                        .length = source->length,
                        .steps = (source->length + engine->group - 1) / engine->group};
  factor->panel_size = factor->segments * factor->steps * engine->group * engine->columns *
                       qk_element_size(engine);
  const size_t padded = padded_columns(factor);
  factor->panels = allocate_vectors(padded / engine->columns * factor->panel_size);
  if (!factor->panels) return QK_OUT_OF_MEMORY;
  pack_panels(factor, source);
  if (qk_has_words(engine)) return QK_OK;

  factor->zero_points = calloc(padded + 1, sizeof *factor->zero_points);
  factor->sums = calloc(padded + 1, sizeof *factor->sums);
  if (!factor->zero_points || !factor->sums) {
    qk_factor_free(factor);
    return QK_OUT_OF_MEMORY;
  }
  for (size_t c = 0; c < factor->columns; c++) {
    factor->zero_points[c] = source->zero_points[c] + qk_flip_offset(source->type, engine->b_type);
    factor->has_zero_points = factor->has_zero_points || factor->zero_points[c] != 0;
  }
  return sum_columns(factor);
}

void qk_factor_free(qk_factor *factor) {
  free(factor->panels);
  free(factor->zero_points);
  free(factor->sums);
  *factor = (qk_factor){0};
}

int32_t *qk_factor_initial(const qk_factor *factor, const int32_t *bias, qk_type a_type,
                           int32_t a_zero_point) {
  int32_t *initial = calloc(padded_columns(factor) + 1, sizeof *initial);
  if (!initial) return NULL;
  if (bias) memcpy(initial, bias, factor->columns * sizeof *initial);
  if (qk_has_words(factor->engine)) return initial;
  const uint32_t k = (uint32_t)(factor->segments * factor->length);
  const int32_t za = a_zero_point + qk_flip_offset(a_type, factor->engine->a_type);
  for (size_t c = 0; c < factor->columns; c++) {
    const uint32_t difference = k * (uint32_t)factor->zero_points[c] - (uint32_t)factor->sums[c];
    initial[c] = (int32_t)((uint32_t)initial[c] + (uint32_t)za * difference);
  }
  return initial;
}

void qk_multiply(const qk_factor *factor, const qk_rows *rows, const int32_t *initial,
                 qk_take_tile *take, void *context) {
  const qk_engine *engine = factor->engine;
  _Alignas(64) int32_t acc[QK_LARGEST_TILE];
  const unsigned char *panel = factor->panels;
  // In a depthwise convolution, a panel of columns reads its own channels of the rows.
  const size_t panel_base = engine->group == 1 ? engine->columns * qk_element_size(engine) : 0;
  size_t base = rows->base;
  for (size_t column = 0; column < factor->columns; column += engine->columns) {
    const size_t columns = qk_min(engine->columns, factor->columns - column);
    for (size_t row = 0; row < rows->count; row += engine->rows) {
      engine->tile(rows->starts + row, base, rows->offsets, factor->segments, factor->steps, panel,
                   columns, initial + column, acc);
      if (rows->terms) {
        engine->subtract_products(acc, rows->terms + row, factor->zero_points + column);
      }
      if (rows->zero_points) {
        engine->subtract_products(acc, rows->zero_points + row, factor->sums + column);
      }
      take(context, row, qk_min(engine->rows, rows->count - row), column, columns, acc,
           engine->columns);
    }
    panel += factor->panel_size;
    base += panel_base;
  }
}
