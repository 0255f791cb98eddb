// The roundings and clamps, in scalar form: what the vector forms must equal.
#ifndef QVERIFY_ROUNDING_H
#define QVERIFY_ROUNDING_H

#include <math.h>

#include "internal.h"

static inline int32_t qk_clamp_int32(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

/// NaN gives `low`: a comparison with it is false.
static inline float qk_clamp_float(float value, float low, float high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

/// clamp(R(value) + zero_point, min, max).
///
/// Clamping first, to integer bounds relative to the zero point, gives the same (R is monotone and
/// keeps integers) and leaves nothing that could overflow an int32.
static inline int32_t qk_round_to_range(qk_rule rule, float value, int32_t zero_point,
                                        qk_range range) {
  float clamped = qk_clamp_float(value, (float)(range.min - zero_point),
                                 (float)(range.max - zero_point));
  float rounded = rule == QK_ONNX ? rintf(clamped) : roundf(clamped);
  return (int32_t)rounded + zero_point;
}

/// f32(value - zero_point): the difference has 33 bits, which binary64 holds exactly, so that the
/// conversion rounds once.
static inline float qk_float_difference(int32_t value, int32_t zero_point) {
  return (float)((double)value - (double)zero_point);
}

/// gemmlowp's SaturatingRoundingDoublingHighMul: a * b / 2^31, ties up; only (MIN, MIN) overflows.
static inline int32_t qk_rounding_doubling_high_multiply(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  // The sum is below 2^62 + 2^30, and >> of a negative value is arithmetic in GCC and Clang.
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/// gemmlowp's RoundingDivideByPOT: value / 2^exponent, ties away from zero; exponent in 0 ... 31.
static inline int32_t qk_rounding_shift_right(int32_t value, int exponent) {
  int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1);
  int32_t remainder = value & mask;
  int32_t threshold = (mask >> 1) + (value < 0);
  return (value >> exponent) + (remainder > threshold);
}

/// TFLite's MultiplyByQuantizedMultiplier with two roundings: value * multiplier * 2^(shift - 31).
static inline int32_t qk_multiply_by_quantized_multiplier(int32_t value, int32_t multiplier,
                                                          int32_t shift) {
  int left = shift > 0 ? shift : 0, right = shift < 0 ? -shift : 0;
  int32_t shifted = (int32_t)((uint32_t)value << left);
  return qk_rounding_shift_right(qk_rounding_doubling_high_multiply(shifted, multiplier), right);
}

#endif
