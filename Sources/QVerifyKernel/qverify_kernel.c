// The header is all there is: see include/qverify_kernel.h.
#include "qverify_kernel.h"
