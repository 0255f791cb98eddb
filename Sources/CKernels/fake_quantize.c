// v = RNE(f32(x * f32(1 / scale))) + zero_point;  y = (clamp(v) - zero_point) * scale
//
// PyTorch adds in binary32, as here. Below 2^24 that sum is exact; beyond, it is outside the bounds
// (at most 2^22) however it rounds, so huge values and infinities saturate with mask 0.
#include "kernels.h"
#include "rounding.h"

static void fake_quantize_scalar(const void *context, const qk_run *run) {
  const qk_fake_quantize_job *job = context;
  for (size_t j = 0; j < run->count; j++) {
    float scale = qk_load_float(run->parameters[0], j * run->step);
    float zero_point = (float)qk_load_int32(run->parameters[1], j * run->step);
    float inverse = 1.0f / scale;
    float v = rintf(qk_load_float(job->x, run->first + j) * inverse) + zero_point;
    float clamped = qk_clamp_float(v, job->qmin, job->qmax);
    qk_store_float(job->y, run->first + j, (clamped - zero_point) * scale);
    if (job->mask) job->mask[run->first + j] = job->qmin <= v && v <= job->qmax;
  }
}

qk_status qk_fake_quantize(qk_tier tier, const qk_affine *affine, int32_t qmin, int32_t qmax,
                           const void *x, void *y, void *mask, size_t count) {
  static qk_run_kernels kernels = QK_KERNELS(fake_quantize);
  qk_fake_quantize_job job = {x, y, mask, (float)qmin, (float)qmax};
  qk_parameter parameters[QK_PARAMETERS];
  qk_affine_parameters(affine, parameters);
  return qk_for_each_run(tier, kernels, &job, parameters, affine->channels, affine->inner, count);
}
