// y[m][n] = sum over k of (a[m][k] - a_zero_point[m]) * (b[k][n] - b_zero_point[n]) + bias[n]
#include <stdlib.h>

#include "output.h"
#include "product.h"

struct qk_matmul_plan {
  qk_matmul matmul;  // its pointers are not used
  qk_output output;
  int32_t *b_zero_points;   // n
  const qk_engine *engine;  // null: scalar
  unsigned char *b;         // scalar: as given
  qk_factor factor;         // else: packed
};

static qk_status take_b(qk_matmul_plan *plan, const void *b) {
  const size_t n = plan->matmul.n, k = plan->matmul.k;
  if (plan->engine) {
    qk_factor_source source = {.b = b,
                               .type = plan->matmul.b_type,
                               .columns = n,
                               .segments = 1,
                               .length = k,
                               .element_stride = n,
                               .column_stride = 1,
                               .zero_points = plan->b_zero_points};
    return qk_factor_pack(&plan->factor, plan->engine, &source);
  }
  plan->b = malloc(qk_max(n * k, 1));
  if (!plan->b) return QK_OUT_OF_MEMORY;
  memcpy(plan->b, b, n * k);
  return QK_OK;
}

qk_status qk_matmul_prepare(qk_tier tier, const qk_matmul *matmul, const void *b,
                            qk_matmul_plan **result) {
  *result = NULL;
  if (qk_tier_missing(tier)) return QK_TIER_UNAVAILABLE;
  qk_matmul_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return QK_OUT_OF_MEMORY;
  plan->matmul = *matmul;
  plan->engine = qk_engine_for(tier);
  qk_status status =
      qk_output_prepare(&plan->output, tier, matmul->n, matmul->bias, matmul->requantization);
  plan->b_zero_points = qk_spread(matmul->b_zero_points, matmul->b_zero_point_count, matmul->n);
  if (!plan->b_zero_points) status = QK_OUT_OF_MEMORY;
  if (status == QK_OK) status = take_b(plan, b);
  if (status != QK_OK) {
    qk_matmul_free(plan);
    return status;
  }
  *result = plan;
  return QK_OK;
}

void qk_matmul_free(qk_matmul_plan *plan) {
  if (!plan) return;
  qk_output_free(&plan->output);
  free(plan->b_zero_points);
  free(plan->b);
  qk_factor_free(&plan->factor);
  free(plan);
}

/// The left factor of one call.
typedef struct left_factor {
  size_t rows;
  const unsigned char *a;
  const int32_t *zero_points;
  size_t zero_point_count;  // 0, 1 or rows
} left_factor;

static int32_t zero_point_of_row(const left_factor *left, size_t row) {
  if (left->zero_point_count == 0) return 0;
  return qk_load_int32(left->zero_points, left->zero_point_count > 1 ? row : 0);
}

// MARK: Scalar

/// The definition, one element after the other; unsigned arithmetic wraps mod 2^32.
static void multiply_scalar(const qk_matmul_plan *plan, const left_factor *left, char *y) {
  const qk_matmul *p = &plan->matmul;
  for (size_t row = 0; row < left->rows; row++) {
    const int32_t a_zero_point = zero_point_of_row(left, row);
    for (size_t column = 0; column < p->n; column++) {
      uint32_t sum = (uint32_t)plan->output.bias[column];
      for (size_t k = 0; k < p->k; k++) {
        int32_t a = qk_load_integer(p->a_type, left->a, row * p->k + k) - a_zero_point;
        int32_t b = qk_load_integer(p->b_type, plan->b, k * p->n + column) -
                    plan->b_zero_points[column];
        sum += (uint32_t)(a * b);
      }
      int32_t acc = (int32_t)sum;
      qk_accumulators one = {&acc, 1, column, 1, 1};
      qk_output_store_rows(&plan->output, &one, y, 1);
      y += plan->output.element_size;
    }
  }
}

// MARK: Engines

/// Scratch memory for the rows that are staged at a time.
typedef struct staging {
  size_t capacity;  // rows
  size_t stride;    // bytes
  unsigned char *rows;
  const unsigned char **starts;
  int32_t *terms;        // see qk_rows
  int32_t *zero_points;  // see qk_rows
  int32_t *initial;
} staging;

static void free_staging(staging *s) {
  free(s->rows);
  free(s->starts);
  free(s->terms);
  free(s->zero_points);
  free(s->initial);
}

