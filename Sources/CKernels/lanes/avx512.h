// The lanes of AVX-512: 16 floats or int32s. common.h says what each function means.
#include "../internal.h"

enum { LANES = 16 };
typedef __m512 floats;
typedef __m512i ints;
typedef __mmask16 bools;

QK_INLINE __mmask16 first_lanes(size_t n) { return (__mmask16)((1u << n) - 1); }

// MARK: Memory (masked lanes are not touched)

QK_INLINE floats load_floats(const void *p, size_t n, float rest) {
  if (n == LANES) return _mm512_loadu_ps(p);
  return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), first_lanes(n), p);
}

QK_INLINE ints load_ints(const void *p, size_t n) {
  return n == LANES ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi32(first_lanes(n), p);
}

QK_INLINE ints load_integers(qk_type type, const void *p, size_t n) {
  if (type == QK_INT32) return load_ints(p, n);
  __mmask16 mask = first_lanes(n);
  if (qk_size(type) == 1) {
    __m128i bytes = n == LANES ? _mm_loadu_si128(p) : _mm_maskz_loadu_epi8(mask, p);
    return type == QK_INT8 ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
  }
  __m256i words = n == LANES ? _mm256_loadu_si256(p) : _mm256_maskz_loadu_epi16(mask, p);
  return type == QK_INT16 ? _mm512_cvtepi16_epi32(words) : _mm512_cvtepu16_epi32(words);
}

QK_INLINE void store_floats(void *p, size_t n, floats v) {
  if (n == LANES) {
    _mm512_storeu_ps(p, v);
  } else {
    _mm512_mask_storeu_ps(p, first_lanes(n), v);
  }
}

QK_INLINE void store_ints(void *p, ints v) { _mm512_storeu_si512(p, v); }

QK_INLINE void store_low(size_t bytes, void *p, size_t n, ints v) {
  if (bytes == 1) {
    __m128i low = _mm512_cvtepi32_epi8(v);
    if (n == LANES) {
      _mm_storeu_si128(p, low);
    } else {
      _mm_mask_storeu_epi8(p, first_lanes(n), low);
    }
  } else {
    __m256i low = _mm512_cvtepi32_epi16(v);
    if (n == LANES) {
      _mm256_storeu_si256(p, low);
    } else {
      _mm256_mask_storeu_epi16(p, first_lanes(n), low);
    }
  }
}

QK_INLINE void store_bools(void *p, size_t n, bools v) {
  __m128i bytes = _mm_maskz_set1_epi8(v, 1);
  if (n == LANES) {
    _mm_storeu_si128(p, bytes);
  } else {
    _mm_mask_storeu_epi8(p, first_lanes(n), bytes);
  }
}

// MARK: Floats

QK_INLINE floats spread_float(float v) { return _mm512_set1_ps(v); }
QK_INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
QK_INLINE floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
QK_INLINE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
QK_INLINE floats divide(floats a, floats b) { return _mm512_div_ps(a, b); }
// max and min give their second operand where either is NaN.
QK_INLINE floats largest(floats a, floats b) { return _mm512_max_ps(a, b); }
QK_INLINE floats least(floats a, floats b) { return _mm512_min_ps(a, b); }

QK_INLINE floats with_sign_of(floats magnitude, floats sign) {
  return _mm512_or_ps(magnitude, _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}

QK_INLINE floats round_to_even(floats v) {
  return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

QK_INLINE bools is_between(floats low, floats v, floats high) {
  return _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(low, v, _CMP_LE_OQ), v, high, _CMP_LE_OQ);
}

// MARK: Conversions

QK_INLINE ints ints_to_even(floats v) { return _mm512_cvtps_epi32(v); }
QK_INLINE ints ints_toward_zero(floats v) { return _mm512_cvttps_epi32(v); }
QK_INLINE floats floats_of(ints v) { return _mm512_cvtepi32_ps(v); }

QK_INLINE __m256 half_difference(__m256i a, __m256i b) {
  return _mm512_cvtpd_ps(_mm512_sub_pd(_mm512_cvtepi32_pd(a), _mm512_cvtepi32_pd(b)));
}

QK_INLINE floats float_difference(ints a, ints b) {
  __m256 low = half_difference(_mm512_castsi512_si256(a), _mm512_castsi512_si256(b));
  __m256 high =
      half_difference(_mm512_extracti64x4_epi64(a, 1), _mm512_extracti64x4_epi64(b, 1));
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

// MARK: Ints

QK_INLINE ints spread_int(int32_t v) { return _mm512_set1_epi32(v); }
QK_INLINE ints add_ints(ints a, ints b) { return _mm512_add_epi32(a, b); }
QK_INLINE ints subtract_ints(ints a, ints b) { return _mm512_sub_epi32(a, b); }
QK_INLINE ints multiply_ints(ints a, ints b) { return _mm512_mullo_epi32(a, b); }
QK_INLINE ints largest_int(ints a, ints b) { return _mm512_max_epi32(a, b); }
QK_INLINE ints least_int(ints a, ints b) { return _mm512_min_epi32(a, b); }
QK_INLINE ints and_ints(ints a, ints b) { return _mm512_and_si512(a, b); }
QK_INLINE ints shift_left(ints v, ints by) { return _mm512_sllv_epi32(v, by); }
QK_INLINE ints shift_right(ints v, ints by) { return _mm512_srav_epi32(v, by); }

QK_INLINE int32_t sum_of_lanes(ints v) { return _mm512_reduce_add_epi32(v); }

QK_INLINE ints add_one_where_greater(ints v, ints a, ints b) {
  return _mm512_mask_add_epi32(v, _mm512_cmpgt_epi32_mask(a, b), v, _mm512_set1_epi32(1));
}

QK_INLINE ints rounding_doubling_high_multiply(ints a, ints b) {
  const __m512i half = _mm512_set1_epi64(1 << 30);
  __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
  __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  odd = _mm512_add_epi64(odd, half);
  // Bits 31 to 62 of each sum: down to the lower half of the even ones, up to the upper of the odd.
  ints high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31),
                                      _mm512_slli_epi64(odd, 1));
  // Only MIN * MIN gives 2^31, which wraps to MIN here.
  __mmask16 wrapped = _mm512_cmpeq_epi32_mask(high, _mm512_set1_epi32(INT32_MIN));
  return _mm512_mask_mov_epi32(high, wrapped, _mm512_set1_epi32(INT32_MAX));
}
