// The lanes of NEON: 4 floats or int32s. common.h says what each function means.
#include "../internal.h"

enum { LANES = 4 };
typedef float32x4_t floats;
typedef int32x4_t ints;
typedef uint32x4_t bools;

// MARK: Memory (a tail goes through a copy: there are no masked loads)

QK_INLINE floats load_floats(const void *p, size_t n, float rest) {
  float copy[LANES] = {rest, rest, rest, rest};
  memcpy(copy, p, n * sizeof *copy);
  return vld1q_f32(copy);
}

QK_INLINE ints load_ints(const void *p, size_t n) {
  int32_t copy[LANES] = {0};
  memcpy(copy, p, n * sizeof *copy);
  return vld1q_s32(copy);
}

QK_INLINE ints load_integers(qk_type type, const void *p, size_t n) {
  if (type == QK_INT32) return load_ints(p, n);
  uint64_t copy = 0;
  memcpy(&copy, p, n * qk_size(type));
  switch (type) {
    case QK_INT8: return vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(copy))));
    case QK_UINT8:
      return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(copy)))));
    case QK_INT16: return vmovl_s16(vcreate_s16(copy));
    default: return vreinterpretq_s32_u32(vmovl_u16(vcreate_u16(copy)));
  }
}

QK_INLINE void store_floats(void *p, size_t n, floats v) {
  float copy[LANES];
  vst1q_f32(copy, v);
  memcpy(p, copy, n * sizeof *copy);
}

QK_INLINE void store_ints(void *p, ints v) { memcpy(p, &v, sizeof v); }

QK_INLINE void store_low(size_t bytes, void *p, size_t n, ints v) {
  uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(v));
  uint8x8_t low = vmovn_u16(vcombine_u16(words, words));
  if (bytes == 2) low = vreinterpret_u8_u16(words);
  uint64_t copy = vget_lane_u64(vreinterpret_u64_u8(low), 0);
  memcpy(p, &copy, n * bytes);
}

QK_INLINE void store_bools(void *p, size_t n, bools v) {
  store_low(1, p, n, vreinterpretq_s32_u32(vshrq_n_u32(v, 31)));
}

// MARK: Floats

QK_INLINE floats spread_float(float v) { return vdupq_n_f32(v); }
QK_INLINE floats add(floats a, floats b) { return vaddq_f32(a, b); }
QK_INLINE floats subtract(floats a, floats b) { return vsubq_f32(a, b); }
QK_INLINE floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
QK_INLINE floats divide(floats a, floats b) { return vdivq_f32(a, b); }
// The nm forms give the other operand where one is a quiet NaN, as arithmetic results are.
QK_INLINE floats largest(floats a, floats b) { return vmaxnmq_f32(a, b); }
QK_INLINE floats least(floats a, floats b) { return vminnmq_f32(a, b); }

QK_INLINE floats with_sign_of(floats magnitude, floats sign) {
  return vbslq_f32(vdupq_n_u32(0x80000000), sign, magnitude);
}

QK_INLINE floats round_to_even(floats v) { return vrndnq_f32(v); }

QK_INLINE bools is_between(floats low, floats v, floats high) {
  return vandq_u32(vcleq_f32(low, v), vcleq_f32(v, high));
}

// MARK: Conversions

QK_INLINE ints ints_to_even(floats v) { return vcvtnq_s32_f32(v); }
QK_INLINE ints ints_toward_zero(floats v) { return vcvtq_s32_f32(v); }
QK_INLINE floats floats_of(ints v) { return vcvtq_f32_s32(v); }

QK_INLINE float32x2_t half_difference(int32x2_t a, int32x2_t b) {
  return vcvt_f32_f64(vcvtq_f64_s64(vsubl_s32(a, b)));
}

QK_INLINE floats float_difference(ints a, ints b) {
  return vcombine_f32(half_difference(vget_low_s32(a), vget_low_s32(b)),
                      half_difference(vget_high_s32(a), vget_high_s32(b)));
}

// MARK: Ints

QK_INLINE ints spread_int(int32_t v) { return vdupq_n_s32(v); }
QK_INLINE ints add_ints(ints a, ints b) { return vaddq_s32(a, b); }
QK_INLINE ints subtract_ints(ints a, ints b) { return vsubq_s32(a, b); }
QK_INLINE ints multiply_ints(ints a, ints b) { return vmulq_s32(a, b); }
QK_INLINE ints largest_int(ints a, ints b) { return vmaxq_s32(a, b); }
QK_INLINE ints least_int(ints a, ints b) { return vminq_s32(a, b); }
QK_INLINE ints and_ints(ints a, ints b) { return vandq_s32(a, b); }
QK_INLINE ints shift_left(ints v, ints by) { return vshlq_s32(v, by); }
QK_INLINE ints shift_right(ints v, ints by) { return vshlq_s32(v, vnegq_s32(by)); }

QK_INLINE int32_t sum_of_lanes(ints v) { return vaddvq_s32(v); }

QK_INLINE ints add_one_where_greater(ints v, ints a, ints b) {
  return vsubq_s32(v, vreinterpretq_s32_u32(vcgtq_s32(a, b)));
}

// sqrdmulh is this very function: it adds the half, shifts, and saturates MIN * MIN only.
QK_INLINE ints rounding_doubling_high_multiply(ints a, ints b) { return vqrdmulhq_s32(a, b); }
