// y[o] = sum over taps and channels of (x - x_zero_point) * (w - w_zero_point[o]) + bias[o]
#include "conv2d.h"

#include <stdlib.h>


static qk_status take_weights(qk_conv2d_plan *plan, const void *w) {
  if (plan->engine) return qk_conv2d_pack(plan, w);
  const size_t count = qk_weight_count(&plan->conv);
  plan->w = malloc(qk_max(count, 1));
  if (!plan->w) return QK_OUT_OF_MEMORY;
  memcpy(plan->w, w, count);
  return QK_OK;
}

qk_status qk_conv2d_prepare(qk_tier tier, const qk_conv2d *conv, const void *w,
                            qk_conv2d_plan **result) {
  *result = NULL;
  if (qk_tier_missing(tier)) return QK_TIER_UNAVAILABLE;
  qk_conv2d_plan *plan = calloc(1, sizeof *plan);
  if (!plan) return QK_OUT_OF_MEMORY;
  const size_t columns = conv->out_channels;
  plan->conv = *conv;
  plan->engine =
      qk_is_depthwise(conv) ? qk_depthwise_engine_for(tier) : qk_engine_for(tier);
  qk_status status =
      qk_output_prepare(&plan->output, tier, columns, conv->bias, conv->requantization);
  plan->w_zero_points = qk_spread(conv->w_zero_points, conv->w_zero_point_count, columns);
  if (!plan->w_zero_points) status = QK_OUT_OF_MEMORY;
  if (status == QK_OK) status = take_weights(plan, w);
  if (status != QK_OK) {
    qk_conv2d_free(plan);
    return status;
  }
  *result = plan;
  return QK_OK;
}

void qk_conv2d_free(qk_conv2d_plan *plan) {
  if (!plan) return;
  for (size_t f = 0; f < plan->factor_count; f++) {
    qk_factor_free(&plan->factors[f]);
    free(plan->initial[f]);
  }
  free(plan->factors);
  free(plan->initial);
  free(plan->offsets);
  qk_output_free(&plan->output);
  free(plan->w_zero_points);
  free(plan->w);
  free(plan);
}

// MARK: Scalar

static size_t weight_index(const qk_conv2d *conv, size_t o, size_t ky, size_t kx, size_t c) {
  const size_t channels = qk_channels_per_group(conv);
  const size_t height = conv->kernel_height, width = conv->kernel_width;
  switch (conv->weight_layout) {
    case QK_OIHW: return ((o * channels + c) * height + ky) * width + kx;
    case QK_OHWI: return ((o * height + ky) * width + kx) * channels + c;
    case QK_HWO: break;
  }
  return (ky * width + kx) * conv->out_channels + o;
}

static size_t image_index(qk_layout layout, size_t channels, size_t height, size_t width, size_t n,
                          size_t c, size_t y, size_t x) {
  return layout == QK_NCHW ? ((n * channels + c) * height + y) * width + x
                           : ((n * height + y) * width + x) * channels + c;
}

/// One accumulator. Taps outside the image hold the zero point: they add nothing.
static int32_t accumulate(const qk_conv2d_plan *plan, const void *x, size_t n, size_t o, size_t oy,
                          size_t ox) {
  const qk_conv2d *p = &plan->conv;
  const size_t channels = qk_channels_per_group(p);
  const size_t first_channel = o / (p->out_channels / p->groups) * channels;
  uint32_t sum = (uint32_t)plan->output.bias[o];  // wraps mod 2^32
  for (size_t ky = 0; ky < p->kernel_height; ky++) {
    // A row above the image wraps to a huge number, which is beyond its height too.
    const size_t iy = oy * p->stride_height + ky * p->dilation_height - p->pad_top;
    if (iy >= p->height) continue;
    for (size_t kx = 0; kx < p->kernel_width; kx++) {
      const size_t ix = ox * p->stride_width + kx * p->dilation_width - p->pad_left;
      if (ix >= p->width) continue;
      for (size_t c = 0; c < channels; c++) {
        const size_t x_index = image_index(p->layout, p->in_channels, p->height, p->width, n,
                                           first_channel + c, iy, ix);
        int32_t x_value = qk_load_integer(p->x_type, x, x_index) - p->x_zero_point;
        int32_t w_value = qk_load_integer(p->w_type, plan->w, weight_index(p, o, ky, kx, c)) -
                          plan->w_zero_points[o];
        sum += (uint32_t)(x_value * w_value);
      }
    }
  }
  return (int32_t)sum;
}

/// The definition, one element after the other.
static void convolve_scalar(const qk_conv2d_plan *plan, const void *x, char *y) {
  const qk_conv2d *p = &plan->conv;
  for (size_t n = 0; n < p->batch; n++) {
    for (size_t o = 0; o < p->out_channels; o++) {
      for (size_t oy = 0; oy < p->out_height; oy++) {
        for (size_t ox = 0; ox < p->out_width; ox++) {
          int32_t acc = accumulate(plan, x, n, o, oy, ox);
          const size_t index = image_index(p->layout, p->out_channels, p->out_height, p->out_width,
                                           n, o, oy, ox);
          qk_accumulators one = {&acc, 1, o, 1, 1};
          qk_output_store_rows(&plan->output, &one, y + index * plan->output.element_size, 1);
        }
      }
    }
  }
}

qk_status qk_conv2d_run(const qk_conv2d_plan *plan, const void *x, void *y) {
  if (plan->engine) return qk_conv2d_multiply(plan, x, y);
  convolve_scalar(plan, x, y);
  return QK_OK;
}

qk_status qk_conv2d_once(qk_tier tier, const qk_conv2d *conv, const void *x, const void *w,
                         void *y) {
  qk_conv2d_plan *plan;
  qk_status status = qk_conv2d_prepare(tier, conv, w, &plan);
  if (status == QK_OK) status = qk_conv2d_run(plan, x, y);
  qk_conv2d_free(plan);
  return status;
}
