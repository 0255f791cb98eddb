// What convolution and matrix product ask of a tier.
//
// Both are sums of products of a staged left factor (activations, one row per output pixel or
// matrix row) and a packed right factor (weights, one column per output channel). An engine stages,
// packs and multiplies in one of two representations, neither of which can saturate:
//
// - bytes: elements are converted to one signedness each by flipping their top bit, which adds or
//   subtracts 128, and four products at a time are summed in int32. The zero points, moved by the
//   same 128, are compensated by sums of rows and columns:
//     sum (a - za)(b - zb) = sum a b - za * sum b - zb * sum a + k * za * zb;
// - words: the zero points are subtracted while staging and packing. Both differences fit in 9 bits
//   and a sign, so two products at a time are summed in int32 exactly.
#ifndef QVERIFY_ENGINE_H
#define QVERIFY_ENGINE_H

#include "internal.h"

/// Computes a tile of engine->rows by engine->columns accumulators, one row after the other:
///
///   acc[r][c] = initial[c] + sum over s and i of rows[r][base + offsets[s] + i] * panel[s][i][c]
///
/// i counts elements of a segment, a stretch of memory in all rows. A matrix row is one segment; a
/// convolution has one per kernel row or tap. Segments are read in whole steps of 4 bytes: a few
/// bytes after the last element are read, and multiplied by zero. Only the first `columns` columns
/// are needed, and only those rows' results that the caller asked for.
typedef void qk_tile(const unsigned char *const *rows, size_t base, const size_t *offsets,
                     size_t segments, size_t steps, const void *panel, size_t columns,
                     const int32_t *initial, int32_t *acc);

enum { QK_LARGEST_TILE = 8 * 32 };

typedef struct qk_engine {
  size_t rows;     // of a tile
  size_t columns;  // of a tile and of a panel
  size_t group;    // elements per step: 4 bytes or 2 words; 1 for depthwise
  /// What bytes are converted to. QK_INT16 means words.
  qk_type a_type;
  qk_type b_type;
  qk_tile *tile;
  /// Stages `count` consecutive elements of type `type`. For bytes, `zero_point` is not used.
  void (*stage)(void *staged, const unsigned char *x, size_t count, qk_type type,
                int32_t zero_point);
  /// Packs one step of a panel: `count` elements of each of `columns` columns, at
  /// b[i * element_stride + c * column_stride]; the rest of the step becomes zero. For words, the
  /// zero point of each column is subtracted.
  void (*pack)(void *packed, const unsigned char *b, size_t count, size_t columns,
               size_t element_stride, size_t column_stride, qk_type type,
               const int32_t *zero_points);
  /// Bytes only: the sums of stretches of `length` staged elements that begin `stride` bytes apart.
  void (*sum)(const void *staged, size_t stretches, size_t length, size_t stride,
              int32_t *results);
  /// Bytes only: acc[r][c] -= row_terms[r] * column_terms[c] for a tile.
  void (*subtract_products)(int32_t *acc, const int32_t *row_terms, const int32_t *column_terms);
} qk_engine;

static inline bool qk_has_words(const qk_engine *engine) { return engine->a_type == QK_INT16; }

static inline size_t qk_element_size(const qk_engine *engine) { return qk_size(engine->a_type); }

/// What converting from `type` to `staged` adds to every value.
static inline int32_t qk_flip_offset(qk_type type, qk_type staged) {
  return type == staged ? 0 : staged == QK_UINT8 ? 128 : -128;
}

/// The engine of a tier for products with sums over channels; null for scalar.
const qk_engine *qk_engine_for(qk_tier tier);

/// The engine of a tier for depthwise convolution, which has one element per segment, and whose
/// tiles read column c of a row at element c of the segment. Null for scalar.
const qk_engine *qk_depthwise_engine_for(qk_tier tier);

#endif
