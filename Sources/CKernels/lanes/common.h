// Vector kernels, written once: the vector form of each element-wise operation is one file in this
// folder, in terms of lanes, that is vectors of LANES floats (`floats`), int32s (`ints`) or truth
// values (`bools`). avx2.h, avx512.h and neon.h define the lanes of a tier: the same functions,
// each with its own intrinsics. ../lanes_avx2.c and its sisters compile the operations with them.
//
// Functions with a count `n` touch the memory of the first `n` lanes only. What names do not say:
// - load_floats(p, n, rest): lanes from `n` on hold `rest` (1 for scales: no division by zero);
// - store_low(bytes, p, n, v): the low 1 or 2 bytes of each lane;
// - largest(a, b), least(a, b): b where a is NaN;
// - ints_to_even, ints_toward_zero: the argument is within int32;
// - float_difference(a, b): f32(a - b), the difference of 33 bits exact, rounded once;
// - shift_left, shift_right: by 0 to 31, per lane, the right one arithmetic;
// - add_one_where_greater(v, a, b): v + (a > b);
// - rounding_doubling_high_multiply: gemmlowp's SRDHM, as in ../rounding.h.
//
// This file: what follows from the lanes of any tier.
#include "../elementwise.h"

/// RHA(v) for v within int32: truncates v plus, in magnitude, p = 1/2 - 2^-25, the float below 1/2.
///
/// Take v = n + f >= 0 with 0 <= f < 1, and u the distance of floats at v. If f < 1/2, the sum is
/// at most n + 1 - u - 2^-25, too far from n + 1 to be rounded to it (for n = 0 it is at most 2p, a
/// float below 1). If f >= 1/2, it is at least n + 1 - 2^-25, and rounded to n + 1 or more: for
/// n = 0 as a tie, to the even 1. From 2^23 on, p is less than half of u and changes nothing.
QK_INLINE ints ints_away(floats v) {
  return ints_toward_zero(add(v, with_sign_of(spread_float(0x1.fffffep-2f), v)));
}

/// NaN gives `low`.
QK_INLINE floats clamp(floats v, floats low, floats high) { return least(largest(v, low), high); }

/// Element j of an array of parameters, or the one parameter of all lanes.
QK_INLINE floats float_parameters(const qk_run *run, size_t p, size_t j, size_t n) {
  const void *values = run->parameters[p];
  return run->step ? load_floats((const float *)values + j, n, 1.0f)
                   : spread_float(qk_load_float(values, 0));
}

QK_INLINE ints int_parameters(const qk_run *run, size_t p, size_t j, size_t n) {
  const void *values = run->parameters[p];
  return run->step ? load_ints((const int32_t *)values + j, n)
                   : spread_int(qk_load_int32(values, 0));
}

/// Bounds of y relative to the zero point, and the zero point.
typedef struct bounds {
  floats low;
  floats high;
  ints zero_point;
} bounds;

QK_INLINE bounds bounds_of(qk_range range, ints zero_point) {
  return (bounds){floats_of(subtract_ints(spread_int(range.min), zero_point)),
                  floats_of(subtract_ints(spread_int(range.max), zero_point)), zero_point};
}

/// clamp(R(v) + zero point): see qk_round_to_range.
QK_INLINE ints round_to_range(qk_rule rule, floats v, bounds b) {
  floats clamped = clamp(v, b.low, b.high);
  return add_ints(rule == QK_ONNX ? ints_to_even(clamped) : ints_away(clamped), b.zero_point);
}
