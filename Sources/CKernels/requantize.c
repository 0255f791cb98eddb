// onnx:   y = clamp(RNE(f32(f32(acc - acc_zero_point) * scale)) + zero_point)
// tflite: y = clamp(MultiplyByQuantizedMultiplier(acc - acc_zero_point) + zero_point)
#include "kernels.h"
#include "rounding.h"

static void requantize_scalar(const void *context, const qk_run *run) {
  const qk_requantize_job *job = context;
  for (size_t j = 0; j < run->count; j++) {
    int32_t acc = qk_load_int32(job->acc, run->first + j);
    int32_t zero_point = qk_load_int32(run->parameters[1], j * run->step);
    int32_t y;
    if (job->rule == QK_ONNX) {
      float scale = qk_load_float(run->parameters[0], j * run->step);
      float scaled = qk_float_difference(acc, job->acc_zero_point) * scale;
      y = qk_round_to_range(QK_ONNX, scaled, zero_point, job->range);
    } else {
      int32_t multiplier = qk_load_int32(run->parameters[0], j * run->step);
      int32_t shift = qk_load_int32(run->parameters[2], j * run->step);
      int32_t difference = (int32_t)((uint32_t)acc - (uint32_t)job->acc_zero_point);
      y = qk_multiply_by_quantized_multiplier(difference, multiplier, shift);
      // Clamped before the zero point is added, so that the sum cannot overflow.
      y = qk_clamp_int32(y, job->range.min - zero_point, job->range.max - zero_point) + zero_point;
    }
    qk_store_low(job->bytes, job->y, run->first + j, y);
  }
}

static void requantize_rows_scalar(const qk_requantize_job *given, const qk_run *columns,
                                   size_t rows, size_t acc_stride, size_t y_stride) {
  qk_requantize_job job = *given;
  for (size_t r = 0; r < rows; r++, job.acc += acc_stride, job.y += y_stride) {
    requantize_scalar(&job, columns);
  }
}

qk_requantize_rows_kernel *const qk_requantize_rows_kernels[QK_TIER_COUNT] =
    QK_KERNELS(requantize_rows);

qk_status qk_requantize(qk_tier tier, const qk_requantization *parameters, const void *acc, void *y,
                        size_t count) {
  static qk_run_kernels kernels = QK_KERNELS(requantize);
  qk_requantize_job job = {acc,
                           y,
                           parameters->rule,
                           parameters->range,
                           parameters->acc_zero_point,
                           qk_size(parameters->range.type)};
  bool onnx = parameters->rule == QK_ONNX;
  qk_parameter given[QK_PARAMETERS] = {
      {onnx ? (const void *)parameters->scales : parameters->multipliers, parameters->scale_count},
      {parameters->zero_points, parameters->zero_point_count},
      {parameters->shifts, onnx ? 0 : parameters->scale_count},
  };
  return qk_for_each_run(tier, kernels, &job, given, parameters->channels,
                         parameters->inner, count);
}
