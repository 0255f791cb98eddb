// Worker processes: started in a group of their own, watched, and gone when we are.
//
// A worker has a life line, a pipe at descriptor 3 whose other end only qverify holds: when qverify
// ends, however it ends, the pipe hangs up, and the worker ends with all that it started.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CHarness.h"

enum { LIFE_LINE = 3 };

extern char **environ;

// Pipes of which each end is at descriptor 10 or above, so that no dup2 below hits a source.
static int high_pipe(int ends[2]) {
  int low[2];
  if (pipe2(low, O_CLOEXEC) != 0) return errno;
  for (int i = 0; i < 2; i += 1) {
    ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 10);
    if (ends[i] < 0) {
      int error = errno;
      close(low[0]), close(low[1]);
      if (i == 1) close(ends[0]);
      return error;
    }
  }
  close(low[0]), close(low[1]);
  return 0;
}

static void close_pipe(int ends[2]) { close(ends[0]), close(ends[1]); }

int qh_process_start(const char *path, char *const arguments[], qh_process *process) {
  int input[2], output[2], life[2], error;
  if ((error = high_pipe(input)) != 0) return error;
  if ((error = high_pipe(output)) != 0) {
    close_pipe(input);
    return error;
  }
  if ((error = high_pipe(life)) != 0) {
    close_pipe(input), close_pipe(output);
    return error;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, life[0], LIFE_LINE);

  // A group of its own: Ctrl-C is for qverify, and a worker is killed with all its children. Threads
  // of a pool block signals, which their children would inherit.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none), sigfillset(&all);
  posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);

  pid_t pid = 0;
  error = posix_spawn(&pid, path, &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]), close(output[1]), close(life[0]);
  if (error != 0) {
    close(input[1]), close(output[0]), close(life[1]);
    return error;
  }
  // Neither a worker that does not read nor one that is gone may block or kill us.
  fcntl(input[1], F_SETFL, fcntl(input[1], F_GETFL) | O_NONBLOCK);
  fcntl(output[0], F_SETFL, fcntl(output[0], F_GETFL) | O_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);
  *process = (qh_process){.pid = pid, .input = input[1], .output = output[0], .life = life[1]};
  return 0;
}

int32_t qh_process_end(qh_process *process, int grace) {
  close(process->input);
  int status = 0;
  bool has_ended = false;
  for (; grace > 0 && !has_ended; grace -= 1) {
    has_ended = waitpid(process->pid, &status, WNOHANG) == process->pid;
    if (!has_ended) poll(NULL, 0, 1);
  }
  if (!has_ended) {
    kill(-process->pid, SIGKILL);
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {}
    status = QH_KILLED;
  }
  close(process->life);
  kill(-process->pid, SIGKILL);  // what it may have left behind
  close(process->output);
  return status;
}

int qh_process_poll(const qh_process *process, bool writes, int milliseconds) {
  struct pollfd ends[2] = {
      {.fd = process->output, .events = POLLIN},
      {.fd = writes ? process->input : -1, .events = POLLOUT},
  };
  int count = poll(ends, 2, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -1;
  int result = 0;
  if (ends[0].revents) result |= QH_READABLE;  // a hang-up is read as the end
  if (ends[1].revents) result |= QH_WRITABLE;  // so is it when written
  return result;
}

ptrdiff_t qh_write(int descriptor, const void *bytes, size_t count) {
  ptrdiff_t written = write(descriptor, bytes, count);
  if (written >= 0) return written;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

ptrdiff_t qh_read(int descriptor, void *bytes, size_t count) {
  ptrdiff_t found = read(descriptor, bytes, count);
  if (found >= 0) return found;
  return errno == EAGAIN || errno == EINTR ? -1 : 0;
}

// MARK: Within the worker

void qh_worker_take_streams(int *input, int *output) {
  signal(SIGPIPE, SIG_IGN);
  // Swift may have handlers that print a backtrace: of no use for a kernel's crash, and slow.
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGQUIT};
  for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i += 1) signal(crashes[i], SIG_DFL);
  *input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
  *output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  close(nothing);
}

int32_t qh_worker_fork(void) {
  pid_t pid = fork();
  // A child must not outlive its supervisor, which is a process of one thread.
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

int32_t qh_worker_supervise(int32_t pid) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  struct pollfd ends[2] = {
      {.fd = process, .events = POLLIN}, {.fd = LIFE_LINE, .events = POLLIN}};
  while (process >= 0) {
    if (poll(ends, 2, -1) < 0 && errno != EINTR) break;
    if (ends[0].revents) break;
    if (ends[1].revents) kill(0, SIGKILL);  // the whole group, this process included
  }
  if (process >= 0) close(process);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

void qh_worker_close_streams(void) { close(STDIN_FILENO), close(STDOUT_FILENO); }

void qh_worker_execute(const char *command) {
  close(LIFE_LINE);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

void qh_worker_exit_as(int32_t status) {
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void qh_worker_exit(int32_t code) { _exit(code); }

// MARK: How a process ended

int32_t qh_status_signal(int32_t status) {
  return status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int32_t qh_status_code(int32_t status) {
  return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
