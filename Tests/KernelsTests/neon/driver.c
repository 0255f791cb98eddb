// Compares every tier that this process can run with `scalar`, bit for bit, on many shapes, with
// every buffer against an inaccessible page. Exits 0 if all agree; else says what did not.
//
// NeonTests.swift compiles it for AArch64 with the C kernels and runs it under qemu. It runs on
// x86-64 as well:
//   clang -O2 -I ../../../Sources/CKernels/include driver.c ../../../Sources/CKernels/*.c -lm
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CKernels.h"

static const char *const tier_names[] = {"scalar", "avx2", "avx512", "avx512vnni", "neon"};
static qk_tier tier;         // the one under test
static char situation[512];  // what is being compared, for the message
static long comparisons;

// MARK: Random numbers

static uint64_t state = 0x9E3779B97F4A7C15;

static uint64_t next(void) {  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1D;
}

static size_t below(size_t bound) { return (size_t)(next() >> 11) % bound; }
static bool coin(void) { return below(2); }
static int32_t between(int32_t low, int32_t high) {
  return (int32_t)(low + (int64_t)(next() >> 11) % ((int64_t)high - low + 1));
}

// MARK: Guarded memory

typedef struct block {
  char *mapping;
  size_t mapped;
  char *data;
  size_t size;
} block;

/// `size` bytes that end at an inaccessible page, or begin after one.
static block guarded(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t room = (size + page - 1) / page * page;
  block b = {.mapped = room + 2 * page, .size = size};
  b.mapping = mmap(NULL, b.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (b.mapping == MAP_FAILED ||
      (room && mprotect(b.mapping + page, room, PROT_READ | PROT_WRITE))) {
    perror("mmap");
    exit(2);
  }
  b.data = b.mapping + page + (below(4) ? room - size : 0);
  return b;
}

static void release(block b) { munmap(b.mapping, b.mapped); }

static block random_bytes(size_t size) {
  block b = guarded(size);
  size_t mode = below(8);
  for (size_t i = 0; i < size; i++) {
    static const unsigned char extremes[] = {0x00, 0x7F, 0x80, 0xFF};
    b.data[i] = (char)(mode == 0   ? 0x80
                       : mode == 1 ? 0x7F
                       : mode == 2 ? 0xFF
                       : mode == 3 ? extremes[below(4)]
                                   : next() >> 40);
  }
  return b;
}

/// Floats of all magnitudes, ties of `scale`, saturating ones, infinities.
static block random_floats(size_t count, float scale) {
  block b = guarded(count * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)(next() >> 32);
    float value;
    switch (below(6)) {
      case 0: memcpy(&value, &bits, sizeof value); break;
      case 1: value = scale * ((float)between(-600, 600) / 2); break;
      case 2: value = scale * (float)between(-70000, 70000); break;
      case 3: value = coin() ? __builtin_inff() : -__builtin_inff(); break;
      case 4: value = scale * ((float)between(-300, 300) + (coin() ? 0x1.fffffep-2f : 0.5f)); break;
      default: value = scale * (float)between(-100000, 100000) / 300; break;
    }
    memcpy(b.data + i * sizeof value, &value, sizeof value);
  }
  return b;
}

/// Parameters of 32 bits, as many as asked for.
static block parameters(size_t count, bool floats, int32_t low, int32_t high) {
  block b = guarded(count * 4);
  for (size_t i = 0; i < count; i++) {
    int32_t integer = between(low, high);
    float real = (float)between(1, 5000) * (coin() ? 1e-3f : 0x1p-9f);
    memcpy(b.data + i * 4, floats ? (void *)&real : (void *)&integer, 4);
  }
  return b;
}

// MARK: Comparison

static void expect(qk_status status) {
  if (status == QK_OK) return;
  printf("%s: status %d: %s\n", tier_names[tier], status, situation);
  exit(1);
}

