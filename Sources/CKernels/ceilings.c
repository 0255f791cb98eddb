// What this machine can do at most.
//
// The empty asm statements claim to change a register or memory, so that the compiler can neither
// merge equal steps, nor hoist them, nor call memcpy instead.
#include "internal.h"

#define OPAQUE(vector) __asm__ volatile("" : "+v"(vector))
#define OPAQUE_MEMORY() __asm__ volatile("" ::: "memory")

#if QK_X86

QK_BEGIN_AVX2
static uint64_t dot_products_avx2(uint64_t iterations) {
  enum { SUMS = 12, PRODUCTS = 16 };
  __m256i a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5), sums[SUMS];
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) sums[s] = _mm256_setzero_si256();
  for (uint64_t i = 0; i < iterations; i++) {
    QK_UNROLL for (size_t s = 0; s < SUMS; s++) {
      OPAQUE(a);
      sums[s] = _mm256_add_epi32(sums[s], _mm256_madd_epi16(a, b));
    }
  }
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) OPAQUE(sums[s]);
  return iterations * SUMS * PRODUCTS;
}

static void copy_avx2(char *to, const char *from, size_t bytes) {
  size_t i = 0;
  for (; i + 128 <= bytes; i += 128) {
    QK_UNROLL for (size_t v = 0; v < 128; v += 32) {
      _mm256_storeu_si256((__m256i *)(to + i + v),
                          _mm256_loadu_si256((const __m256i *)(from + i + v)));
    }
    OPAQUE_MEMORY();
  }
  memcpy(to + i, from + i, bytes - i);
}

static uint64_t read_avx2(const char *from, size_t bytes) {
  __m256i sums[4];
  QK_UNROLL for (size_t v = 0; v < 4; v++) sums[v] = _mm256_setzero_si256();
  for (size_t i = 0; i + 128 <= bytes; i += 128) {
    QK_UNROLL for (size_t v = 0; v < 4; v++) {
      __m256i next = _mm256_loadu_si256((const __m256i *)(from + i + v * 32));
      sums[v] = _mm256_xor_si256(sums[v], next);
    }
  }
  uint64_t lanes[16], all = 0;
  memcpy(lanes, sums, sizeof lanes);
  for (size_t lane = 0; lane < 16; lane++) all ^= lanes[lane];
  return all;
}
QK_END

QK_BEGIN_AVX512
static uint64_t dot_products_avx512(uint64_t iterations) {
  enum { SUMS = 16, PRODUCTS = 32 };
  __m512i a = _mm512_set1_epi16(3), b = _mm512_set1_epi16(5), sums[SUMS];
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) sums[s] = _mm512_setzero_si512();
  for (uint64_t i = 0; i < iterations; i++) {
    QK_UNROLL for (size_t s = 0; s < SUMS; s++) {
      OPAQUE(a);
      sums[s] = _mm512_add_epi32(sums[s], _mm512_madd_epi16(a, b));
    }
  }
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) OPAQUE(sums[s]);
  return iterations * SUMS * PRODUCTS;
}

static void copy_avx512(char *to, const char *from, size_t bytes) {
  size_t i = 0;
  for (; i + 256 <= bytes; i += 256) {
    QK_UNROLL for (size_t v = 0; v < 256; v += 64) {
      _mm512_storeu_si512(to + i + v, _mm512_loadu_si512(from + i + v));
    }
    OPAQUE_MEMORY();
  }
  memcpy(to + i, from + i, bytes - i);
}

static uint64_t read_avx512(const char *from, size_t bytes) {
  __m512i sums[4];
  QK_UNROLL for (size_t v = 0; v < 4; v++) sums[v] = _mm512_setzero_si512();
  for (size_t i = 0; i + 256 <= bytes; i += 256) {
    QK_UNROLL for (size_t v = 0; v < 4; v++) {
      sums[v] = _mm512_xor_si512(sums[v], _mm512_loadu_si512(from + i + v * 64));
    }
  }
  uint64_t lanes[32], all = 0;
  memcpy(lanes, sums, sizeof lanes);
  for (size_t lane = 0; lane < 32; lane++) all ^= lanes[lane];
  return all;
}
QK_END

QK_BEGIN_AVX512VNNI
static uint64_t dot_products_avx512vnni(uint64_t iterations) {
  enum { SUMS = 16, PRODUCTS = 64 };
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5), sums[SUMS];
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) sums[s] = _mm512_setzero_si512();
  for (uint64_t i = 0; i < iterations; i++) {
    QK_UNROLL for (size_t s = 0; s < SUMS; s++) {
      OPAQUE(a);
      sums[s] = _mm512_dpbusd_epi32(sums[s], a, b);
    }
  }
  QK_UNROLL for (size_t s = 0; s < SUMS; s++) OPAQUE(sums[s]);
  return iterations * SUMS * PRODUCTS;
}
QK_END

#endif

uint64_t qk_ceiling_dot_product(qk_tier tier, uint64_t iterations) {
  if (qk_tier_missing(tier)) return 0;
  switch (tier) {
#if QK_X86
    case QK_AVX2: return dot_products_avx2(iterations);
    case QK_AVX512: return dot_products_avx512(iterations);
    case QK_AVX512VNNI: return dot_products_avx512vnni(iterations);
#endif
    default: (void)iterations; return 0;
  }
}

void qk_ceiling_copy(void *to, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
  OPAQUE_MEMORY();
}

qk_status qk_ceiling_plain_copy(qk_tier tier, void *to, const void *from, size_t bytes) {
  if (qk_tier_missing(tier)) return QK_TIER_UNAVAILABLE;
  switch (tier) {
#if QK_X86
    case QK_AVX2: copy_avx2(to, from, bytes); return QK_OK;
    case QK_AVX512:
    case QK_AVX512VNNI: copy_avx512(to, from, bytes); return QK_OK;
#endif
    default: (void)to, (void)from, (void)bytes; return QK_TIER_UNAVAILABLE;
  }
}

uint64_t qk_ceiling_read(qk_tier tier, const void *from, size_t bytes) {
  if (qk_tier_missing(tier)) return 0;
  switch (tier) {
#if QK_X86
    case QK_AVX2: return read_avx2(from, bytes);
    case QK_AVX512:
    case QK_AVX512VNNI: return read_avx512(from, bytes);
#endif
    default: (void)from, (void)bytes; return 0;
  }
}
