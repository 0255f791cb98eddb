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

// "SIGSEGV" and so on, for the signals that a guarded call catches and a few that end processes.
const char *qh_signal_name(int32_t signal);

// MARK: Worker processes

// A process that qverify started, with our ends of its pipes, which do not block.
typedef struct qh_process {
  int32_t pid;  // also its process group
  int input;    // its standard input, to write
  int output;   // its standard output, to read
  int life;     // it ends when this is closed
} qh_process;

// Starts a program; its standard error is ours. Returns 0 or an errno.
int qh_process_start(const char *path, char *const arguments[], qh_process *process);

// Closes its input, kills the group if it has not ended after so many milliseconds, and returns the
// wait status, or QH_KILLED.
int32_t qh_process_end(qh_process *process, int grace);

enum { QH_KILLED = -1 };
enum { QH_READABLE = 1, QH_WRITABLE = 2 };

// Waits until there is something to read or, if asked for, room to write; returns which, 0 after so
// many milliseconds, -1 on an error.
int qh_process_poll(const qh_process *process, bool writes, int milliseconds);

// Writes what there is room for: the number of bytes, 0 if there is none now, -1 if nobody reads.
ptrdiff_t qh_write(int descriptor, const void *bytes, size_t count);

// Reads what is there: the number of bytes, 0 at the end, -1 if there is nothing now.
ptrdiff_t qh_read(int descriptor, void *bytes, size_t count);

// Within the worker: moves the pipes away from standard input and output, which kernels may use.
void qh_worker_take_streams(int *input, int *output);

// Forks; the child is killed when this process ends.
int32_t qh_worker_fork(void);

// Waits for a child, and ends the whole group if qverify ends first; returns the wait status.
int32_t qh_worker_supervise(int32_t pid);

// Closes standard input and output.
void qh_worker_close_streams(void);

// Becomes a shell command.
void qh_worker_execute(const char *command);

// Ends as a child ended, by the same signal or code.
void qh_worker_exit_as(int32_t status);

// Ends at once, without what libraries registered to run at the end.
void qh_worker_exit(int32_t code);

// The signal that ended a process, or 0; the code that it exited with, or -1.
int32_t qh_status_signal(int32_t status);
int32_t qh_status_code(int32_t status);

// MARK: C++ exceptions

// Whether a C++ exception that nobody caught ended the call in hand; `exception_name` gets its type.
// From `qh_note_exceptions` on.
void qh_note_exceptions(void);
const char *qh_exception_name(void);

// MARK: Sweeps

// Loops over elements of `size` bytes, of which `value` and `first` are the low bytes. Searches return
// `count` where they find nothing.

// Writes first, first + 1, ... and, the other, the same value everywhere.
void qh_fill_consecutive(void *memory, size_t count, size_t size, uint64_t first);
void qh_fill(void *memory, size_t count, size_t size, uint64_t value);

// The index of the first element that is not `value`, or not `first` plus its index.
size_t qh_first_other(const void *memory, size_t count, size_t size, uint64_t value);
size_t qh_first_inconsecutive(const void *memory, size_t count, size_t size, uint64_t first);

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
