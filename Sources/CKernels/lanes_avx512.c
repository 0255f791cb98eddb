// The element-wise operations of lanes/, compiled for avx512.
#include "kernels.h"

#if QK_X86
#define QK_LANES(name) qk_##name##_avx512
QK_BEGIN_AVX512
#include "lanes/avx512.h"
// The order matters: what follows uses those lanes.
#include "lanes/common.h"
#include "lanes/dequantize.h"
#include "lanes/extremes.h"
#include "lanes/fake_quantize.h"
#include "lanes/quantize.h"
#include "lanes/requantize.h"
QK_END
#endif
