/* cc -std=c99 -O2 -Wall -Wextra -shared -fPIC example_kernel.c -o example_kernel.so -lm
 * qverify fuzz --ops quantize,conv2d --dialect onnx --subject lib:./example_kernel.so
 *
 * An example of a kernel under qverify: two functions as they stand in many libraries, and below them
 * what attaches them. `qverify adapter header --output qverify_kernel.h` writes the header.
 */
#include "qverify_kernel.h"

#include <math.h>

/* MARK: The kernel: it knows nothing of qverify. */

/* y = clamp(round(x / scale) + zero_point), ties to even; to int8 or uint8, by `lowest`. */
static void quantize(
    const float *x, size_t count, float scale, int zero_point, int lowest, uint8_t *y) {
  for (size_t i = 0; i < count; i += 1) {
    float level = rintf(x[i] / scale);
    /* Clamped while it is a float: a cast of a NaN or a float beyond the integers is undefined. */
    float least = (float)(lowest - zero_point), most = (float)(lowest + 255 - zero_point);
    level = level > least ? (level < most ? level : most) : least;
    y[i] = (uint8_t)((int)level + zero_point);
  }
}

typedef struct conv2d_shape {
  int64_t batch, channels, height, width, outputs, rows, columns, out_height, out_width;
  int64_t stride_y, stride_x, top, left, dilation_y, dilation_x, groups;
} conv2d_shape;

/* An element of an int8 or a uint8 tensor. */
static int32_t load(const void *data, int is_signed, int64_t index) {
  return is_signed ? ((const int8_t *)data)[index] : ((const uint8_t *)data)[index];
}

/* y = sum (x - x_zero) * (w - w_zero), modulo 2^32; NCHW, w OIHW; padding holds the zero point. */
static void conv2d(
    const conv2d_shape *s, const void *x, int x_signed, int32_t x_zero, const void *w, int w_signed,
    int32_t w_zero, int32_t *y) {
  int64_t group_channels = s->channels / s->groups, group_outputs = s->outputs / s->groups;
  for (int64_t n = 0; n < s->batch; n += 1)
    for (int64_t o = 0; o < s->outputs; o += 1)
      for (int64_t out_y = 0; out_y < s->out_height; out_y += 1)
        for (int64_t out_x = 0; out_x < s->out_width; out_x += 1) {
          uint32_t sum = 0; /* unsigned, because that may wrap */
          for (int64_t c = 0; c < group_channels; c += 1)
            for (int64_t row = 0; row < s->rows; row += 1)
              for (int64_t column = 0; column < s->columns; column += 1) {
                int64_t in_y = out_y * s->stride_y - s->top + row * s->dilation_y;
                int64_t in_x = out_x * s->stride_x - s->left + column * s->dilation_x;
                if (in_y < 0 || in_y >= s->height || in_x < 0 || in_x >= s->width) continue;
                int64_t channel = o / group_outputs * group_channels + c;
                int64_t x_index =
                    ((n * s->channels + channel) * s->height + in_y) * s->width + in_x;
                int64_t w_index = ((o * group_channels + c) * s->rows + row) * s->columns + column;
                sum += (uint32_t)((load(x, x_signed, x_index) - x_zero) *
                                  (load(w, w_signed, w_index) - w_zero));
              }
          *y++ = (int32_t)sum;
        }
}

/* MARK: What attaches it. */

/* A scalar int8 or uint8 input; 0 where the case leaves it out. */
static int32_t zero_of(const qverify_tensor *zero) {
  return zero ? load(zero->data, zero->dtype == QVERIFY_INT8, 0) : 0;
}

static qverify_status run_quantize(const qverify_call *call) {
  const qverify_tensor *x = qverify_input(call, "x"), *scale = qverify_input(call, "scale");
  const qverify_tensor *zero = qverify_input(call, "zero_point"), *y = qverify_output(call, "y");
  if (scale->count != 1) return qverify_refuse(call, "one scale for the whole tensor only");
  quantize(x->data, (size_t)x->count, *(const float *)scale->data, zero_of(zero),
           y->dtype == QVERIFY_INT8 ? -128 : 0, y->data);
  return QVERIFY_OK;
}

static qverify_status run_conv2d(const qverify_call *call) {
  const qverify_tensor *x = qverify_input(call, "x"), *w = qverify_input(call, "w");
  const qverify_tensor *x_zero = qverify_input(call, "x_zero_point");
  const qverify_tensor *w_zero = qverify_input(call, "w_zero_point");
  const qverify_tensor *y = qverify_output(call, "y");
  if (w_zero && w_zero->count != 1) return qverify_refuse(call, "one zero point of w only");
  conv2d_shape s = {
      x->dims[0], x->dims[1], x->dims[2], x->dims[3], w->dims[0], w->dims[2], w->dims[3],
      y->dims[2], y->dims[3], qverify_element(call, "strides", 0, 1),
      qverify_element(call, "strides", 1, 1), qverify_element(call, "pads", 0, 0),
      qverify_element(call, "pads", 1, 0), qverify_element(call, "dilations", 0, 1),
      qverify_element(call, "dilations", 1, 1), qverify_integer(call, "group", 1)};
  conv2d(&s, x->data, x->dtype == QVERIFY_INT8, zero_of(x_zero), w->data,
         w->dtype == QVERIFY_INT8, zero_of(w_zero), y->data);
  return QVERIFY_OK;
}

/* Cases outside these claims, or with inputs or attributes that are not named here, are not run. */
static const qverify_claim claims[] = {
    {"quantize", "onnx", "x=float32 scale=float32 y=int8,uint8", "x,scale,zero_point",
     "axis,output_dtype", NULL, 0, "even"},
    {"conv2d", "onnx", "x=int8,uint8 w=int8,uint8 y=int32", "x,w,x_zero_point,w_zero_point",
     "kernel_shape,strides,pads,dilations,group,layout,output_dtype", "NCHW", 32, NULL},
};
static const qverify_description description = {
    QVERIFY_ABI_VERSION, "example", "1.0", claims, sizeof claims / sizeof claims[0]};

const qverify_description *qverify_describe(void) { return &description; }

qverify_status qverify_run(const qverify_call *call) {
  if (strcmp(call->operation, "quantize") == 0) return run_quantize(call);
  return run_conv2d(call);
}
