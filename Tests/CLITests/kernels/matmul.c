// A right kernel for two-dimensional matmul, and, with FAULT set, one that misbehaves in a
// known way.
#include "qverify_kernel.h"

enum { RIGHT, PAIRS_SATURATE, ONE_PAIR, ONE_PAIR_IN_TAIL, CRASH, HANG, WRITE_AFTER, UNWRITTEN };
#ifndef FAULT
#define FAULT RIGHT
#endif

static const qverify_claim claims[] = {{
    .operation = "matmul", .dialects = "onnx,tflite", .dtypes = "a=int2,int4,int8,uint8 b=int2,int4,int8 y=int32",
    .inputs = "a,b,a_zero_point,b_zero_point", .attributes = ""}};
static const qverify_description description = {
    .abi_version = QVERIFY_ABI_VERSION, .name = "test", .version = "1", .claims = claims,
    .claim_count = 1};
const qverify_description *qverify_describe(void) { return &description; }

static int32_t level(const qverify_tensor *tensor, int64_t index) {
  return tensor->dtype == QVERIFY_UINT8 ? ((uint8_t *)tensor->data)[index]
                                        : ((int8_t *)tensor->data)[index];
}

// vpmaddubsw: two products, added with saturation to int16.
static int32_t pair(int32_t sum) { return sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum; }

static int32_t dot(
    const qverify_tensor *a, const qverify_tensor *b, int64_t row, int64_t column, int64_t k,
    int64_t n, int32_t za, int32_t zb) {
  int32_t sum = 0, half = 0;
  for (int64_t i = 0; i < k; i += 1) {
    int32_t x = level(a, row * k + i) - za, w = level(b, i * n + column) - zb;
    int in_tail = i >= k / 8 * 8;
    int32_t product = x * w;
    if ((FAULT == ONE_PAIR || (FAULT == ONE_PAIR_IN_TAIL && in_tail)) && x == -77 && w == 113) {
      product += 1;
    }
    if (FAULT != PAIRS_SATURATE) {
      sum += product;
    } else if (i % 2 == 0 && i + 1 < k) {
      half = product;
    } else {
      sum += pair(i % 2 ? half + product : product);
    }
  }
  return sum;
}

qverify_status qverify_run(const qverify_call *call) {
  const qverify_tensor *a = qverify_input(call, "a"), *b = qverify_input(call, "b");
  const qverify_tensor *y = qverify_output(call, "y");
  const qverify_tensor *za = qverify_input(call, "a_zero_point");
  const qverify_tensor *zb = qverify_input(call, "b_zero_point");
  if (a->rank != 2 || b->rank != 2) return qverify_refuse(call, "no batches");
  if ((za && za->count != 1) || (zb && zb->count != 1)) return qverify_refuse(call, "one zero point");
  int64_t m = a->dims[0], k = a->dims[1], n = b->dims[1];
  int32_t *out = y->data;
  if (FAULT == CRASH && n > 32) *(volatile int *)8 = 1;
  if (FAULT == HANG && n > 32) for (volatile int i = 0;;) i += 1;
  for (int64_t row = 0; row < m; row += 1) {
    for (int64_t column = 0; column < n; column += 1) {
      if (FAULT == UNWRITTEN && row == 100) continue;
      out[row * n + column] =
          dot(a, b, row, column, k, n, za ? level(za, 0) : 0, zb ? level(zb, 0) : 0);
    }
  }
  if (FAULT == WRITE_AFTER && n > 32) out[m * n] = 1;
  return QVERIFY_OK;
}
