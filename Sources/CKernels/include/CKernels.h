// The C kernels of qverify: quantized operations, one implementation per instruction-set tier.
//
// Contract of every function:
// - It touches exactly the elements that its parameters describe, not one byte before or after.
// - Pointers to tensors and to parameter arrays may have any alignment; buffers must not overlap.
// - It holds no lock and keeps no state, so a caller may leave it by siglongjmp; what it leaks
//   then is scratch memory from malloc.
// - The floating-point environment is the default one (round to nearest even, no flush to zero).
// - Parameters are assumed valid: the Swift module `Kernels` checks them once and says what is
//   wrong. Only what C alone can know comes back as a status.
// - All tiers give the same bits. Where a formula is written below, it is meant literally: f32(e)
//   is e rounded once to binary32, RNE and RHA round to an integer with ties to even and away.
#ifndef QVERIFY_CKERNELS_H
#define QVERIFY_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Vocabulary

typedef enum qk_status {
  QK_OK = 0,
  QK_TIER_UNAVAILABLE = 1,  // this CPU, its operating system or this build lacks the tier
  QK_OUT_OF_MEMORY = 2,     // scratch memory could not be allocated
} qk_status;

typedef enum qk_tier {
  QK_SCALAR = 0,
  QK_AVX2 = 1,
  QK_AVX512 = 2,      // F, BW, DQ and VL
  QK_AVX512VNNI = 3,  // the same and VNNI
  QK_NEON = 4,        // sdot where the CPU has it
  QK_TIER_COUNT = 5,
} qk_tier;

typedef enum qk_type {
  QK_INT8 = 0,
  QK_UINT8 = 1,
  QK_INT16 = 2,
  QK_UINT16 = 3,
  QK_INT32 = 4,
} qk_type;

/// Which of the two families of semantics an operation with a rounding follows.
typedef enum qk_rule {
  QK_ONNX = 0,    // ties to even, float multipliers
  QK_TFLITE = 1,  // ties away from zero, fixed-point multipliers
} qk_rule;

/// Null when this process can run the tier, else what it lacks ("AVX-512 VNNI").
const char *qk_tier_missing(qk_tier tier);

// MARK: Element-wise operations
//
// Element i belongs to channel (i / inner) % channels. A parameter array holds one element for all
// channels or one for each. Zero points lie in -2^22 ... 2^22, so that bounds relative to them are
// exact in binary32 and in int32. Sub-byte types are stored one element per byte: int8 or uint8
// with narrower bounds.

typedef struct qk_affine {
  const float *scales;
  size_t scale_count;  // 1 or channels
  const int32_t *zero_points;
  size_t zero_point_count;  // 0 (all are zero), 1 or channels
  size_t channels;
  size_t inner;
} qk_affine;

/// The type that integers are stored as, and the closed range that they are clamped to.
typedef struct qk_range {
  qk_type type;
  int32_t min;
  int32_t max;
} qk_range;

/// y = clamp(R(f32(x / scale)) + zero_point), R = RNE (onnx) or RHA (tflite), to 8 or 16 bits.
/// Infinities saturate. The result for NaN is `range.min`, which no caller should rely on.
qk_status qk_quantize(qk_tier tier, qk_rule rule, const qk_affine *affine, qk_range range,
                      const void *x, void *y, size_t count);

/// y = f32(f32(x - zero_point) * scale), with x - zero_point exact. For int32 the zero point may be
/// any int32.
qk_status qk_dequantize(qk_tier tier, const qk_affine *affine, qk_type x_type, const void *x,
                        void *y, size_t count);

/// How an int32 accumulator becomes an 8 or 16-bit integer.
///
/// onnx: y = clamp(RNE(f32(f32(acc - acc_zero_point) * scale)) + zero_point), the difference exact.
/// tflite: y = clamp(MultiplyByQuantizedMultiplier(acc - acc_zero_point, multiplier, shift) +
/// zero_point): gemmlowp's two roundings, shift in -31 ... 31, positive shifts left. The difference
/// and the left shift wrap.
typedef struct qk_requantization {
  qk_rule rule;
  const float *scales;         // onnx
  const int32_t *multipliers;  // tflite
  const int32_t *shifts;       // tflite
  size_t scale_count;          // of scales, or of multipliers and of shifts: 1 or channels
  const int32_t *zero_points;
  size_t zero_point_count;  // 0, 1 or channels
  size_t channels;
  size_t inner;
  int32_t acc_zero_point;
  qk_range range;
} qk_requantization;

qk_status qk_requantize(qk_tier tier, const qk_requantization *parameters, const void *acc, void *y,
                        size_t count);

/// PyTorch's fake quantization: with v = RNE(f32(x * f32(1 / scale))) + zero_point,
/// y = f32((clamp(v) - zero_point) * scale) and mask = (qmin <= v <= qmax). NaN: qmin, mask 0.
/// Bounds lie in -2^22 ... 2^22. `mask` may be null.
qk_status qk_fake_quantize(qk_tier tier, const qk_affine *affine, int32_t qmin, int32_t qmax,
                           const void *x, void *y, void *mask, size_t count);

