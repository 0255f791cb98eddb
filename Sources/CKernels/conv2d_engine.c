// Convolution as a product of staged rows and packed weights.
//
// A band of the image, enough for some output rows, is staged: channels innermost, padded on all
// sides with zero points, so that no loop after this one asks where the image ends. An output pixel
// is then a row of the left factor without any copying: its segments are the stretches of the band
// under the kernel, one per kernel row where the columns and channels under it are neighbours, else
// one per tap.
#include <stdlib.h>

#include "conv2d.h"
#include "transpose.h"

// MARK: Weights

/// Whether all channels under a row of the kernel are neighbours.
static bool rows_are_contiguous(const qk_conv2d_plan *plan) {
  return !plan->depthwise && plan->conv.groups == 1 && plan->conv.dilation_width == 1;
}

static qk_status find_segments(qk_conv2d_plan *plan) {
  const qk_conv2d *p = &plan->conv;
  const size_t pixel = plan->staged_channels * qk_element_size(plan->engine);
  const size_t taps_in_row = rows_are_contiguous(plan) ? 1 : p->kernel_width;
  plan->segments = p->kernel_height * taps_in_row;
  plan->offsets = malloc(plan->segments * sizeof *plan->offsets);
  if (!plan->offsets) return QK_OUT_OF_MEMORY;
  for (size_t ky = 0; ky < p->kernel_height; ky++) {
    for (size_t kx = 0; kx < taps_in_row; kx++) {
      plan->offsets[ky * taps_in_row + kx] =
          (ky * p->dilation_height * plan->staged_width + kx * p->dilation_width) * pixel;
    }
  }
  return QK_OK;
}

/// Packs the weights `w`, in layout OHWI or, depthwise, in any.
static qk_status pack_factors(qk_conv2d_plan *plan, const unsigned char *w) {
  const qk_conv2d *p = &plan->conv;
  const size_t columns = p->out_channels / plan->factor_count;
  const size_t taps = p->kernel_height * p->kernel_width;
  const size_t length = taps * qk_channels_per_group(p) / plan->segments;
  const bool taps_outermost = p->weight_layout == QK_HWO;
  for (size_t f = 0; f < plan->factor_count; f++) {
    qk_factor_source source = {
        .b = w + f * columns * plan->segments * length,
        .type = p->w_type,
        .columns = columns,
        .segments = plan->segments,
        .length = length,
        .segment_stride = taps_outermost ? p->out_channels : length,
        .element_stride = 1,
        .column_stride = taps_outermost ? 1 : plan->segments * length,
        .zero_points = plan->w_zero_points + f * columns,
    };
    qk_status status = qk_factor_pack(&plan->factors[f], plan->engine, &source);
    if (status != QK_OK) return status;
    plan->initial[f] = qk_factor_initial(&plan->factors[f], plan->output.bias + f * columns,
                                         p->x_type, p->x_zero_point);
    if (!plan->initial[f]) return QK_OUT_OF_MEMORY;
  }
  return QK_OK;
}

qk_status qk_conv2d_pack(qk_conv2d_plan *plan, const unsigned char *w) {
  const qk_conv2d *p = &plan->conv;
  plan->depthwise = qk_is_depthwise(p);
  plan->staged_channels = plan->depthwise ? p->out_channels : p->in_channels;
  plan->staged_width = p->out_width == 0 ? 0
                                         : (p->out_width - 1) * p->stride_width +
                                               (p->kernel_width - 1) * p->dilation_width + 1;
  qk_status status = find_segments(plan);
  if (status != QK_OK) return status;
  const size_t factors = plan->depthwise ? 1 : p->groups;
  plan->factors = calloc(factors, sizeof *plan->factors);
  plan->initial = calloc(factors, sizeof *plan->initial);
  if (!plan->factors || !plan->initial) return QK_OUT_OF_MEMORY;
  plan->factor_count = factors;
  if (plan->depthwise || p->weight_layout == QK_OHWI) return pack_factors(plan, w);

  const size_t channels = qk_channels_per_group(p), taps = p->kernel_height * p->kernel_width;
  unsigned char *reordered = malloc(qk_max(qk_weight_count(p), 1));
  if (!reordered) return QK_OUT_OF_MEMORY;
  for (size_t o = 0; o < p->out_channels; o++) {
    const size_t filter = o * channels * taps;
    qk_transpose_bytes(reordered + filter, channels, w + filter, taps, channels, taps);
  }
  status = pack_factors(plan, reordered);
  free(reordered);
  return status;
}

// MARK: Staging

