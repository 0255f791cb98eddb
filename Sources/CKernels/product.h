// The product of staged rows and a packed factor, in any engine: what convolution and matrix
// product have in common.
#ifndef QVERIFY_PRODUCT_H
#define QVERIFY_PRODUCT_H

#include "engine.h"

/// Bytes that may be read after the last staged element: a step or a vector beyond it.
enum { QK_STAGING_SLACK = 128 };

/// Staged rows of one go should stay in the second-level cache together with a panel.
enum { QK_STAGING_BYTES = 256 * 1024 };

/// The right factor, before packing: element i of segment s and column c is at
/// b[s * segment_stride + i * element_stride + c * column_stride].
typedef struct qk_factor_source {
  const unsigned char *b;
  qk_type type;
  size_t columns;
  size_t segments;
  size_t length;  // of a segment
  size_t segment_stride, element_stride, column_stride;
  const int32_t *zero_points;  // one per column
} qk_factor_source;

/// The packed right factor. Arrays have whole panels of columns, filled up with zeros.
typedef struct qk_factor {
  const qk_engine *engine;
  size_t columns;
  size_t segments;
  size_t length;  // of a segment
  size_t steps;   // of a segment
  size_t panel_size;
  unsigned char *panels;
  // Engines of bytes only:
  int32_t *zero_points;  // of the packed elements
  int32_t *sums;         // of the packed columns
  bool has_zero_points;  // not all zero
} qk_factor;

qk_status qk_factor_pack(qk_factor *factor, const qk_engine *engine,
                         const qk_factor_source *source);
void qk_factor_free(qk_factor *factor);

/// Where the sums of all rows begin: with the bias (`columns` elements, or null), and with what one
/// zero point of a, common to all rows, contributes. From malloc.
int32_t *qk_factor_initial(const qk_factor *factor, const int32_t *bias, qk_type a_type,
                           int32_t a_zero_point);

/// Staged rows. The arrays have whole tiles of rows; those beyond `count` are ignored.
typedef struct qk_rows {
  const unsigned char *const *starts;
  size_t count;
  size_t base;             // of the elements in all rows
  const size_t *offsets;   // of the segments in all rows
  // Engines of bytes only, null where not needed:
  const int32_t *terms;        // the coefficient of the zero points of the columns
  const int32_t *zero_points;  // of the staged elements, where rows differ in them
} qk_rows;

/// Takes `rows` by `columns` accumulators of a tile, `stride` elements from row to row.
typedef void qk_take_tile(void *context, size_t row, size_t rows, size_t column, size_t columns,
                          const int32_t *acc, size_t stride);

void qk_multiply(const qk_factor *factor, const qk_rows *rows, const int32_t *initial,
                 qk_take_tile *take, void *context);

#endif
