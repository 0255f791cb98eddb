// What conv2d.c (the entry points and the scalar form) and conv2d_engine.c share.
#ifndef QVERIFY_CONV2D_H
#define QVERIFY_CONV2D_H

#include "output.h"
#include "product.h"

struct qk_conv2d_plan {
  qk_conv2d conv;  // its pointers are not used
  qk_output output;
  int32_t *w_zero_points;   // out_channels
  const qk_engine *engine;  // null: scalar
  unsigned char *w;         // scalar: as given

  // Engines. An image is staged with its channels innermost and padded with zero points; each
  // output pixel is a row, whose segments are stretches of the staged image.
  bool depthwise;
  size_t staged_channels;  // in_channels; depthwise: out_channels, inputs repeated as needed
  size_t staged_width;
  size_t segments;
  size_t *offsets;       // of the segments, bytes
  size_t factor_count;   // groups; depthwise: 1
  qk_factor *factors;
  int32_t **initial;     // of each factor
};

static inline size_t qk_channels_per_group(const qk_conv2d *conv) {
  return conv->in_channels / conv->groups;
}

static inline size_t qk_weight_count(const qk_conv2d *conv) {
  return conv->out_channels * conv->kernel_height * conv->kernel_width *
         qk_channels_per_group(conv);
}

/// One input channel per group. The only channel of a single group may as well be summed over.
static inline bool qk_is_depthwise(const qk_conv2d *conv) {
  return qk_channels_per_group(conv) == 1 && (conv->groups > 1 || conv->weight_layout == QK_HWO);
}

/// Packs the weights for `plan->engine`. What it has allocated when it fails, qk_conv2d_free frees.
qk_status qk_conv2d_pack(qk_conv2d_plan *plan, const unsigned char *w);

/// Runs a packed plan.
qk_status qk_conv2d_multiply(const qk_conv2d_plan *plan, const unsigned char *x, char *y);

#endif
