// A right kernel for quantize in onnx, and, with FAULT set, one that misbehaves in a known way on
// tensors of more than five elements.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "qverify_kernel.h"

enum {
  RIGHT, HALF_UP, CRASH, DIVIDE_BY_ZERO, HANG, EXIT, ABORT, WRITE_AFTER, WRITE_BEFORE, READ_AFTER,
  READ_BEFORE, WRITE_INPUT, WRITE_DIMS, UNWRITTEN, ROUNDING_MODE, SECOND_CALL, PAGE_START,
  INVALID, STATUS, THREAD_CRASH, STACK_OVERFLOW, PRINT, HALF_UNSUPPORTED,
};
#ifndef FAULT
#define FAULT RIGHT
#endif

static const qverify_claim claims[] = {{
    .operation = "quantize", .dialects = "onnx", .ties = "even",
    .dtypes = "x=float32 scale=float32 y=int8,uint8", .inputs = "x,scale,zero_point",
    .attributes = "axis,qmin,qmax,output_dtype"}};
static const qverify_description description = {
    .abi_version = QVERIFY_ABI_VERSION, .name = "test", .version = "1", .claims = claims,
    .claim_count = 1};
const qverify_description *qverify_describe(void) { return &description; }

static volatile int sink;
static void *crash(void *argument) {
  *(volatile int *)16 = 1;
  return argument;
}
static int deep(int n) {
  volatile char frame[4096];
  frame[0] = (char)n;
  return n ? deep(n - 1) + frame[0] : 0;
}

static qverify_status misbehave(
    const qverify_call *call, const qverify_tensor *x, const qverify_tensor *y) {
  static int calls;
  int8_t *out = y->data;
  int8_t *in = x->data;
  switch (FAULT) {
    case CRASH: *(volatile int *)8 = 1; break;
    case DIVIDE_BY_ZERO: sink = 100 / sink; break;
    case HANG: for (;;) sink += 1;
    case EXIT: exit(0);
    case ABORT: abort();
    case WRITE_AFTER: out[y->bytes] = 1; break;
    case WRITE_BEFORE: out[-1] = 1; break;
    case READ_AFTER: sink = in[x->bytes]; break;
    case READ_BEFORE: sink = in[-1]; break;
    case WRITE_INPUT: in[0] ^= 1; break;
    case WRITE_DIMS: *(int64_t *)x->dims = 3; break;
#if FAULT == ROUNDING_MODE
    case ROUNDING_MODE: __builtin_ia32_ldmxcsr(0x7f80); break;
#endif
    case SECOND_CALL: if (++calls % 2 == 0) out[0] ^= 1; break;
    case PAGE_START: if ((uintptr_t)in % 4096 == 0) out[0] ^= 1; break;
    case INVALID: return qverify_answer(call, QVERIFY_INVALID, "too long");
    case STATUS: return (qverify_status)17;
    case THREAD_CRASH: {
      pthread_t thread;
      pthread_create(&thread, NULL, crash, NULL);
      pthread_join(thread, NULL);
      break;
    }
    case STACK_OVERFLOW: sink = deep(100000000); break;
    case PRINT: puts("a kernel prints"); fflush(stdout); break;
    case HALF_UNSUPPORTED: if (++calls % 2 == 0) return qverify_refuse(call, "not now"); break;
    default: break;
  }
  return QVERIFY_OK;
}

qverify_status qverify_run(const qverify_call *call) {
  const qverify_tensor *x = qverify_input(call, "x"), *scale = qverify_input(call, "scale");
  const qverify_tensor *zero = qverify_input(call, "zero_point"), *y = qverify_output(call, "y");
  int is_signed = y->dtype == QVERIFY_INT8;
  if (scale->count != 1) return qverify_refuse(call, "per tensor only");
  double low = (double)qverify_integer(call, "qmin", is_signed ? -128 : 0);
  double high = (double)qverify_integer(call, "qmax", is_signed ? 127 : 255);
  double offset = !zero ? 0 : is_signed ? *(int8_t *)zero->data : *(uint8_t *)zero->data;
  if (FAULT == UNWRITTEN && x->count > 5) return QVERIFY_OK;
  for (int64_t i = 0; i < x->count; i += 1) {
    float quotient = ((float *)x->data)[i] / *(float *)scale->data;
    double level = (FAULT == HALF_UP ? floor(quotient + 0.5) : rintf(quotient)) + offset;
    if (isnan(level)) level = 0;
    ((int8_t *)y->data)[i] = (int8_t)(int)(level < low ? low : level > high ? high : level);
  }
  return x->count > 5 ? misbehave(call, x, y) : QVERIFY_OK;
}