/// Scratch memory for the output rows that are computed at a time.
typedef struct band {
  size_t out_rows;        // at most
  size_t staged_rows;     // at most
  unsigned char *pixels;  // staged
  const unsigned char **starts;
  int32_t *terms;             // see qk_rows
  int32_t *pixel_sums;        // of staged bytes
  unsigned char *row;         // one row, channels innermost, not yet converted
  unsigned char *transposed;  // the same before channels are repeated
} band;

static void free_band(band *b) {
  free(b->pixels);
  free(b->starts);
  free(b->terms);
  free(b->pixel_sums);
  free(b->row);
  free(b->transposed);
}

static size_t row_size(const qk_conv2d_plan *plan) {
  return plan->staged_width * plan->staged_channels * qk_element_size(plan->engine);
}

static size_t staged_rows(const qk_conv2d *p, size_t out_rows) {
  return (out_rows - 1) * p->stride_height + (p->kernel_height - 1) * p->dilation_height + 1;
}

static qk_status allocate_band(band *b, const qk_conv2d_plan *plan) {
  const qk_conv2d *p = &plan->conv;
  const size_t fitting = QK_STAGING_BYTES / qk_max(row_size(plan) * p->stride_height, 1);
  b->out_rows = qk_min(qk_max(fitting, 1), p->out_height);
  b->staged_rows = staged_rows(p, b->out_rows);
  const size_t rows = qk_round_up(b->out_rows * p->out_width, plan->engine->rows);
  b->pixels = malloc(b->staged_rows * row_size(plan) + QK_STAGING_SLACK);
  b->starts = malloc(rows * sizeof *b->starts);
  b->terms = calloc(rows, sizeof *b->terms);
  b->pixel_sums = malloc((b->staged_rows * plan->staged_width + 1) * sizeof *b->pixel_sums);
  b->row = malloc(plan->staged_width * plan->staged_channels + 1);
  b->transposed = malloc(plan->staged_width * p->in_channels + 1);
  if (!b->pixels || !b->starts || !b->terms || !b->pixel_sums || !b->row || !b->transposed) {
    return QK_OUT_OF_MEMORY;
  }
  const size_t pixel = plan->staged_channels * qk_element_size(plan->engine);
  for (size_t r = 0; r < rows; r++) {
    // A last tile that is not whole reads its missing rows where the first is.
    const size_t row = r < b->out_rows * p->out_width ? r : 0;
    const size_t y = row / p->out_width * p->stride_height;
    const size_t x = row % p->out_width * p->stride_width;
    b->starts[r] = b->pixels + (y * plan->staged_width + x) * pixel;
  }
  return QK_OK;
}

/// Stages `count` pixels of zero.
static unsigned char *stage_zeros(const qk_conv2d_plan *plan, unsigned char *to, size_t count) {
  const qk_engine *engine = plan->engine;
  const size_t size = count * plan->staged_channels * qk_element_size(engine);
  // Words have the zero point subtracted; a byte is it.
  const int32_t zero =
      plan->conv.x_zero_point + qk_flip_offset(plan->conv.x_type, engine->a_type);
  memset(to, qk_has_words(engine) ? 0 : zero, size);
  return to + size;
}

/// The first `count` pixels of row `y` of an image, channels innermost.
static const unsigned char *pixels_of_row(const qk_conv2d_plan *plan, const unsigned char *image,
                                          size_t y, size_t count, const band *b) {
  const qk_conv2d *p = &plan->conv;
  const size_t channels = p->in_channels;
  const unsigned char *row = image + y * p->width * channels;
  if (p->layout == QK_NCHW) {
    qk_transpose_bytes(b->transposed, channels, image + y * p->width, p->height * p->width,
                       channels, count);
    row = b->transposed;
  }
  const size_t repeats = plan->staged_channels / channels;
  if (!plan->depthwise || repeats == 1) return row;
  for (size_t i = 0; i < count * channels; i++) memset(b->row + i * repeats, row[i], repeats);
  return b->row;
}

/// Stages the rows under `out_rows` output rows, of which `first` is the first.
static void stage_band(const qk_conv2d_plan *plan, const unsigned char *image, size_t first,
                       size_t out_rows, const band *b) {
  const qk_conv2d *p = &plan->conv;
  const size_t left = qk_min(p->pad_left, plan->staged_width);
  const size_t inside = qk_min(p->width, plan->staged_width - left);
  const size_t right = plan->staged_width - left - inside;
  unsigned char *to = b->pixels;
  for (size_t row = 0; row < staged_rows(p, out_rows); row++) {
    const size_t y = first * p->stride_height + row - p->pad_top;  // huge above the image
    if (y >= p->height) {
      to = stage_zeros(plan, to, plan->staged_width);
      continue;
    }
    to = stage_zeros(plan, to, left);
    const size_t count = inside * plan->staged_channels;
    plan->engine->stage(to, pixels_of_row(plan, image, y, inside, b), count, p->x_type,
                        p->x_zero_point);
    to = stage_zeros(plan, to + count * qk_element_size(plan->engine), right);
  }
}

