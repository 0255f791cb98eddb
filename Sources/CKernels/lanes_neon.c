// The element-wise operations of lanes/, compiled for neon.
#include "kernels.h"

#if QK_ARM
#define QK_LANES(name) qk_##name##_neon
#include "lanes/neon.h"
// The order matters: what follows uses those lanes.
#include "lanes/common.h"
#include "lanes/dequantize.h"
#include "lanes/extremes.h"
#include "lanes/fake_quantize.h"
#include "lanes/quantize.h"
#include "lanes/requantize.h"
#endif