static qk_status allocate_staging(staging *s, const qk_matmul_plan *plan, const left_factor *left) {
  const qk_engine *engine = plan->engine;
  // An odd number of cache lines, so that the rows of a tile do not compete for the same sets.
  s->stride = (qk_round_up(plan->matmul.k * qk_element_size(engine), 64) / 64 | 1) * 64;
  size_t fitting = qk_max(QK_STAGING_BYTES / s->stride, 1);
  s->capacity = qk_round_up(qk_min(qk_max(left->rows, 1), fitting), engine->rows);
  s->rows = malloc(s->capacity * s->stride + QK_STAGING_SLACK);
  s->starts = malloc(s->capacity * sizeof *s->starts);
  s->terms = calloc(s->capacity, sizeof *s->terms);
  s->zero_points = calloc(s->capacity, sizeof *s->zero_points);
  const bool shared_zero_point = left->zero_point_count <= 1;
  s->initial = qk_factor_initial(
      &plan->factor, plan->output.bias, plan->matmul.a_type,
      // Zero for rows with zero points of their own, once staged: they are compensated by row.
      shared_zero_point ? zero_point_of_row(left, 0)
                        : -qk_flip_offset(plan->matmul.a_type, engine->a_type));
  if (!s->rows || !s->starts || !s->terms || !s->zero_points || !s->initial) {
    return QK_OUT_OF_MEMORY;
  }
  for (size_t r = 0; r < s->capacity; r++) s->starts[r] = s->rows + r * s->stride;
  return QK_OK;
}

/// Stages `count` rows from `first` on, with the terms that compensate their zero points.
static void stage_rows(staging *s, const qk_matmul_plan *plan, const left_factor *left,
                       size_t first, size_t count) {
  const qk_engine *engine = plan->engine;
  const qk_type type = plan->matmul.a_type;
  const size_t k = plan->matmul.k;
  for (size_t r = 0; r < count; r++) {
    unsigned char *row = s->rows + r * s->stride;
    const int32_t zero_point = zero_point_of_row(left, first + r);
    engine->stage(row, left->a + (first + r) * k, k, type, zero_point);
    s->zero_points[r] = zero_point + qk_flip_offset(type, engine->a_type);
  }
  if (!plan->factor.has_zero_points) return;
  engine->sum(s->rows, count, k, s->stride, s->terms);
  // With one zero point for all rows, k * za * zb is part of the initial sums.
  for (size_t r = 0; r < count && left->zero_point_count > 1; r++) {
    s->terms[r] = (int32_t)((uint32_t)s->terms[r] - (uint32_t)k * (uint32_t)s->zero_points[r]);
  }
}

typedef struct destination {
  const qk_matmul_plan *plan;
  char *y;  // of the first staged row
} destination;

static void store_tile(void *context, size_t row, size_t rows, size_t column, size_t columns,
                       const int32_t *acc, size_t stride) {
  const destination *to = context;
  const qk_output *output = &to->plan->output;
  const size_t n = to->plan->matmul.n;
  qk_accumulators tile = {acc, rows, column, columns, stride};
  qk_output_store_rows(output, &tile, to->y + (row * n + column) * output->element_size, n);
}

static qk_status multiply_by_engine(const qk_matmul_plan *plan, const left_factor *left, char *y) {
  staging s = {0};
  qk_status status = allocate_staging(&s, plan, left);
  const bool compensate_rows = !qk_has_words(plan->engine) && left->zero_point_count > 1;
  const size_t offset = 0;
  for (size_t row = 0; status == QK_OK && row < left->rows; row += s.capacity) {
    const size_t count = qk_min(s.capacity, left->rows - row);
    stage_rows(&s, plan, left, row, count);
    qk_rows rows = {.starts = s.starts,
                    .count = count,
                    .offsets = &offset,
                    .terms = plan->factor.has_zero_points ? s.terms : NULL,
                    .zero_points = compensate_rows ? s.zero_points : NULL};
    destination to = {plan, y + row * plan->matmul.n * plan->output.element_size};
    qk_multiply(&plan->factor, &rows, s.initial, store_tile, &to);
  }
  free_staging(&s);
  return status;
}

qk_status qk_matmul_run(const qk_matmul_plan *plan, size_t m, const void *a,
                        const int32_t *a_zero_points, size_t a_zero_point_count, void *y) {
  const left_factor left = {m, a, a_zero_points, a_zero_point_count};
  if (plan->engine) return multiply_by_engine(plan, &left, y);
  multiply_scalar(plan, &left, y);
  return QK_OK;
}

qk_status qk_matmul_once(qk_tier tier, const qk_matmul *matmul, size_t m, const void *a,
                         const int32_t *a_zero_points, size_t a_zero_point_count, const void *b,
                         void *y) {
  qk_matmul_plan *plan;
  qk_status status = qk_matmul_prepare(tier, matmul, b, &plan);
  if (status == QK_OK) status = qk_matmul_run(plan, m, a, a_zero_points, a_zero_point_count, y);
  qk_matmul_free(plan);
  return status;
}
