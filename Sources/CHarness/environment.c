// The floating-point control registers.
#include "CHarness.h"

#if defined(__x86_64__)

enum { MXCSR_FLAGS = 0x3F };

qh_environment qh_environment_get(void) {
  uint32_t mxcsr;
  uint16_t x87;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return (qh_environment){.control = mxcsr & ~(uint32_t)MXCSR_FLAGS, .x87 = x87};
}

void qh_environment_set(qh_environment environment) {
  uint32_t mxcsr;
  uint16_t x87 = (uint16_t)environment.x87;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  mxcsr = (mxcsr & MXCSR_FLAGS) | (uint32_t)environment.control;
  __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
  // fldcw would trap on a flag whose exception somebody unmasked, so clear the flags first.
  __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(x87));
}

#elif defined(__aarch64__)

qh_environment qh_environment_get(void) {
  uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return (qh_environment){.control = fpcr, .x87 = 0};
}

void qh_environment_set(qh_environment environment) {
  __asm__ volatile("msr fpcr, %0" : : "r"(environment.control));
}

#else
#error "qverify knows the floating-point environment of x86-64 and AArch64 only"
#endif
