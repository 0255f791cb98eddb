// Staging and packing for any engine (see ../engine.h), which says before:
// - ROWS of a tile, and VECTORS of LANES columns each;
// - `element`: uint8_t or int8_t for bytes, int16_t for words; GROUP of them to a step;
// - A_TYPE and B_TYPE: what bytes are converted to.

enum { COLUMNS = VECTORS * LANES };

static void stage(void *staged, const unsigned char *x, size_t count, qk_type type,
                  int32_t zero_point) {
  element *to = staged;
  if (sizeof(element) == 1) {
    const unsigned char flip = type == A_TYPE ? 0 : 0x80;
    for (size_t i = 0; i < count; i++) to[i] = (element)(x[i] ^ flip);
  } else if (type == QK_INT8) {
    for (size_t i = 0; i < count; i++) to[i] = (element)((int8_t)x[i] - zero_point);
  } else {
    for (size_t i = 0; i < count; i++) to[i] = (element)(x[i] - zero_point);
  }
}

QK_INLINE element pack_element(unsigned char b, qk_type type, int32_t zero_point) {
  if (sizeof(element) == 1) return (element)(type == B_TYPE ? b : b ^ 0x80);
  return (element)((type == QK_INT8 ? (int8_t)b : b) - zero_point);
}

/// The whole of a step and of a panel, in the order that vectorizes.
QK_INLINE void pack_whole(element *to, const unsigned char *b, size_t element_stride,
                          size_t column_stride, qk_type type, const int32_t *zero_points) {
  for (size_t c = 0; c < COLUMNS; c++) {
    for (size_t i = 0; i < GROUP; i++) {
      to[c * GROUP + i] =
          pack_element(b[i * element_stride + c * column_stride], type, zero_points[c]);
    }
  }
}

static void pack(void *packed, const unsigned char *b, size_t count, size_t columns,
                 size_t element_stride, size_t column_stride, qk_type type,
                 const int32_t *zero_points) {
  element *to = packed;
  if (count == GROUP && columns == COLUMNS) {
    if (column_stride == 1) {
      if (type == QK_INT8) {
        pack_whole(to, b, element_stride, 1, QK_INT8, zero_points);
      } else {
        pack_whole(to, b, element_stride, 1, QK_UINT8, zero_points);
      }
    } else {
      pack_whole(to, b, element_stride, column_stride, type, zero_points);
    }
    return;
  }
  memset(to, 0, COLUMNS * GROUP * sizeof *to);
  for (size_t c = 0; c < columns; c++) {
    for (size_t i = 0; i < count; i++) {
      to[c * GROUP + i] =
          pack_element(b[i * element_stride + c * column_stride], type, zero_points[c]);
    }
  }
}
