/* Loops over the memory of a sweep: they must keep up with SIMD kernels. */
#include "CHarness.h"

/* Chosen when the program starts, since SwiftPM gives no build flags for newer instructions. */
#if defined(__x86_64__) && defined(__linux__)
#define MULTIVERSIONED __attribute__((target_clones("avx512bw", "avx2", "default")))
#else
#define MULTIVERSIONED
#endif

/* Elements that a vector loop looks at before it decides anything. */
#define STEP 256

#define DEFINE_LOOPS(BITS)                                                                       \
  MULTIVERSIONED static void fill_consecutive_##BITS(                                            \
      uint##BITS##_t *memory, size_t count, uint##BITS##_t first) {                              \
    for (size_t i = 0; i < count; i += 1) memory[i] = (uint##BITS##_t)(first + i);               \
  }                                                                                              \
  MULTIVERSIONED static void fill_##BITS(                                                        \
      uint##BITS##_t *memory, size_t count, uint##BITS##_t value) {                              \
    for (size_t i = 0; i < count; i += 1) memory[i] = value;                                     \
  }                                                                                              \
  MULTIVERSIONED static size_t first_other_##BITS(                                               \
      const uint##BITS##_t *memory, size_t count, uint##BITS##_t value) {                        \
    size_t i = 0;                                                                                \
    for (; i + STEP <= count; i += STEP) {                                                       \
      uint##BITS##_t differences = 0;                                                            \
      for (size_t j = 0; j < STEP; j += 1) differences |= (uint##BITS##_t)(memory[i + j] ^ value); \
      if (differences) break;                                                                    \
    }                                                                                            \
    while (i < count && memory[i] == value) i += 1;                                              \
    return i;                                                                                    \
  }                                                                                              \
  MULTIVERSIONED static size_t first_inconsecutive_##BITS(                                       \
      const uint##BITS##_t *memory, size_t count, uint##BITS##_t first) {                        \
    size_t i = 0;                                                                                \
    for (; i + STEP <= count; i += STEP) {                                                       \
      uint##BITS##_t differences = 0;                                                            \
      for (size_t j = 0; j < STEP; j += 1) {                                                     \
        differences |= (uint##BITS##_t)(memory[i + j] ^ (uint##BITS##_t)(first + i + j));        \
      }                                                                                          \
      if (differences) break;                                                                    \
    }                                                                                            \
    while (i < count && memory[i] == (uint##BITS##_t)(first + i)) i += 1;                        \
    return i;                                                                                    \
  }

DEFINE_LOOPS(8)
DEFINE_LOOPS(16)
DEFINE_LOOPS(32)
DEFINE_LOOPS(64)

/* Sizes that no processor has: three bytes of ap_fixed<24>, six of int48, ... */
static uint64_t mask(size_t size) { return size == 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * size) - 1; }

static uint64_t load(const uint8_t *memory, size_t size) {
  uint64_t value = 0;
  for (size_t byte = 0; byte < size; byte += 1) value |= (uint64_t)memory[byte] << 8 * byte;
  return value;
}

static void store(uint8_t *memory, size_t size, uint64_t value) {
  for (size_t byte = 0; byte < size; byte += 1) memory[byte] = (uint8_t)(value >> 8 * byte);
}

void qh_fill_consecutive(void *memory, size_t count, size_t size, uint64_t first) {
  switch (size) {
    case 1: fill_consecutive_8(memory, count, (uint8_t)first); return;
    case 2: fill_consecutive_16(memory, count, (uint16_t)first); return;
    case 4: fill_consecutive_32(memory, count, (uint32_t)first); return;
    case 8: fill_consecutive_64(memory, count, first); return;
  }
  for (size_t i = 0; i < count; i += 1) store((uint8_t *)memory + i * size, size, first + i);
}

void qh_fill(void *memory, size_t count, size_t size, uint64_t value) {
  switch (size) {
    case 1: fill_8(memory, count, (uint8_t)value); return;
    case 2: fill_16(memory, count, (uint16_t)value); return;
    case 4: fill_32(memory, count, (uint32_t)value); return;
    case 8: fill_64(memory, count, value); return;
  }
  for (size_t i = 0; i < count; i += 1) store((uint8_t *)memory + i * size, size, value);
}

size_t qh_first_other(const void *memory, size_t count, size_t size, uint64_t value) {
  switch (size) {
    case 1: return first_other_8(memory, count, (uint8_t)value);
    case 2: return first_other_16(memory, count, (uint16_t)value);
    case 4: return first_other_32(memory, count, (uint32_t)value);
    case 8: return first_other_64(memory, count, value);
  }
  size_t i = 0;
  value &= mask(size);
  while (i < count && load((const uint8_t *)memory + i * size, size) == value) i += 1;
  return i;
}

size_t qh_first_inconsecutive(const void *memory, size_t count, size_t size, uint64_t first) {
  switch (size) {
    case 1: return first_inconsecutive_8(memory, count, (uint8_t)first);
    case 2: return first_inconsecutive_16(memory, count, (uint16_t)first);
    case 4: return first_inconsecutive_32(memory, count, (uint32_t)first);
    case 8: return first_inconsecutive_64(memory, count, first);
  }
  size_t i = 0;
  while (i < count && load((const uint8_t *)memory + i * size, size) == ((first + i) & mask(size))) {
    i += 1;
  }
  return i;
}
