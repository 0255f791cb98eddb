#ifndef QVERIFY_CPU_H
#define QVERIFY_CPU_H

#include <stdbool.h>

/// Whether an AArch64 CPU has the 8-bit dot product instructions (FEAT_DotProd).
bool qk_has_sdot(void);

#endif
