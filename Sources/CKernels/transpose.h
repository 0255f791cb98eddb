// Changes of layout.
#ifndef QVERIFY_TRANSPOSE_H
#define QVERIFY_TRANSPOSE_H

#include "internal.h"

/// to[c * to_stride + r] = from[r * from_stride + c] for all rows r and columns c.
void qk_transpose_bytes(unsigned char *to, size_t to_stride, const unsigned char *from,
                        size_t from_stride, size_t rows, size_t columns);

#endif
