// What all kernels share: target regions, unaligned loads, and the table of implementations.
#ifndef QVERIFY_INTERNAL_H
#define QVERIFY_INTERNAL_H

#include <string.h>

#include "CKernels.h"

// Every product and every sum rounds on its own; GCC has no pragma for it and needs
// -ffp-contract=off, though no kernel has a product directly inside a sum.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#if defined(__x86_64__) && defined(__clang__)
#define QK_X86 1
#include <immintrin.h>
#elif defined(__aarch64__)
#define QK_ARM 1
#include <arm_neon.h>
#endif

// Functions between QK_BEGIN_x and QK_END are compiled for that instruction set and may only run
// where `qk_tier_missing` found it. SwiftPM passes no build flags to dependents, hence regions.
#define QK_TARGET_REGION(features) \
  _Pragma(QK_STRING(clang attribute push(__attribute__((target(features))), apply_to = function)))
#define QK_STRING(...) #__VA_ARGS__
#define QK_BEGIN_AVX2 QK_TARGET_REGION("avx2")
#define QK_BEGIN_AVX512 QK_TARGET_REGION("avx512f,avx512bw,avx512dq,avx512vl")
#define QK_BEGIN_AVX512VNNI QK_TARGET_REGION("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#define QK_END _Pragma("clang attribute pop")

/// For bodies that are specialised by constant arguments. Inlined at -O0 too, or a body of one
/// target would call intrinsics of another.
#define QK_INLINE static inline __attribute__((always_inline))

/// Before a loop whose arrays are meant to be registers.
#if defined(__clang__)
#define QK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QK_UNROLL _Pragma("GCC unroll 16")
#endif

static inline size_t qk_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t qk_max(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t qk_round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

static inline bool qk_is_signed(qk_type type) { return type != QK_UINT8 && type != QK_UINT16; }

static inline size_t qk_size(qk_type type) {
  return type == QK_INT32 ? 4 : type == QK_INT16 || type == QK_UINT16 ? 2 : 1;
}

// Callers' pointers may have any alignment.

static inline float qk_load_float(const void *base, size_t index) {
  float value;
  memcpy(&value, (const char *)base + index * sizeof value, sizeof value);
  return value;
}

static inline int32_t qk_load_int32(const void *base, size_t index) {
  int32_t value;
  memcpy(&value, (const char *)base + index * sizeof value, sizeof value);
  return value;
}

static inline void qk_store_float(void *base, size_t index, float value) {
  memcpy((char *)base + index * sizeof value, &value, sizeof value);
}

static inline void qk_store_int32(void *base, size_t index, int32_t value) {
  memcpy((char *)base + index * sizeof value, &value, sizeof value);
}

/// Element `index` of an 8, 16 or 32-bit integer tensor.
static inline int32_t qk_load_integer(qk_type type, const void *base, size_t index) {
  const unsigned char *p = (const unsigned char *)base + index * qk_size(type);
  uint16_t word;
  switch (type) {
    case QK_INT8: return (int8_t)*p;
    case QK_UINT8: return *p;
    case QK_INT16: memcpy(&word, p, sizeof word); return (int16_t)word;
    case QK_UINT16: memcpy(&word, p, sizeof word); return word;
    case QK_INT32: break;
  }
  return qk_load_int32(base, index);
}

/// Stores the low 8 or 16 bits: the value is in range, so its signedness does not matter.
static inline void qk_store_low(size_t bytes, void *base, size_t index, int32_t value) {
  if (bytes == 1) {
    ((unsigned char *)base)[index] = (unsigned char)value;
  } else {
    uint16_t word = (uint16_t)value;
    memcpy((char *)base + index * sizeof word, &word, sizeof word);
  }
}

#endif