/// ONNX DynamicQuantizeLinear to uint8. An all-zero x has scale f32(1/255) and zero point 0.
/// `count` is at least 1.
qk_status qk_dynamic_quantize(qk_tier tier, const void *x, size_t count, void *y, float *y_scale,
                              uint8_t *y_zero_point);

// MARK: Convolution
//
// y[o] = sum over taps and channels of (x - x_zero_point) * (w - w_zero_point[o]) + bias[o], exact
// mod 2^32. Padding is a real zero (an x equal to x_zero_point).

typedef enum qk_layout {
  QK_NCHW = 0,
  QK_NHWC = 1,
} qk_layout;

typedef enum qk_weight_layout {
  QK_OIHW = 0,
  QK_OHWI = 1,
  QK_HWO = 2,  // [1, kernel_height, kernel_width, out_channels]: depthwise only
} qk_weight_layout;

typedef struct qk_conv2d {
  qk_type x_type;  // int8 or uint8
  qk_type w_type;  // int8 or uint8
  qk_layout layout;
  qk_weight_layout weight_layout;
  size_t batch, in_channels, height, width;
  size_t out_channels, kernel_height, kernel_width;
  size_t out_height, out_width;  // as the parameters imply; checked by the caller
  size_t stride_height, stride_width;
  size_t pad_top, pad_left;  // bottom and right follow from out_height and out_width
  size_t dilation_height, dilation_width;
  size_t groups;
  int32_t x_zero_point;  // in the range of x_type
  const int32_t *w_zero_points;  // in the range of w_type
  size_t w_zero_point_count;     // 0, 1 or out_channels
  const void *bias;              // out_channels int32 elements, or null
  /// Null for int32 output. Else `channels` is out_channels; `inner` and `acc_zero_point` are not
  /// used.
  const qk_requantization *requantization;
} qk_conv2d;

/// Packed weights and folded parameters; it keeps no pointer of the caller's.
typedef struct qk_conv2d_plan qk_conv2d_plan;

qk_status qk_conv2d_prepare(qk_tier tier, const qk_conv2d *conv, const void *w,
                            qk_conv2d_plan **plan);
/// Does not change the plan: several threads may run one.
qk_status qk_conv2d_run(const qk_conv2d_plan *plan, const void *x, void *y);
void qk_conv2d_free(qk_conv2d_plan *plan);

/// Prepare, run, free.
qk_status qk_conv2d_once(qk_tier tier, const qk_conv2d *conv, const void *x, const void *w,
                         void *y);

// MARK: Matrix product
//
// y[m][n] = sum over k of (a[m][k] - a_zero_point[m]) * (b[k][n] - b_zero_point[n]) + bias[n],
// exact mod 2^32.

typedef struct qk_matmul {
  qk_type a_type;  // int8 or uint8
  qk_type b_type;  // int8 or uint8
  size_t n, k;
  const int32_t *b_zero_points;  // in the range of b_type
  size_t b_zero_point_count;     // 0, 1 or n
  const void *bias;              // n int32 elements, or null
  /// Null for int32 output. Else `channels` is n; `inner` and `acc_zero_point` are not used.
  const qk_requantization *requantization;
} qk_matmul;

/// Packed b and folded parameters; it keeps no pointer of the caller's.
typedef struct qk_matmul_plan qk_matmul_plan;

qk_status qk_matmul_prepare(qk_tier tier, const qk_matmul *matmul, const void *b,
                            qk_matmul_plan **plan);
/// `a_zero_points` holds 0, 1 or m elements in the range of a_type.
qk_status qk_matmul_run(const qk_matmul_plan *plan, size_t m, const void *a,
                        const int32_t *a_zero_points, size_t a_zero_point_count, void *y);
void qk_matmul_free(qk_matmul_plan *plan);

/// Prepare, run, free.
qk_status qk_matmul_once(qk_tier tier, const qk_matmul *matmul, size_t m, const void *a,
                         const int32_t *a_zero_points, size_t a_zero_point_count, const void *b,
                         void *y);

// MARK: Ceilings
//
// What this machine can do at most, for the bench to divide by. The caller takes the time.

/// Executes independent dot product instructions, or the multiplications and additions that stand
/// for them, in registers: `iterations` times a dozen or so. Returns the number of
/// multiply-accumulates done, of bytes (avx512vnni) or words (avx2, avx512); 0 for other tiers and
/// where the tier is unavailable.
uint64_t qk_ceiling_dot_product(qk_tier tier, uint64_t iterations);

/// Copies `bytes` bytes as the C library does.
void qk_ceiling_copy(void *to, const void *from, size_t bytes);

/// Copies `bytes` bytes with the widest ordinary, that is not streaming, loads and stores of avx2,
/// avx512 or avx512vnni.
qk_status qk_ceiling_plain_copy(qk_tier tier, void *to, const void *from, size_t bytes);

/// Reads `bytes` bytes, but for a rest, with the widest loads of avx2, avx512 or avx512vnni, and
/// returns a digest that depends on them; 0 for other tiers.
uint64_t qk_ceiling_read(qk_tier tier, const void *from, size_t bytes);

#endif