QK_INLINE void add_strided(int32_t *to, const int32_t *from, size_t count, size_t stride) {
  for (size_t i = 0; i < count; i++) {
    to[i] = (int32_t)((uint32_t)to[i] + (uint32_t)from[i * stride]);
  }
}

/// The sum of each row, which the zero points of the weights multiply: of the sums of the pixels
/// under the kernel, in the channels of group `group`.
static void sum_rows(const qk_conv2d_plan *plan, const band *b, size_t out_rows, size_t group) {
  const qk_conv2d *p = &plan->conv;
  const size_t channels = qk_channels_per_group(p), width = plan->staged_width;
  plan->engine->sum(b->pixels + group * channels, staged_rows(p, out_rows) * width, channels,
                    plan->staged_channels, b->pixel_sums);
  memset(b->terms, 0, out_rows * p->out_width * sizeof *b->terms);
  for (size_t oy = 0; oy < out_rows; oy++) {
    int32_t *terms = b->terms + oy * p->out_width;
    for (size_t ky = 0; ky < p->kernel_height; ky++) {
      for (size_t kx = 0; kx < p->kernel_width; kx++) {
        const size_t y = oy * p->stride_height + ky * p->dilation_height;
        const int32_t *sums = b->pixel_sums + y * width + kx * p->dilation_width;
        if (p->stride_width == 1) {
          add_strided(terms, sums, p->out_width, 1);  // a constant, to be vectorized
        } else {
          add_strided(terms, sums, p->out_width, p->stride_width);
        }
      }
    }
  }
}

// MARK: Running

typedef struct destination {
  const qk_conv2d_plan *plan;
  size_t first_column;  // of the group
  size_t first_pixel;   // of the band, in the image
  char *y;              // of the image
} destination;

static void store_tile(void *context, size_t row, size_t rows, size_t column, size_t columns,
                       const int32_t *acc, size_t stride) {
  const destination *to = context;
  const qk_conv2d *p = &to->plan->conv;
  const size_t size = to->plan->output.element_size;
  const size_t pixel = to->first_pixel + row, channel = to->first_column + column;
  qk_accumulators tile = {acc, rows, channel, columns, stride};
  if (p->layout == QK_NHWC) {
    char *y = to->y + (pixel * p->out_channels + channel) * size;
    qk_output_store_rows(&to->plan->output, &tile, y, p->out_channels);
  } else {
    const size_t plane = p->out_height * p->out_width;
    char *y = to->y + (channel * plane + pixel) * size;
    qk_output_store_columns(&to->plan->output, &tile, y, plane);
  }
}

static void convolve_band(const qk_conv2d_plan *plan, const band *b, size_t out_rows,
                          destination to) {
  const qk_conv2d *p = &plan->conv;
  const size_t group_size = qk_channels_per_group(p) * qk_element_size(plan->engine);
  const size_t columns = p->out_channels / plan->factor_count;
  for (size_t f = 0; f < plan->factor_count; f++) {
    const qk_factor *factor = &plan->factors[f];
    qk_rows rows = {.starts = b->starts,
                    .count = out_rows * p->out_width,
                    .base = f * group_size,
                    .offsets = plan->offsets};
    if (factor->has_zero_points) {
      sum_rows(plan, b, out_rows, f);
      rows.terms = b->terms;
    }
    to.first_column = f * columns;
    qk_multiply(factor, &rows, plan->initial[f], store_tile, &to);
  }
}

qk_status qk_conv2d_multiply(const qk_conv2d_plan *plan, const unsigned char *x, char *y) {
  const qk_conv2d *p = &plan->conv;
  const size_t pixels = p->out_height * p->out_width;
  if (p->batch == 0 || pixels == 0 || p->out_channels == 0) return QK_OK;
  band b = {0};
  qk_status status = allocate_band(&b, plan);
  for (size_t n = 0; status == QK_OK && n < p->batch; n++) {
    const unsigned char *image = x + n * p->in_channels * p->height * p->width;
    destination to = {
        .plan = plan, .y = y + n * p->out_channels * pixels * plan->output.element_size};
    for (size_t first = 0; first < p->out_height; first += b.out_rows) {
      const size_t out_rows = qk_min(b.out_rows, p->out_height - first);
      stage_band(plan, image, first, out_rows, &b);
      to.first_pixel = first * p->out_width;
      convolve_band(plan, &b, out_rows, to);
    }
  }
  free_band(&b);
  return status;
}
