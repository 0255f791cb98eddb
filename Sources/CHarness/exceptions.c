// C++ exceptions that leave a kernel: the runtime aborts, and this notes what was thrown.
#include <stdlib.h>

#include "CHarness.h"

// The C++ runtime (Itanium C++ ABI), where the process has one.
extern void *_ZSt13set_terminatePFvvE(void (*)(void)) __attribute__((weak));
extern void *__cxa_current_exception_type(void) __attribute__((weak));
extern char *__cxa_demangle(const char *, char *, size_t *, int *) __attribute__((weak));

static char name[256];

static void on_terminate(void) {
  // The name is the second word of a std::type_info.
  void *type = __cxa_current_exception_type ? __cxa_current_exception_type() : NULL;
  const char *mangled = type ? ((const char **)type)[1] : "an unknown type";
  char *plain = type && __cxa_demangle ? __cxa_demangle(mangled, NULL, NULL, NULL) : NULL;
  const char *source = plain ? plain : mangled;
  size_t i = 0;
  for (; i + 1 < sizeof name && source[i]; i += 1) name[i] = source[i];
  name[i] = 0;
  abort();
}

void qh_note_exceptions(void) {
  if (_ZSt13set_terminatePFvvE) _ZSt13set_terminatePFvvE(on_terminate);
}

const char *qh_exception_name(void) { return name[0] ? name : NULL; }
