// AVX-512 VNNI: vpdpbusd sums four products of an unsigned and a signed byte, without saturation.
#include "engine.h"

#if QK_X86
QK_BEGIN_AVX512VNNI
#include "lanes/avx512.h"

// Two instructions a cycle that take four: 16 sums are enough to keep it busy.
enum { ROWS = 8, VECTORS = 2, GROUP = 4 };
typedef uint8_t element;
#define A_TYPE QK_UINT8
#define B_TYPE QK_INT8
typedef ints sums;  // of one column each

QK_INLINE sums sums_of(ints v) { return v; }
QK_INLINE ints total(sums v) { return v; }
QK_INLINE sums add_products(sums sum, ints a, ints b) { return _mm512_dpbusd_epi32(sum, a, b); }

// The order matters: each uses what stands before.
#include "lanes/stage.h"
#include "lanes/tile.h"
#include "lanes/compensate.h"

const qk_engine qk_engine_avx512vnni = {
    ROWS, COLUMNS, GROUP, A_TYPE, B_TYPE, tile, stage, pack, sum_stretches, subtract_products};

QK_END
#endif