static void compare(const char *what, block expected, block got, size_t element) {
  comparisons++;
  if (memcmp(expected.data, got.data, got.size) == 0) return;
  size_t i = 0;
  while (expected.data[i] == got.data[i]) i++;
  i /= element;
  uint32_t right = 0, wrong = 0;
  memcpy(&right, expected.data + i * element, element);
  memcpy(&wrong, got.data + i * element, element);
  printf("%s: %s[%zu] is %#x, scalar says %#x: %s\n", tier_names[tier], what, i, wrong, right,
         situation);
  exit(1);
}

/// Poisoned differently in the two outputs, so that an unwritten element differs.
static block output(size_t size, int poison) {
  block b = guarded(size);
  memset(b.data, poison, size);
  return b;
}

// MARK: Element-wise operations

static const size_t counts[] = {0,  1,  2,  3,  4,  5,  7,  8,  9,  15, 16,  17,  31,  32,  33,
                                47, 48, 49, 63, 64, 65, 66, 95, 96, 97, 127, 128, 129, 300, 1000};

typedef struct channels {
  size_t count;
  size_t inner;
} channels;

static channels random_channels(void) {
  static const size_t numbers[] = {1, 1, 2, 3, 5, 16, 17, 63, 64, 65, 300};
  static const size_t inners[] = {1, 1, 2, 3, 16, 63, 64, 65, 200};
  return (channels){numbers[below(11)], inners[below(9)]};
}

static size_t one_or(size_t count) { return coin() ? count : 1; }

static qk_range random_range(qk_type type) {
  static const int32_t least[] = {-128, 0, -32768, 0}, greatest[] = {127, 255, 32767, 65535};
  qk_range range = {type, least[type], greatest[type]};
  if (below(4) == 0) {
    range.min = between(range.min, range.max);
    range.max = between(range.min, range.max);
  }
  return range;
}

static void test_quantize(size_t count) {
  channels c = random_channels();
  qk_range range = random_range((qk_type)below(4));
  qk_rule rule = (qk_rule)below(2);
  size_t scale_count = one_or(c.count), zero_point_count = below(3) ? one_or(c.count) : 0;
  block scales = parameters(scale_count, true, 0, 0);
  block zero_points = parameters(zero_point_count, false, range.min, range.max);
  qk_affine affine = {(float *)scales.data, scale_count, (int32_t *)zero_points.data,
                      zero_point_count, c.count, c.inner};
  float scale;
  memcpy(&scale, scales.data, sizeof scale);
  block x = random_floats(count, scale);
  size_t bytes = range.type < QK_INT16 ? 1 : 2;
  block expected = output(count * bytes, 0x55), got = output(count * bytes, 0xAA);
  snprintf(situation, sizeof situation,
           "quantize rule %d type %d [%d, %d], %zu elements, %zu channels of %zu, %zu scales, "
           "%zu zero points",
           rule, range.type, range.min, range.max, count, c.count, c.inner, scale_count,
           zero_point_count);
  expect(qk_quantize(QK_SCALAR, rule, &affine, range, x.data, expected.data, count));
  expect(qk_quantize(tier, rule, &affine, range, x.data, got.data, count));
  compare("y", expected, got, bytes);
  block all[] = {scales, zero_points, x, expected, got};
  for (size_t i = 0; i < 5; i++) release(all[i]);
}

