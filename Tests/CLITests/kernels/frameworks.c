// What the quantization kernels of public frameworks compute, each in its own way, written anew: to
// see whether `qverify identify` tells them apart. KERNEL chooses one. No dialect is claimed.
#include <math.h>

#include "qverify_kernel.h"

enum {
  // quantize: float32 to int8 and uint8
  ORT, TFLITE_REFERENCE, TFLITE_OPTIMIZED, XNNPACK_MAGIC, FBGEMM_FUSED, UNFUSED_BEFORE,
  // quantize, each with a twist
  ORT_HALF_UP, XNNPACK_TRUNCATES, TWO_FACED,
  // requantize: int32 to int8, by multiplier and shift
  GEMMLOWP, RUY, SINGLE_ROUNDING, CMSIS, GEMMLOWP_WITHOUT_NUDGE, GEMMLOWP_ODD,
  // requantize by a scale
  XNNPACK_FP32, ONEDNN_LIKE, XNNPACK_RNDNU,
  // dequantize
  DEQUANTIZE, DEQUANTIZE_PRODUCTS,
};
#ifndef KERNEL
#define KERNEL ORT
#endif

#define IS_QUANTIZE (KERNEL <= TWO_FACED)
#define IS_FIXED (KERNEL >= GEMMLOWP && KERNEL <= GEMMLOWP_ODD)
#define IS_REAL (KERNEL >= XNNPACK_FP32 && KERNEL <= XNNPACK_RNDNU)

static const qverify_claim claims[] = {
    {.operation = "quantize", .dtypes = "x=float32 scale=float32 y=int8,uint8",
     .inputs = "x,scale,zero_point", .attributes = ""},
    {.operation = "requantize", .dtypes = "acc=int32 y=int8",
     .inputs = "acc,multiplier,shift,zero_point", .attributes = ""},
    {.operation = "requantize", .dtypes = "acc=int32 scale=float32 y=int8",
     .inputs = "acc,scale,zero_point", .attributes = ""},
    {.operation = "dequantize", .dtypes = "x=int8,uint8 scale=float32 y=float32",
     .inputs = "x,scale,zero_point", .attributes = ""}};
const qverify_description *qverify_describe(void) {
  static qverify_description description = {
      .abi_version = QVERIFY_ABI_VERSION, .name = "frameworks", .version = "1", .claim_count = 1};
  description.claims = &claims[IS_QUANTIZE ? 0 : IS_FIXED ? 1 : IS_REAL ? 2 : 3];
  return &description;
}

static int32_t integer(const qverify_tensor *t, int64_t i) {
  switch (t->dtype) {
    case QVERIFY_INT8: return ((const int8_t *)t->data)[i];
    case QVERIFY_UINT8: return ((const uint8_t *)t->data)[i];
    default: return ((const int32_t *)t->data)[i];
  }
}

// MARK: Quantize

static int32_t saturate(double v, int32_t low, int32_t high) {
  return v <= low ? low : v >= high ? high : (int32_t)v;
}

// std::lround and then an int32_t, as x86 converts what does not fit.
static int32_t to_int32(float v) {
  return v >= -2147483648.0f && v < 2147483648.0f ? (int32_t)v : INT32_MIN;
}

static int32_t clamp(int32_t v, int32_t low, int32_t high) {
  return v < low ? low : v > high ? high : v;
}

static int32_t quantize(float x, float s, int32_t z, int32_t low, int32_t high, int64_t place) {
  float inverse = 1.0f / s;
  switch (KERNEL) {
    case ORT: {
      float v = x / s;
      return isnan(v) ? low : saturate((double)nearbyintf(v) + z, low, high);
    }
    case ORT_HALF_UP: return isnan(x) ? low : saturate(floor((double)(x / s) + 0.5) + z, low, high);
    case TFLITE_REFERENCE:
      return clamp((int32_t)((uint32_t)to_int32(roundf(x / s)) + (uint32_t)z), low, high);
    case TFLITE_OPTIMIZED:
      return clamp((int32_t)((uint32_t)to_int32(rintf(x * inverse)) + (uint32_t)z), low, high);
    case XNNPACK_MAGIC:
    case XNNPACK_TRUNCATES: {
      // Clamped as float by min and max that let a NaN become the upper end, then 1.5 * 2^23 added.
      float v = x * inverse;
      v = v > (float)(low - z) || isnan(v) ? v : (float)(low - z);
      v = v < (float)(high - z) ? v : (float)(high - z);
      if (KERNEL == XNNPACK_TRUNCATES) return (int32_t)v + z;
      volatile float sum = v + 12582912.0f;
      float kept = sum;
      int32_t bits;
      memcpy(&bits, &kept, 4);
      return bits - 0x4B400000 + z;
    }
    case FBGEMM_FUSED: {
      float v = fmaf(x, inverse, (float)z);
      v = v < (float)high ? v : (float)high;
      v = v > (float)low ? v : (float)low;
      return (int32_t)rintf(v);
    }
    case UNFUSED_BEFORE: {
      volatile float product = x * inverse;
      float v = product + (float)z;
      return isnan(v) ? low : saturate(rintf(v), low, high);
    }
    case TWO_FACED: {
      // A vector body that rounds half to even, and a tail that rounds half away.
      float v = x / s;
      return isnan(v) ? low : saturate((place ? rintf(v) : roundf(v)) + z, low, high);
    }
    default: return 0;
  }
}

