// y = clamp(R(f32(x / scale)) + zero_point)
#include "kernels.h"
#include "rounding.h"

static void quantize_scalar(const void *context, const qk_run *run) {
  const qk_quantize_job *job = context;
  for (size_t j = 0; j < run->count; j++) {
    float scale = qk_load_float(run->parameters[0], j * run->step);
    int32_t zero_point = qk_load_int32(run->parameters[1], j * run->step);
    float x = qk_load_float(job->x, run->first + j);
    int32_t y = qk_round_to_range(job->rule, x / scale, zero_point, job->range);
    qk_store_low(job->bytes, job->y, run->first + j, y);
  }
}

qk_status qk_quantize(qk_tier tier, qk_rule rule, const qk_affine *affine, qk_range range,
                      const void *x, void *y, size_t count) {
  static qk_run_kernels kernels = QK_KERNELS(quantize);
  qk_quantize_job job = {x, y, rule, range, qk_size(range.type)};
  qk_parameter parameters[QK_PARAMETERS];
  qk_affine_parameters(affine, parameters);
  return qk_for_each_run(tier, kernels, &job, parameters, affine->channels, affine->inner, count);
}