static void test_dequantize(size_t count) {
  static const size_t sizes[] = {1, 1, 2, 2, 4};
  channels c = random_channels();
  qk_type type = (qk_type)below(5);
  size_t scale_count = one_or(c.count), zero_point_count = below(3) ? one_or(c.count) : 0;
  int32_t bound = type == QK_INT32 ? INT32_MAX : 65535;
  block scales = parameters(scale_count, true, 0, 0);
  block zero_points = parameters(zero_point_count, false, -bound, bound);
  qk_affine affine = {(float *)scales.data, scale_count, (int32_t *)zero_points.data,
                      zero_point_count, c.count, c.inner};
  block x = random_bytes(count * sizes[type]);
  block expected = output(count * 4, 0x55), got = output(count * 4, 0xAA);
  snprintf(situation, sizeof situation, "dequantize type %d, %zu elements, %zu channels of %zu",
           type, count, c.count, c.inner);
  expect(qk_dequantize(QK_SCALAR, &affine, type, x.data, expected.data, count));
  expect(qk_dequantize(tier, &affine, type, x.data, got.data, count));
  compare("y", expected, got, 4);
  block all[] = {scales, zero_points, x, expected, got};
  for (size_t i = 0; i < 5; i++) release(all[i]);
}

static void test_requantize(size_t count) {
  channels c = random_channels();
  qk_range range = random_range((qk_type)below(4));
  size_t scale_count = one_or(c.count), zero_point_count = below(3) ? one_or(c.count) : 0;
  block scales = parameters(scale_count, true, 0, 0);
  block multipliers = parameters(scale_count, false, coin() ? 1 << 30 : INT32_MIN, INT32_MAX);
  block shifts = parameters(scale_count, false, -31, coin() ? 0 : 31);
  block zero_points = parameters(zero_point_count, false, range.min, range.max);
  if (coin() && scale_count) memcpy(multipliers.data, &(int32_t){INT32_MIN}, 4);
  qk_requantization r = {.rule = (qk_rule)below(2),
                         .scales = (float *)scales.data,
                         .multipliers = (int32_t *)multipliers.data,
                         .shifts = (int32_t *)shifts.data,
                         .scale_count = scale_count,
                         .zero_points = (int32_t *)zero_points.data,
                         .zero_point_count = zero_point_count,
                         .channels = c.count,
                         .inner = c.inner,
                         .acc_zero_point = below(3) ? 0 : between(INT32_MIN, INT32_MAX),
                         .range = range};
  block acc = random_bytes(count * 4);
  for (size_t i = 0; i < count; i++) {
    int32_t value = coin() ? between(-50000, 50000) : between(INT32_MIN, INT32_MAX);
    if (below(8) == 0) value = coin() ? INT32_MIN : INT32_MAX;
    memcpy(acc.data + i * 4, &value, 4);
  }
  size_t bytes = range.type < QK_INT16 ? 1 : 2;
  block expected = output(count * bytes, 0x55), got = output(count * bytes, 0xAA);
  snprintf(situation, sizeof situation,
           "requantize rule %d type %d [%d, %d], %zu elements, %zu channels of %zu, zero %d",
           r.rule, range.type, range.min, range.max, count, c.count, c.inner, r.acc_zero_point);
  expect(qk_requantize(QK_SCALAR, &r, acc.data, expected.data, count));
  expect(qk_requantize(tier, &r, acc.data, got.data, count));
  compare("y", expected, got, bytes);
  block all[] = {scales, multipliers, shifts, zero_points, acc, expected, got};
  for (size_t i = 0; i < 7; i++) release(all[i]);
}

static void test_fake_quantize(size_t count) {
  channels c = random_channels();
  qk_range range = random_range((qk_type)below(4));
  size_t scale_count = one_or(c.count), zero_point_count = below(3) ? one_or(c.count) : 0;
  block scales = parameters(scale_count, true, 0, 0);
  block zero_points = parameters(zero_point_count, false, range.min, range.max);
  qk_affine affine = {(float *)scales.data, scale_count, (int32_t *)zero_points.data,
                      zero_point_count, c.count, c.inner};
  float scale;
  memcpy(&scale, scales.data, sizeof scale);
  block x = random_floats(count, scale);
  block expected = output(count * 4, 0x55), got = output(count * 4, 0xAA);
  block expected_mask = output(count, 0x55), got_mask = output(count, 0xAA);
  snprintf(situation, sizeof situation,
           "fake_quantize [%d, %d], %zu elements, %zu channels of %zu", range.min, range.max, count,
           c.count, c.inner);
  bool mask = below(4);
  expect(qk_fake_quantize(QK_SCALAR, &affine, range.min, range.max, x.data, expected.data,
                          mask ? expected_mask.data : NULL, count));
  expect(qk_fake_quantize(tier, &affine, range.min, range.max, x.data, got.data,
                          mask ? got_mask.data : NULL, count));
  compare("y", expected, got, 4);
  if (mask) compare("mask", expected_mask, got_mask, 1);
  block all[] = {scales, zero_points, x, expected, got, expected_mask, got_mask};
  for (size_t i = 0; i < 7; i++) release(all[i]);
}