// MARK: Requantize

static int32_t high_product(int32_t a, int32_t b) {
  if (a == b && a == INT32_MIN) return INT32_MAX;
  int64_t ab = (int64_t)a * b;
  int64_t nudge = ab >= 0 ? 1 << 30 : 1 - (1 << 30);
  return (int32_t)((ab + nudge) / (1ll << 31));
}

// CMSIS-NN: the high half after a half was added, and no saturation.
static int32_t cmsis_product(int32_t a, int32_t b) {
  int64_t sum = (int64_t)a * b + (1ll << 30);
  return (int32_t)(sum >> 31);
}

static int32_t shift_right(int32_t v, int exponent) {
  int32_t mask = (int32_t)((1ll << exponent) - 1), rest = v & mask;
  int32_t threshold = (mask >> 1) + (KERNEL != GEMMLOWP_WITHOUT_NUDGE && v < 0 ? 1 : 0);
  return (v >> exponent) + (rest > threshold ? 1 : 0);
}

static int32_t requantize_fixed(int32_t acc, int32_t m, int shift) {
  int left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  if (KERNEL == SINGLE_ROUNDING) {
    int total = 31 - shift;
    return (int32_t)(((int64_t)acc * m + (1ll << (total - 1))) >> total);
  }
  int32_t shifted = (int32_t)((uint32_t)acc << left);
  int32_t high = KERNEL == CMSIS ? cmsis_product(shifted, m) : high_product(shifted, m);
  if (KERNEL == GEMMLOWP_ODD && high % 2 && right == 3) high ^= 1;
  if (KERNEL == RUY) {
    return right == 0 ? high : (int32_t)(((int64_t)high + (1ll << (right - 1))) >> right);
  }
  return shift_right(high, right);
}

static int32_t requantize_real(int32_t acc, float s, int32_t z) {
  if (KERNEL == XNNPACK_RNDNU) {
    uint32_t bits;
    memcpy(&bits, &s, 4);
    int32_t m = (int32_t)((bits & 0x7FFFFF) | 0x800000);
    int shift = 127 + 23 - (int)(bits >> 23);
    if (shift > 62) return z;
    int64_t product = (int64_t)acc * m;
    return (int32_t)clamp((int32_t)fmax(fmin((double)((product + (1ll << (shift - 1))) >> shift), 1e6), -1e6) + z, -128, 127);
  }
  volatile float v = (float)acc * s;
  if (KERNEL == ONEDNN_LIKE) {
    float moved = v + (float)z;
    return saturate(rintf(moved), -128, 127);
  }
  float low = (float)(-128 - z), high = (float)(127 - z);
  float cut = v < low ? low : v > high ? high : v;
  return (int32_t)lrintf(cut) + z;
}

// MARK: Calls

qverify_status qverify_run(const qverify_call *call) {
  const qverify_tensor *y = qverify_output(call, "y"), *zero = qverify_input(call, "zero_point");
  const qverify_tensor *scale = qverify_input(call, "scale"), *x = qverify_input(call, "x");
  int32_t z = zero ? integer(zero, 0) : 0;
  if ((scale && scale->count != 1) || (zero && zero->count != 1)) {
    return qverify_refuse(call, "per tensor only");
  }
  int is_signed = y->dtype == QVERIFY_INT8;
  for (int64_t i = 0; i < y->count; i += 1) {
    if (IS_QUANTIZE) {
      int64_t tail = y->count - y->count % 8;
      int32_t level = quantize(
          ((const float *)x->data)[i], *(const float *)scale->data, z, is_signed ? -128 : 0,
          is_signed ? 127 : 255, i < tail);
      ((uint8_t *)y->data)[i] = (uint8_t)level;
    } else if (IS_FIXED) {
      const qverify_tensor *m = qverify_input(call, "multiplier");
      const qverify_tensor *shift = qverify_input(call, "shift");
      if (!m || !shift) return qverify_refuse(call, "needs multiplier and shift");
      int s = integer(shift, 0);
      if (s > 30 || s < -31) return qverify_refuse(call, "the shift");
      int32_t level = requantize_fixed(integer(qverify_input(call, "acc"), i), integer(m, 0), s);
      ((int8_t *)y->data)[i] = (int8_t)saturate((double)level + z, -128, 127);
    } else if (IS_REAL) {
      if (!scale) return qverify_refuse(call, "needs a scale");
      ((int8_t *)y->data)[i] = (int8_t)requantize_real(
          integer(qverify_input(call, "acc"), i), *(const float *)scale->data, z);
    } else {
      float s = *(const float *)scale->data;
      volatile float product = (float)integer(x, i) * s, offset = (float)-z * s;
      ((float *)y->data)[i] =
          KERNEL == DEQUANTIZE ? (float)(integer(x, i) - z) * s : product + offset;
    }
  }
  return QVERIFY_OK;
}
