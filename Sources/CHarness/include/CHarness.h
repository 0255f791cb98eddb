// What only C can do for the harness: memory between guard pages, calls that survive a crash or a
// hang, the floating-point environment. Linux on x86-64 and AArch64. The Swift module
// `Verification` wraps all of it and checks preconditions; nothing else calls it.
#ifndef QVERIFY_CHARNESS_H
#define QVERIFY_CHARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Guarded memory

// The page size of this machine.
size_t qh_page_size(void);

// Maps readable and writable bytes with `guard` inaccessible bytes before and after, both multiples
// of the page size. Returns the first accessible byte, or NULL with errno set.
void *qh_region_map(size_t byte_count, size_t guard);
void qh_region_unmap(void *start, size_t byte_count, size_t guard);

// The canary is a fixed pattern of 4096 bytes; a byte's place in it is its address modulo 4096.
void qh_canary_fill(void *start, size_t byte_count);

// The index of the first or last byte that is not its canary, or -1.
ptrdiff_t qh_canary_first_damage(const void *start, size_t byte_count);
ptrdiff_t qh_canary_last_damage(const void *start, size_t byte_count);

// MARK: Floating-point environment

// The control bits that callees must preserve. Exception flags are not among them.
typedef struct qh_environment {
  uint64_t control;  // MXCSR without its flags, or FPCR
  uint64_t x87;      // the x87 control word; 0 elsewhere
} qh_environment;

qh_environment qh_environment_get(void);

// Leaves the exception flags of MXCSR and FPSR alone and clears those of the x87.
void qh_environment_set(qh_environment environment);

// MARK: Guarded call

typedef enum qh_ending {
  QH_RETURNED = 0,
  QH_CRASHED = 1,      // see `signal` and `address`
  QH_HUNG = 2,
  QH_NESTED = 3,       // this thread is in a guarded call already; the body was not run
  QH_UNAVAILABLE = 4,  // this thread could not be prepared, see `error`; the body was not run
} qh_ending;

typedef struct qh_outcome {
  qh_ending ending;
  int32_t signal;
  int32_t error;        // an errno
  bool has_address;     // SIGSEGV and SIGBUS, where the CPU tells
  uintptr_t address;    // what the body tried to touch
} qh_outcome;

// "SIGSEGV" and so on, for the signals that a guarded call catches.
const char *qh_signal_name(int32_t signal);

#ifndef __swift__
// Calls `body(context)`; a hang is what lasts longer than `timeout` nanoseconds (at least 1 ms),
// and is ended within twice that, as far as the scheduler lets the thread run.
//
// Swift cannot hand a non-escaping closure to a C function, and making it escape would retain its
// context within the call, which a jump would leak. So this function has Swift's own calling
// convention, takes the closure as the pair that it is, and GuardedCall.swift declares it by name.
__attribute__((swiftcall)) void qh_guarded_call(
    uint64_t timeout, qh_outcome *outcome,
    __attribute__((swiftcall)) void (*body)(__attribute__((swift_context)) void *), void *context);
#endif

#endif