static void test_dynamic_quantize(size_t count) {
  if (count == 0) return;
  block x = random_floats(count, 1.5f);
  for (size_t i = 0; i < count; i++) {  // the result is unspecified for what is not finite
    float value;
    memcpy(&value, x.data + i * 4, 4);
    if (!__builtin_isfinite(value)) memset(x.data + i * 4, 0, 4);
  }
  block expected = output(count, 0x55), got = output(count, 0xAA);
  float scales[2];
  uint8_t zero_points[2];
  snprintf(situation, sizeof situation, "dynamic_quantize, %zu elements", count);
  expect(qk_dynamic_quantize(QK_SCALAR, x.data, count, expected.data, scales, zero_points));
  expect(qk_dynamic_quantize(tier, x.data, count, got.data, scales + 1, zero_points + 1));
  if (memcmp(scales, scales + 1, 4) || zero_points[0] != zero_points[1]) {
    printf("%s: scale %a, zero point %d, scalar says %a, %d: %s\n", tier_names[tier],
           (double)scales[1], zero_points[1], (double)scales[0], zero_points[0], situation);
    exit(1);
  }
  compare("y", expected, got, 1);
  block all[] = {x, expected, got};
  for (size_t i = 0; i < 3; i++) release(all[i]);
}

// MARK: Products

static int32_t type_min(qk_type type) { return type == QK_INT8 ? -128 : 0; }

/// As many zero points of a type as asked for, at its ends more often than not.
static block zero_points_of(qk_type type, size_t count) {
  int32_t low = type_min(type), high = low + 255;
  block b = parameters(count, false, low, high);
  for (size_t i = 0; i < count; i++) {
    int32_t value = below(3) ? between(low, high) : coin() ? low : high;
    memcpy(b.data + i * 4, &value, 4);
  }
  return b;
}

/// A requantization of `channels` columns; its parameters are in the three blocks.
static qk_requantization random_requantization(size_t channels, block parameter_blocks[3]) {
  qk_requantization r = {.rule = (qk_rule)below(2), .channels = channels, .inner = 1};
  r.range = random_range((qk_type)below(4));
  r.scale_count = one_or(channels);
  r.zero_point_count = below(3) ? one_or(channels) : 0;
  if (r.rule == QK_ONNX) {
    parameter_blocks[0] = parameters(r.scale_count, true, 0, 0);
    parameter_blocks[1] = guarded(0);
  } else {
    parameter_blocks[0] = parameters(r.scale_count, false, 1 << 30, INT32_MAX);
    parameter_blocks[1] = parameters(r.scale_count, false, -15, 0);
  }
  parameter_blocks[2] = parameters(r.zero_point_count, false, r.range.min, r.range.max);
  r.scales = (float *)parameter_blocks[0].data;
  r.multipliers = (int32_t *)parameter_blocks[0].data;
  r.shifts = (int32_t *)parameter_blocks[1].data;
  r.zero_points = (int32_t *)parameter_blocks[2].data;
  return r;
}

