// Calls that come back from a crash or a hang.
//
// Each thread has a jump buffer, an alternate stack (so that a stack overflow is survived too) and
// a watchdog timer. A handler jumps only when its own thread is inside the body of a guarded call;
// otherwise it puts back the action that was there before, so that our own bugs still crash.
//
// The watchdog ticks every 3/8 of the time-out. A tick that finds a call for the first time notes
// the time; a later one ends the call once it was seen for a whole time-out and for two ticks (one
// tick may stand for many that went by while the process was stopped). So no call is ended before
// its time-out and, ticks being on time, each hang after 9/8 to 12/8 of it. A call costs no system
// call: it counts itself and sees that the timer is armed. A tick on an idle thread disarms it.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "CHarness.h"

#ifndef __linux__
#error "the watchdog needs Linux: SIGEV_THREAD_ID"
#endif
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { ALTERNATE_STACK = 128 * 1024 };  // the frame of one signal takes 11 KiB with AMX

static const uint64_t SECOND = 1000000000, SHORTEST_TIMEOUT = 1000000, LONGEST_TIMEOUT = 1ull << 60;
static const int CRASHES[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
enum { CRASH_COUNT = sizeof CRASHES / sizeof CRASHES[0] };

// What is volatile is shared with the handlers, which run on the same thread.
typedef struct qh_thread {
  sigjmp_buf jump;
  volatile sig_atomic_t busy;    // within qh_guarded_call
  volatile sig_atomic_t inside;  // within the body: handlers may jump
  volatile uint64_t call;        // counts calls
  volatile uint64_t armed;       // the time-out that the timer ticks for; 0: it does not tick
  volatile qh_outcome outcome;   // what a handler found

  // The watchdog's own.
  timer_t timer;
  uint64_t seen_call, seen_at;
  int seen_ticks;

  uint8_t *stack;
  stack_t old_stack;
} qh_thread;

// A pointer needs no allocation on first use, which a handler could not afford.
static _Thread_local qh_thread *this_thread __attribute__((tls_model("initial-exec")));

static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static int process_error;
static struct sigaction old_actions[CRASH_COUNT];
static pthread_key_t thread_key;
static int tick_signal;
static sigset_t our_signals;

// MARK: Handlers

static void jump_out(qh_thread *thread, qh_outcome outcome) {
  thread->inside = false;  // first: from here on no other handler jumps
  thread->outcome.ending = outcome.ending;
  thread->outcome.signal = outcome.signal;
  thread->outcome.error = 0;
  thread->outcome.has_address = outcome.has_address;
  thread->outcome.address = outcome.address;
  siglongjmp(thread->jump, 1);
}

static void on_crash(int signal, siginfo_t *info, void *context) {
  (void)context;
  bool sent = info->si_code <= 0;  // by kill, raise or abort, rather than by the CPU
  qh_thread *thread = this_thread;
  if (thread && thread->inside && !(sent && info->si_pid != getpid())) {
    // The kernel knows no address when the CPU had none, as for a non-canonical one on x86-64.
    bool has_address =
        (signal == SIGSEGV || signal == SIGBUS) && !sent && info->si_code != SI_KERNEL;
    jump_out(thread, (qh_outcome){
        .ending = QH_CRASHED, .signal = signal, .has_address = has_address,
        .address = has_address ? (uintptr_t)info->si_addr : 0});
  }
  for (int i = 0; i < CRASH_COUNT; i += 1) {
    if (CRASHES[i] == signal) sigaction(signal, &old_actions[i], NULL);
  }
  // A faulting instruction faults again when we return, with the right details for a debugger. A
  // signal that was sent does not come again, nor does a breakpoint, which is behind us.
  if (sent || signal == SIGTRAP) raise(signal);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

// Lets the timer tick every 3/8 of `timeout`, or not at all if that is 0.
static int arm(qh_thread *thread, uint64_t timeout) {
  uint64_t period = timeout / 8 * 3;
  struct timespec time = {.tv_sec = (time_t)(period / SECOND), .tv_nsec = (long)(period % SECOND)};
  struct itimerspec ticks = {.it_interval = time, .it_value = time};
  thread->armed = timeout;
  return timer_settime(thread->timer, 0, &ticks, NULL);
}

static void on_tick(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  qh_thread *thread = this_thread;
  if (!thread || info->si_code != SI_TIMER) return;
  int error = errno;
  if (!thread->busy) {
    arm(thread, 0);
  } else if (thread->seen_call != thread->call) {
    thread->seen_call = thread->call;
    thread->seen_at = now();
    thread->seen_ticks = 0;
  } else {
    thread->seen_ticks += 1;
    if (thread->inside && thread->seen_ticks >= 2 && now() - thread->seen_at >= thread->armed) {
      jump_out(thread, (qh_outcome){.ending = QH_HUNG});
    }
  }
  errno = error;
}

// MARK: Preparing the process and its threads

static void forget_thread(void *argument) {
  qh_thread *thread = argument;
  this_thread = NULL;  // first: a tick that is still pending finds nothing
  atomic_signal_fence(memory_order_seq_cst);
  timer_delete(thread->timer);
  sigaltstack(&thread->old_stack, NULL);
  munmap(thread->stack, ALTERNATE_STACK);
  free(thread);
}

static void prepare_process(void) {
  sigemptyset(&our_signals);
  if ((process_error = pthread_key_create(&thread_key, forget_thread)) != 0) return;

  // A real-time signal that nobody else uses.
  struct sigaction action;
  tick_signal = SIGRTMIN;
  while (sigaction(tick_signal, NULL, &action) != 0 || action.sa_handler != SIG_DFL) {
    tick_signal += 1;
    if (tick_signal > SIGRTMAX) {
      process_error = EBUSY;
      return;
    }
  }
  sigaddset(&our_signals, tick_signal);

  // Nothing is blocked while a handler runs, so that jumping out of it leaves nothing blocked.
  action = (struct sigaction){
      .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(tick_signal, &action, NULL);
  action.sa_sigaction = on_crash;
  action.sa_flags &= ~SA_RESTART;
  for (int i = 0; i < CRASH_COUNT; i += 1) {
    sigaddset(&our_signals, CRASHES[i]);
    sigaction(CRASHES[i], &action, &old_actions[i]);
  }
}

// Sets `this_thread`, or returns why that failed.
static int prepare_thread(void) {
  pthread_once(&process_once, prepare_process);
  if (process_error != 0) return process_error;
  int error = ENOMEM;
  qh_thread *thread = calloc(1, sizeof *thread);
  if (!thread) return error;
  thread->stack = mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (thread->stack == MAP_FAILED) goto no_stack;

  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = tick_signal};
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  if (timer_create(CLOCK_MONOTONIC, &event, &thread->timer) != 0) {
    error = errno;
    goto no_timer;
  }
  stack_t stack = {.ss_sp = thread->stack, .ss_size = ALTERNATE_STACK};
  if (sigaltstack(&stack, &thread->old_stack) != 0) {
    error = errno;
    goto no_alternate_stack;
  }
  if ((error = pthread_setspecific(thread_key, thread)) != 0) goto no_destructor;
  // Threads of Dispatch block most signals.
  pthread_sigmask(SIG_UNBLOCK, &our_signals, NULL);
  this_thread = thread;
  return 0;

no_destructor:
  sigaltstack(&thread->old_stack, NULL);
no_alternate_stack:
  timer_delete(thread->timer);
no_timer:
  munmap(thread->stack, ALTERNATE_STACK);
no_stack:
  free(thread);
  return error;
}

// MARK: The call

__attribute__((swiftcall)) void qh_guarded_call(
    uint64_t timeout, qh_outcome *outcome,
    __attribute__((swiftcall)) void (*body)(__attribute__((swift_context)) void *), void *context) {
  *outcome = (qh_outcome){.ending = QH_RETURNED};
  int error = this_thread ? 0 : prepare_thread();
  if (error != 0) {
    outcome->ending = QH_UNAVAILABLE;
    outcome->error = error;
    return;
  }
  qh_thread *thread = this_thread;
  if (thread->busy) {
    outcome->ending = QH_NESTED;
    return;
  }
  if (timeout < SHORTEST_TIMEOUT) timeout = SHORTEST_TIMEOUT;
  if (timeout > LONGEST_TIMEOUT) timeout = LONGEST_TIMEOUT;

  thread->busy = true;  // first: from here on no tick disarms the timer
  thread->call += 1;
  if (thread->armed != timeout && arm(thread, timeout) != 0) {
    outcome->ending = QH_UNAVAILABLE;
    outcome->error = errno;
    thread->armed = 0;
    thread->busy = false;
    return;
  }
  qh_environment environment = qh_environment_get();
  if (sigsetjmp(thread->jump, 0) == 0) {
    thread->inside = true;
    atomic_signal_fence(memory_order_seq_cst);
    body(context);
    atomic_signal_fence(memory_order_seq_cst);
    thread->inside = false;
  } else {
    // Linux enters handlers with a default environment on x86-64; either way, the caller's is due.
    qh_environment_set(environment);
    pthread_sigmask(SIG_UNBLOCK, &our_signals, NULL);
    *outcome = (qh_outcome){
        .ending = thread->outcome.ending, .signal = thread->outcome.signal,
        .has_address = thread->outcome.has_address, .address = thread->outcome.address};
  }
  thread->busy = false;
}

const char *qh_signal_name(int32_t signal) {
  switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGTRAP: return "SIGTRAP";
    case SIGABRT: return "SIGABRT";
    case SIGKILL: return "SIGKILL";
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case SIGPIPE: return "SIGPIPE";
    case SIGSYS: return "SIGSYS";
    case SIGALRM: return "SIGALRM";
    case SIGHUP: return "SIGHUP";
    default: return "a signal";
  }
}
