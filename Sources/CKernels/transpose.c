#include "transpose.h"

/// Swaps the halves of 8-byte words that a mask selects: `upper`'s with those `shift` bits above in
/// `lower`.
static inline void exchange(uint64_t *lower, uint64_t *upper, int shift, uint64_t mask) {
  uint64_t difference = ((*lower >> shift) ^ *upper) & mask;
  *upper ^= difference;
  *lower ^= difference << shift;
}

/// An 8 by 8 block, as eight little-endian words: exchanges off-diagonal blocks of 4, 2 and 1.
static void transpose_block(unsigned char *to, size_t to_stride, const unsigned char *from,
                            size_t from_stride) {
  uint64_t row[8];
  for (size_t r = 0; r < 8; r++) memcpy(&row[r], from + r * from_stride, sizeof *row);
  for (size_t r = 0; r < 4; r++) exchange(&row[r], &row[r + 4], 32, 0x00000000FFFFFFFF);
  for (size_t r = 0; r < 8; r++) {
    if (!(r & 2)) exchange(&row[r], &row[r + 2], 16, 0x0000FFFF0000FFFF);
  }
  for (size_t r = 0; r < 8; r += 2) exchange(&row[r], &row[r + 1], 8, 0x00FF00FF00FF00FF);
  for (size_t r = 0; r < 8; r++) memcpy(to + r * to_stride, &row[r], sizeof *row);
}

void qk_transpose_bytes(unsigned char *to, size_t to_stride, const unsigned char *from,
                        size_t from_stride, size_t rows, size_t columns) {
  const size_t block_rows = rows / 8 * 8, block_columns = columns / 8 * 8;
  for (size_t r = 0; r < block_rows; r += 8) {
    for (size_t c = 0; c < block_columns; c += 8) {
      transpose_block(to + c * to_stride + r, to_stride, from + r * from_stride + c, from_stride);
    }
  }
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = r < block_rows ? block_columns : 0; c < columns; c++) {
      to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
}
