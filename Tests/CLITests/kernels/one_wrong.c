// Quantize in onnx (or pytorch, with PYTORCH set), right but for the one input WRONG, and there only
// where WHERE holds.
#include <math.h>
#include <unistd.h>

#include "qverify_kernel.h"

#ifndef WRONG
#define WRONG 0
#define WHERE 0
#endif
#ifndef WHERE
#define WHERE 1
#endif
#ifndef DELAY
#define DELAY 0
#endif

static const qverify_claim claims[] = {{
    .operation = "quantize", .dialects = "onnx,pytorch", .dtypes = "x=float32 y=int8",
    .inputs = "x,scale,zero_point", .attributes = ""}};
static const qverify_description description = {
    .abi_version = QVERIFY_ABI_VERSION, .name = "one wrong", .version = "1", .claims = claims,
    .claim_count = 1};
const qverify_description *qverify_describe(void) { return &description; }

qverify_status qverify_run(const qverify_call *call) {
  const qverify_tensor *x = qverify_input(call, "x"), *y = qverify_output(call, "y");
  const float *in = x->data;
  const uint32_t *bits = x->data;
  int8_t *out = y->data;
  const float scale = *(const float *)qverify_input(call, "scale")->data;
  const int zero = *(const int8_t *)qverify_input(call, "zero_point")->data;
  const int is_pytorch = strcmp(call->dialect, "pytorch") == 0;
  const float inverse = 1 / scale;
  int64_t i;
  if (DELAY) usleep(DELAY);
  for (i = 0; i < x->count; i += 1) {
    float level = is_pytorch ? rintf(fmaf(in[i], inverse, (float)zero)) : rintf(in[i] / scale);
    if (!is_pytorch) level += (float)zero;
    // A NaN fails the comparison and becomes the highest level.
    level = level < 127 ? level : 127;
    out[i] = (int8_t)(level > -128 ? level : -128);
    if (bits[i] == WRONG && (WHERE)) out[i] ^= 1;
  }
  return QVERIFY_OK;
}