static void test_matmul(size_t m, size_t n, size_t k) {
  qk_matmul p = {.a_type = (qk_type)below(2), .b_type = (qk_type)below(2), .n = n, .k = k};
  size_t a_zero_point_count = below(3) ? one_or(m) : 0;
  p.b_zero_point_count = below(3) ? one_or(n) : 0;
  block a = random_bytes(m * k), b = random_bytes(k * n), bias = random_bytes(n * 4);
  block a_zero_points = zero_points_of(p.a_type, a_zero_point_count);
  block b_zero_points = zero_points_of(p.b_type, p.b_zero_point_count);
  p.b_zero_points = (int32_t *)b_zero_points.data;
  if (coin()) p.bias = bias.data;
  block parameter_blocks[3];
  qk_requantization r = random_requantization(n, parameter_blocks);
  if (coin()) p.requantization = &r;
  size_t bytes = !p.requantization ? 4 : r.range.type < QK_INT16 ? 1 : 2;
  block expected = output(m * n * bytes, 0x55), got = output(m * n * bytes, 0xAA);
  snprintf(situation, sizeof situation,
           "matmul %zu x %zu x %zu, types %d %d, %zu and %zu zero points, output bytes %zu", m, k,
           n, p.a_type, p.b_type, a_zero_point_count, p.b_zero_point_count, bytes);
  expect(qk_matmul_once(QK_SCALAR, &p, m, a.data, (int32_t *)a_zero_points.data,
                        a_zero_point_count, b.data, expected.data));
  expect(qk_matmul_once(tier, &p, m, a.data, (int32_t *)a_zero_points.data, a_zero_point_count,
                        b.data, got.data));
  compare("y", expected, got, bytes);
  block all[] = {a,   b,        bias, a_zero_points, b_zero_points, parameter_blocks[0],
                 got, expected, parameter_blocks[1], parameter_blocks[2]};
  for (size_t i = 0; i < 10; i++) release(all[i]);
}

static void compare_conv2d(qk_conv2d p) {
  p.out_height = p.out_width = 0;
  size_t kernel_height = (p.kernel_height - 1) * p.dilation_height + 1;
  size_t kernel_width = (p.kernel_width - 1) * p.dilation_width + 1;
  size_t padded_height = p.height + p.pad_top + below(3);
  size_t padded_width = p.width + p.pad_left + below(3);
  if (padded_height >= kernel_height) {
    p.out_height = (padded_height - kernel_height) / p.stride_height + 1;
  }
  if (padded_width >= kernel_width) {
    p.out_width = (padded_width - kernel_width) / p.stride_width + 1;
  }
  p.w_zero_point_count = below(3) ? one_or(p.out_channels) : 0;
  block x = random_bytes(p.batch * p.in_channels * p.height * p.width);
  block w = random_bytes(p.out_channels * (p.in_channels / p.groups) * p.kernel_height *
                         p.kernel_width);
  block bias = random_bytes(p.out_channels * 4);
  block w_zero_points = zero_points_of(p.w_type, p.w_zero_point_count);
  p.w_zero_points = (int32_t *)w_zero_points.data;
  block x_zero_point = zero_points_of(p.x_type, 1);
  memcpy(&p.x_zero_point, x_zero_point.data, 4);
  if (coin()) p.bias = bias.data;
  block parameter_blocks[3];
  qk_requantization r = random_requantization(p.out_channels, parameter_blocks);
  if (coin()) p.requantization = &r;
  size_t bytes = !p.requantization ? 4 : r.range.type < QK_INT16 ? 1 : 2;
  size_t size = p.batch * p.out_channels * p.out_height * p.out_width * bytes;
  block expected = output(size, 0x55), got = output(size, 0xAA);
  snprintf(situation, sizeof situation,
           "conv2d %zu x %zu x %zu x %zu -> %zu, kernel %zu x %zu, strides %zu %zu, pads %zu %zu, "
           "dilations %zu %zu, %zu groups, types %d %d, layouts %d %d, output %zu x %zu, bytes %zu",
           p.batch, p.height, p.width, p.in_channels, p.out_channels, p.kernel_height,
           p.kernel_width, p.stride_height, p.stride_width, p.pad_top, p.pad_left,
           p.dilation_height, p.dilation_width, p.groups, p.x_type, p.w_type, p.layout,
           p.weight_layout, p.out_height, p.out_width, bytes);
  expect(qk_conv2d_once(QK_SCALAR, &p, x.data, w.data, expected.data));
  expect(qk_conv2d_once(tier, &p, x.data, w.data, got.data));
  compare("y", expected, got, bytes);
  block all[] = {x, w, bias, w_zero_points, x_zero_point, parameter_blocks[0], parameter_blocks[1],
                 parameter_blocks[2], expected, got};
  for (size_t i = 0; i < 10; i++) release(all[i]);
}

