#include "elementwise.h"

static const int32_t zero = 0;

enum {
  // Shorter runs cost more in calls than expanding their parameters does.
  SHORTEST_RUN = 64,
  // Elements whose parameters are expanded at a time, on the stack.
  EXPANDED_RUN = 256,
};

void qk_affine_parameters(const qk_affine *affine, qk_parameter parameters[QK_PARAMETERS]) {
  parameters[0] = (qk_parameter){affine->scales, affine->scale_count};
  parameters[1] = (qk_parameter){affine->zero_points, affine->zero_point_count};
  parameters[2] = (qk_parameter){&zero, 1};
}

static const void *at_channel(qk_parameter parameter, size_t channel) {
  return (const char *)parameter.values + (parameter.count > 1 ? channel : 0) * sizeof(int32_t);
}

/// One run per stretch of a channel.
static void run_by_channel(qk_run_kernel *kernel, const void *job, const qk_parameter *parameters,
                           size_t channels, size_t inner, size_t count) {
  size_t channel = 0;
  for (size_t first = 0; first < count; first += inner) {
    qk_run run = {.first = first, .count = qk_min(inner, count - first), .step = 0};
    for (size_t p = 0; p < QK_PARAMETERS; p++) {
      run.parameters[p] = at_channel(parameters[p], channel);
    }
    kernel(job, &run);
    channel = channel + 1 == channels ? 0 : channel + 1;
  }
}

/// Channels last, and all parameters per channel: the arrays are used as they are.
static void run_by_pixel(qk_run_kernel *kernel, const void *job, const qk_parameter *parameters,
                         size_t channels, size_t count) {
  for (size_t first = 0; first < count; first += channels) {
    qk_run run = {.first = first, .count = qk_min(channels, count - first), .step = 1};
    for (size_t p = 0; p < QK_PARAMETERS; p++) run.parameters[p] = parameters[p].values;
    kernel(job, &run);
  }
}

/// Writes out the parameters of each element. Where they repeat within the buffer, it is filled
/// once.
static void run_expanded(qk_run_kernel *kernel, const void *job, const qk_parameter *parameters,
                         size_t channels, size_t inner, size_t count) {
  int32_t expanded[QK_PARAMETERS][EXPANDED_RUN];
  bool repeats = inner <= EXPANDED_RUN && channels <= EXPANDED_RUN / inner;
  size_t length = repeats ? EXPANDED_RUN / (channels * inner) * (channels * inner) : EXPANDED_RUN;
  size_t channel = 0, within = 0;
  qk_run run = {.parameters = {expanded[0], expanded[1], expanded[2]}, .step = 1};
  for (size_t first = 0; first < count; first += length) {
    run.first = first;
    run.count = qk_min(length, count - first);
    for (size_t j = 0; j < run.count && (first == 0 || !repeats); j++) {
      for (size_t p = 0; p < QK_PARAMETERS; p++) {
        memcpy(&expanded[p][j], at_channel(parameters[p], channel), sizeof(int32_t));
      }
      if (++within < inner) continue;
      within = 0;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
    kernel(job, &run);
  }
}

qk_status qk_for_each_run(qk_tier tier, qk_run_kernels kernels, const void *job,
                          const qk_parameter parameters[QK_PARAMETERS], size_t channels,
                          size_t inner, size_t count) {
  if (qk_tier_missing(tier) || !kernels[tier]) return QK_TIER_UNAVAILABLE;
  qk_parameter given[QK_PARAMETERS];
  bool shared = true, all_per_channel = true;
  for (size_t p = 0; p < QK_PARAMETERS; p++) {
    given[p] = parameters[p].count > 0 ? parameters[p] : (qk_parameter){&zero, 1};
    shared = shared && given[p].count == 1;
    all_per_channel = all_per_channel && given[p].count == channels;
  }
  if (shared) {
    run_by_channel(kernels[tier], job, given, 1, qk_max(count, 1), count);
  } else if (inner >= SHORTEST_RUN) {
    run_by_channel(kernels[tier], job, given, channels, inner, count);
  } else if (inner == 1 && channels >= SHORTEST_RUN && all_per_channel) {
    run_by_pixel(kernels[tier], job, given, channels, count);
  } else {
    run_expanded(kernels[tier], job, given, channels, inner, count);
  }
  return QK_OK;
}
