// ONNX DynamicQuantizeLinear: the scale and zero point come from the extremes of x.
#include "kernels.h"
#include "rounding.h"

static qk_extremes extremes_scalar(const char *x, size_t count) {
  qk_extremes found = {0, 0};
  for (size_t i = 0; i < count; i++) {
    float value = qk_load_float(x, i);
    if (value < found.min) found.min = value;
    if (value > found.max) found.max = value;
  }
  return found;
}

qk_status qk_dynamic_quantize(qk_tier tier, const void *x, size_t count, void *y, float *y_scale,
                              uint8_t *y_zero_point) {
  static qk_extremes_kernel *const kernels[QK_TIER_COUNT] = QK_KERNELS(extremes);
  if (qk_tier_missing(tier) || !kernels[tier]) return QK_TIER_UNAVAILABLE;
  qk_extremes range = kernels[tier](x, count);
  bool all_zero = range.min == 0 && range.max == 0;
  float scale = (all_zero ? 1.0f : range.max - range.min) / 255.0f;
  float offset = all_zero ? 0.0f : 0.0f - range.min / scale;
  int32_t zero_point = (int32_t)rintf(qk_clamp_float(offset, 0.0f, 255.0f));
  *y_scale = scale;
  *y_zero_point = (uint8_t)zero_point;
  qk_affine affine = {&scale, 1, &zero_point, 1, 1, 1};
  return qk_quantize(tier, QK_ONNX, &affine, (qk_range){QK_UINT8, 0, 255}, x, y, count);
}