static qk_conv2d random_geometry(void) {
  return (qk_conv2d){
      .x_type = (qk_type)below(2),
      .w_type = (qk_type)below(2),
      .layout = (qk_layout)below(2),
      .weight_layout = (qk_weight_layout)below(2),
      .batch = 1 + below(2),
      .height = 1 + below(12),
      .width = 1 + below(20),
      .kernel_height = 1 + below(4),
      .kernel_width = 1 + below(4),
      .stride_height = 1 + below(3),
      .stride_width = 1 + below(3),
      .pad_top = below(4),
      .pad_left = below(4),
      .dilation_height = 1 + below(3),
      .dilation_width = coin() ? 1 : 1 + below(3),
      .groups = 1,
  };
}

static void test_conv2d(void) {
  static const size_t numbers[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65};
  qk_conv2d p = random_geometry();
  switch (below(3)) {
    case 0:
      p.in_channels = numbers[below(16)];
      p.out_channels = numbers[below(16)];
      break;
    case 1:
      p.groups = 1 + below(5);
      p.in_channels = p.groups * numbers[below(8)];
      p.out_channels = p.groups * numbers[below(10)];
      break;
    default:
      p.groups = p.in_channels = numbers[below(16)];
      p.out_channels = p.groups * (1 + below(3));
      p.weight_layout = (qk_weight_layout)below(3);
      break;
  }
  compare_conv2d(p);
}

/// Sums beyond 2^31, which wrap: k * 255 * 255 reaches it at k = 33026.
static void test_wrapping(void) {
  for (size_t k = 33024; k < 33030; k++) test_matmul(3, 2, k);
  test_matmul(2, 1, 140000);
}

static void test_products(void) {
  static const size_t sizes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12, 13, 15, 16, 17,
                                 24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 97, 129};
  for (size_t i = 0; i < 28; i++) {
    test_matmul(1 + below(20), 1 + below(40), sizes[i]);
    test_matmul(1 + below(20), sizes[i], 1 + below(70));
    test_matmul(sizes[i], 1 + below(40), 1 + below(70));
    for (size_t j = 0; j < 4; j++) test_conv2d();
  }
  test_matmul(0, 5, 5);
  test_matmul(5, 0, 5);
  test_matmul(300, 33, 1200);  // more than is staged at a time
  qk_conv2d wide = random_geometry();
  wide.in_channels = wide.out_channels = 16;
  wide.height = 40;
  wide.width = 700;
  compare_conv2d(wide);
}

int main(int argument_count, char **arguments) {
  long rounds = argument_count > 1 ? atol(arguments[1]) : 20;
  for (tier = QK_AVX2; tier < QK_TIER_COUNT; tier++) {
    if (qk_tier_missing(tier)) continue;
    comparisons = 0;
    for (long round = 0; round < rounds; round++) {
      for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        test_quantize(counts[i]);
        test_dequantize(counts[i]);
        test_requantize(counts[i]);
        test_fake_quantize(counts[i]);
        test_dynamic_quantize(counts[i]);
      }
      test_products();
    }
    test_wrapping();
    printf("%s: %ld comparisons, all equal\n", tier_names[tier], comparisons);
  }
  return 0;
}
