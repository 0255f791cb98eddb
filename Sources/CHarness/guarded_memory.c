// Regions between guard pages, and the canary pattern that fills what a buffer leaves free.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CHarness.h"

enum { PERIOD = 4096 };

static uint8_t canary[PERIOD];
static pthread_once_t canary_once = PTHREAD_ONCE_INIT;

// Any byte but those that kernels write most: zeros, ones and the saturated ends.
static void make_canary(void) {
  uint32_t state = 0x51C0FFEE;
  for (size_t i = 0; i < PERIOD; i += 1) {
    uint8_t byte;
    do {
      state = state * 1664525u + 1013904223u;
      byte = (uint8_t)(state >> 24);
    } while (byte <= 0x01 || byte >= 0xFE || (byte >= 0x7E && byte <= 0x81));
    canary[i] = byte;
  }
}

size_t qh_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *qh_region_map(size_t byte_count, size_t guard) {
  pthread_once(&canary_once, make_canary);
  size_t total;
  if (__builtin_add_overflow(byte_count, 2 * guard, &total)) {
    errno = ENOMEM;
    return NULL;
  }
  uint8_t *base = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return NULL;
  if (mprotect(base + guard, byte_count, PROT_READ | PROT_WRITE) != 0) {
    int error = errno;
    munmap(base, total);
    errno = error;
    return NULL;
  }
  return base + guard;
}

void qh_region_unmap(void *start, size_t byte_count, size_t guard) {
  munmap((uint8_t *)start - guard, byte_count + 2 * guard);
}

void qh_canary_fill(void *start, size_t byte_count) {
  uint8_t *next = start;
  while (byte_count > 0) {
    size_t phase = (uintptr_t)next % PERIOD;
    size_t piece = byte_count < PERIOD - phase ? byte_count : PERIOD - phase;
    memcpy(next, canary + phase, piece);
    next += piece;
    byte_count -= piece;
  }
}

static bool is_intact(const uint8_t *start, size_t byte_count) {
  while (byte_count > 0) {
    size_t phase = (uintptr_t)start % PERIOD;
    size_t piece = byte_count < PERIOD - phase ? byte_count : PERIOD - phase;
    if (memcmp(start, canary + phase, piece) != 0) return false;
    start += piece;
    byte_count -= piece;
  }
  return true;
}

ptrdiff_t qh_canary_first_damage(const void *start, size_t byte_count) {
  const uint8_t *bytes = start;
  if (is_intact(bytes, byte_count)) return -1;
  size_t i = 0;
  while (bytes[i] == canary[(uintptr_t)(bytes + i) % PERIOD]) i += 1;
  return (ptrdiff_t)i;
}

ptrdiff_t qh_canary_last_damage(const void *start, size_t byte_count) {
  const uint8_t *bytes = start;
  if (is_intact(bytes, byte_count)) return -1;
  size_t i = byte_count - 1;
  while (bytes[i] == canary[(uintptr_t)(bytes + i) % PERIOD]) i -= 1;
  return (ptrdiff_t)i;
}
