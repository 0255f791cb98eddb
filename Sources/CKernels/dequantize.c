// y = f32(f32(x - zero_point) * scale)
#include "kernels.h"
#include "rounding.h"

static void dequantize_scalar(const void *context, const qk_run *run) {
  const qk_dequantize_job *job = context;
  for (size_t j = 0; j < run->count; j++) {
    float scale = qk_load_float(run->parameters[0], j * run->step);
    int32_t zero_point = qk_load_int32(run->parameters[1], j * run->step);
    int32_t x = qk_load_integer(job->x_type, job->x, run->first + j);
    qk_store_float(job->y, run->first + j, qk_float_difference(x, zero_point) * scale);
  }
}

qk_status qk_dequantize(qk_tier tier, const qk_affine *affine, qk_type x_type, const void *x,
                        void *y, size_t count) {
  static qk_run_kernels kernels = QK_KERNELS(dequantize);
  qk_dequantize_job job = {x, y, x_type};
  qk_parameter parameters[QK_PARAMETERS];
  qk_affine_parameters(affine, parameters);
  return qk_for_each_run(tier, kernels, &job, parameters, affine->channels, affine->inner, count);
}
