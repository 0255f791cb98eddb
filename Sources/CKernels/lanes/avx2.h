// The lanes of AVX2: 8 floats or int32s. common.h says what each function means.
#include "../internal.h"

enum { LANES = 8 };
typedef __m256 floats;
typedef __m256i ints;
typedef __m256i bools;

QK_INLINE __m256i first_lanes(size_t n) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), index);
}

// MARK: Memory

QK_INLINE floats load_floats(const void *p, size_t n, float rest) {
  if (n == LANES) return _mm256_loadu_ps(p);
  __m256i mask = first_lanes(n);
  return _mm256_blendv_ps(_mm256_set1_ps(rest), _mm256_maskload_ps(p, mask),
                          _mm256_castsi256_ps(mask));
}

QK_INLINE ints load_ints(const void *p, size_t n) {
  return n == LANES ? _mm256_loadu_si256(p) : _mm256_maskload_epi32(p, first_lanes(n));
}

QK_INLINE ints load_integers(qk_type type, const void *p, size_t n) {
  if (type == QK_INT32) return load_ints(p, n);
  // 8 and 16-bit masked loads do not exist, hence the copy of a tail.
  char copy[LANES * sizeof(int16_t)] = {0};
  if (n < LANES) {
    memcpy(copy, p, n * qk_size(type));
    p = copy;
  }
  switch (type) {
    case QK_INT8: return _mm256_cvtepi8_epi32(_mm_loadl_epi64(p));
    case QK_UINT8: return _mm256_cvtepu8_epi32(_mm_loadl_epi64(p));
    case QK_INT16: return _mm256_cvtepi16_epi32(_mm_loadu_si128(p));
    default: return _mm256_cvtepu16_epi32(_mm_loadu_si128(p));
  }
}

QK_INLINE void store_floats(void *p, size_t n, floats v) {
  if (n == LANES) {
    _mm256_storeu_ps(p, v);
  } else {
    _mm256_maskstore_ps(p, first_lanes(n), v);
  }
}

QK_INLINE void store_ints(void *p, ints v) { _mm256_storeu_si256(p, v); }

QK_INLINE void store_low(size_t bytes, void *p, size_t n, ints v) {
  // Packing saturates; with the upper bits cleared it only drops them.
  __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(bytes == 1 ? 0xFF : 0xFFFF));
  __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  if (bytes == 1) packed = _mm_packus_epi16(packed, packed);
  if (n < LANES) {
    char copy[sizeof packed];
    _mm_storeu_si128((__m128i *)copy, packed);
    memcpy(p, copy, n * bytes);
  } else if (bytes == 1) {
    _mm_storel_epi64(p, packed);
  } else {
    _mm_storeu_si128(p, packed);
  }
}

QK_INLINE void store_bools(void *p, size_t n, bools v) {
  store_low(1, p, n, _mm256_srli_epi32(v, 31));
}

// MARK: Floats

QK_INLINE floats spread_float(float v) { return _mm256_set1_ps(v); }
QK_INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
QK_INLINE floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
QK_INLINE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
QK_INLINE floats divide(floats a, floats b) { return _mm256_div_ps(a, b); }
// max and min give their second operand where either is NaN.
QK_INLINE floats largest(floats a, floats b) { return _mm256_max_ps(a, b); }
QK_INLINE floats least(floats a, floats b) { return _mm256_min_ps(a, b); }

QK_INLINE floats with_sign_of(floats magnitude, floats sign) {
  return _mm256_or_ps(magnitude, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}

QK_INLINE floats round_to_even(floats v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

QK_INLINE bools is_between(floats low, floats v, floats high) {
  __m256 above = _mm256_cmp_ps(low, v, _CMP_LE_OQ), below = _mm256_cmp_ps(v, high, _CMP_LE_OQ);
  return _mm256_castps_si256(_mm256_and_ps(above, below));
}

// MARK: Conversions

QK_INLINE ints ints_to_even(floats v) { return _mm256_cvtps_epi32(v); }
QK_INLINE ints ints_toward_zero(floats v) { return _mm256_cvttps_epi32(v); }
QK_INLINE floats floats_of(ints v) { return _mm256_cvtepi32_ps(v); }

QK_INLINE __m128 half_difference(__m128i a, __m128i b) {
  return _mm256_cvtpd_ps(_mm256_sub_pd(_mm256_cvtepi32_pd(a), _mm256_cvtepi32_pd(b)));
}

QK_INLINE floats float_difference(ints a, ints b) {
  __m128 low = half_difference(_mm256_castsi256_si128(a), _mm256_castsi256_si128(b));
  __m128 high = half_difference(_mm256_extracti128_si256(a, 1), _mm256_extracti128_si256(b, 1));
  return _mm256_set_m128(high, low);
}

// MARK: Ints

QK_INLINE ints spread_int(int32_t v) { return _mm256_set1_epi32(v); }
QK_INLINE ints add_ints(ints a, ints b) { return _mm256_add_epi32(a, b); }
QK_INLINE ints subtract_ints(ints a, ints b) { return _mm256_sub_epi32(a, b); }
QK_INLINE ints multiply_ints(ints a, ints b) { return _mm256_mullo_epi32(a, b); }
QK_INLINE ints largest_int(ints a, ints b) { return _mm256_max_epi32(a, b); }
QK_INLINE ints least_int(ints a, ints b) { return _mm256_min_epi32(a, b); }
QK_INLINE ints and_ints(ints a, ints b) { return _mm256_and_si256(a, b); }
QK_INLINE ints shift_left(ints v, ints by) { return _mm256_sllv_epi32(v, by); }
QK_INLINE ints shift_right(ints v, ints by) { return _mm256_srav_epi32(v, by); }

QK_INLINE int32_t sum_of_lanes(ints v) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  half = _mm_add_epi32(half, _mm_unpackhi_epi64(half, half));
  return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 1)));
}

QK_INLINE ints add_one_where_greater(ints v, ints a, ints b) {
  return _mm256_sub_epi32(v, _mm256_cmpgt_epi32(a, b));
}

QK_INLINE ints rounding_doubling_high_multiply(ints a, ints b) {
  const __m256i half = _mm256_set1_epi64x(1 << 30);
  __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
  __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  odd = _mm256_add_epi64(odd, half);
  // Bits 31 to 62 of each sum: down to the lower half of the even ones, up to the upper of the odd.
  ints high = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
  // Only MIN * MIN gives 2^31, which wraps to MIN here; ~MIN is MAX.
  return _mm256_xor_si256(high, _mm256_cmpeq_epi32(high, _mm256_set1_epi32(INT32_MIN)));
}
