// Clean names for the GMP and MPFR calls that ExactArithmetic makes.
//
// Why this file exists:
// - GMP's functions are macros (`#define mpz_add __gmpz_add`), which Swift cannot import: it would
//   see only the mangled names. Each call that we use gets one `static inline` name here, and no
//   `__gmp` name appears in Swift.
// - `mpz_sgn`, `mpz_cmp_si`, `mpq_numref` and their like are function-like macros.
// - MPFR's functions keep their names, but its rounding modes are an enum whose cases import badly,
//   and its exponent range is per-thread state that every call must set (see `qv_real`).

#ifndef QVERIFY_CMPFR_SHIM_H
#define QVERIFY_CMPFR_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <gmp.h>
#include <mpfr.h>

typedef __mpz_struct qv_integer;
typedef __mpq_struct qv_rational;
typedef __mpfr_struct qv_real;

// MARK: Integers. Renamed macros: life cycle, conversions.

static inline void qv_z_init(qv_integer *z) { mpz_init(z); }
static inline void qv_z_clear(qv_integer *z) { mpz_clear(z); }
static inline void qv_z_set(qv_integer *z, const qv_integer *a) { mpz_set(z, a); }
static inline void qv_z_set_signed(qv_integer *z, long a) { mpz_set_si(z, a); }
static inline void qv_z_set_unsigned(qv_integer *z, unsigned long a) { mpz_set_ui(z, a); }

// `words` are little-endian 64-bit limbs of a magnitude.
static inline void qv_z_set_words(qv_integer *z, const uint64_t *words, size_t count) {
  mpz_import(z, count, -1, sizeof(uint64_t), 0, 0, words);
}
static inline int qv_z_set_text(qv_integer *z, const char *text, int radix) {
  return mpz_set_str(z, text, radix);
}
static inline size_t qv_z_text_size(const qv_integer *z, int radix) {
  return mpz_sizeinbase(z, radix) + 2;  // a sign and the final NUL
}
static inline void qv_z_text(char *out, const qv_integer *z, int radix) {
  mpz_get_str(out, radix, z);
}

// MARK: Integers. Renamed macros: arithmetic.

static inline void qv_z_add(qv_integer *z, const qv_integer *a, const qv_integer *b) {
  mpz_add(z, a, b);
}
static inline void qv_z_sub(qv_integer *z, const qv_integer *a, const qv_integer *b) {
  mpz_sub(z, a, b);
}
static inline void qv_z_mul(qv_integer *z, const qv_integer *a, const qv_integer *b) {
  mpz_mul(z, a, b);
}
static inline void qv_z_floor_divide(
    qv_integer *quotient, qv_integer *remainder, const qv_integer *a, const qv_integer *b) {
  mpz_fdiv_qr(quotient, remainder, a, b);
}
static inline void qv_z_shift_left(qv_integer *z, const qv_integer *a, unsigned long n) {
  mpz_mul_2exp(z, a, n);
}
static inline void qv_z_shift_right_floor(qv_integer *z, const qv_integer *a, unsigned long n) {
  mpz_fdiv_q_2exp(z, a, n);
}
static inline void qv_z_low_bits(qv_integer *z, const qv_integer *a, unsigned long n) {
  mpz_fdiv_r_2exp(z, a, n);
}

// MARK: Integers. Function-like macros, and inline functions that hide behind macros.

static inline void qv_z_negate(qv_integer *z, const qv_integer *a) { mpz_neg(z, a); }
static inline void qv_z_absolute(qv_integer *z, const qv_integer *a) { mpz_abs(z, a); }
static inline int qv_z_sign(const qv_integer *a) { return mpz_sgn(a); }
static inline int qv_z_compare(const qv_integer *a, const qv_integer *b) { return mpz_cmp(a, b); }
static inline int qv_z_compare_magnitudes(const qv_integer *a, const qv_integer *b) {
  return mpz_cmpabs(a, b);
}
static inline bool qv_z_bit(const qv_integer *a, unsigned long n) { return mpz_tstbit(a, n) != 0; }
static inline size_t qv_z_bit_width(const qv_integer *a) {
  return mpz_sgn(a) == 0 ? 0 : mpz_sizeinbase(a, 2);
}
static inline bool qv_z_fits_signed(const qv_integer *a) { return mpz_fits_slong_p(a) != 0; }
static inline long qv_z_get_signed(const qv_integer *a) { return mpz_get_si(a); }
static inline unsigned long qv_z_low_limb(const qv_integer *a) { return mpz_get_ui(a); }
static inline size_t qv_z_limb_count(const qv_integer *a) { return mpz_size(a); }
static inline uint64_t qv_z_limb(const qv_integer *a, size_t n) { return mpz_getlimbn(a, n); }

// MARK: Rationals. Renamed macros; every result is canonical.

static inline void qv_q_init(qv_rational *q) { mpq_init(q); }
static inline void qv_q_clear(qv_rational *q) { mpq_clear(q); }
static inline void qv_q_set_integer(qv_rational *q, const qv_integer *a) { mpq_set_z(q, a); }
static inline void qv_q_set_signed(qv_rational *q, long a) { mpq_set_si(q, a, 1); }
static inline void qv_q_set_double(qv_rational *q, double a) { mpq_set_d(q, a); }
static inline void qv_q_set_quotient(qv_rational *q, const qv_integer *n, const qv_integer *d) {
  mpq_set_num(q, n);
  mpq_set_den(q, d);
  mpq_canonicalize(q);
}
static inline void qv_q_add(qv_rational *q, const qv_rational *a, const qv_rational *b) {
  mpq_add(q, a, b);
}
static inline void qv_q_sub(qv_rational *q, const qv_rational *a, const qv_rational *b) {
  mpq_sub(q, a, b);
}
static inline void qv_q_mul(qv_rational *q, const qv_rational *a, const qv_rational *b) {
  mpq_mul(q, a, b);
}
static inline void qv_q_div(qv_rational *q, const qv_rational *a, const qv_rational *b) {
  mpq_div(q, a, b);
}
static inline void qv_q_shift_left(qv_rational *q, const qv_rational *a, unsigned long n) {
  mpq_mul_2exp(q, a, n);
}
static inline void qv_q_shift_right(qv_rational *q, const qv_rational *a, unsigned long n) {
  mpq_div_2exp(q, a, n);
}

// MARK: Rationals. Function-like macros.

static inline void qv_q_negate(qv_rational *q, const qv_rational *a) { mpq_neg(q, a); }
static inline void qv_q_absolute(qv_rational *q, const qv_rational *a) { mpq_abs(q, a); }
static inline int qv_q_sign(const qv_rational *a) { return mpq_sgn(a); }
static inline int qv_q_compare(const qv_rational *a, const qv_rational *b) { return mpq_cmp(a, b); }
static inline bool qv_q_equal(const qv_rational *a, const qv_rational *b) {
  return mpq_equal(a, b) != 0;
}
static inline bool qv_q_is_integer(const qv_rational *a) {
  return mpz_cmp_ui(mpq_denref(a), 1) == 0;
}
static inline const qv_integer *qv_q_numerator(const qv_rational *a) { return mpq_numref(a); }
static inline const qv_integer *qv_q_denominator(const qv_rational *a) { return mpq_denref(a); }

// MARK: Reals. MPFR's exponent range is per thread and other code could have changed it, so every
// computation sets ours first and restores what it found. With a bounded range an overflow or
// underflow becomes infinity, the largest or the smallest number, as the direction demands; without
// it the exact value of such a result would not fit in memory.

enum { QV_EXPONENT_LIMIT = 1 << 20 };

typedef struct { mpfr_exp_t lowest, highest; } qv_exponent_range;

static inline qv_exponent_range qv_r_enter(void) {
  qv_exponent_range old = {mpfr_get_emin(), mpfr_get_emax()};
  mpfr_set_emin(-QV_EXPONENT_LIMIT);
  mpfr_set_emax(QV_EXPONENT_LIMIT);
  return old;
}
static inline void qv_r_leave(qv_exponent_range old) {
  mpfr_set_emin(old.lowest);
  mpfr_set_emax(old.highest);
}

// MARK: Reals. The `mpfr_rnd_t` of a direction, as a plain integer in Swift's `Direction`.

enum { QV_NEAREST = MPFR_RNDN, QV_ZERO = MPFR_RNDZ, QV_UP = MPFR_RNDU, QV_DOWN = MPFR_RNDD,
       QV_AWAY = MPFR_RNDA };

static inline int qv_r_lowest_precision(void) { return MPFR_PREC_MIN; }
static inline void qv_r_init(qv_real *r, long bits) { mpfr_init2(r, bits); }
static inline void qv_r_clear(qv_real *r) { mpfr_clear(r); }
static inline long qv_r_precision(const qv_real *a) { return mpfr_get_prec(a); }
static inline bool qv_r_is_finite(const qv_real *a) { return mpfr_number_p(a) != 0; }
static inline bool qv_r_is_nan(const qv_real *a) { return mpfr_nan_p(a) != 0; }
static inline int qv_r_sign(const qv_real *a) { return mpfr_nan_p(a) ? 0 : mpfr_sgn(a); }
static inline bool qv_r_equal(const qv_real *a, const qv_real *b) {
  return mpfr_equal_p(a, b) != 0;
}
static inline bool qv_r_less(const qv_real *a, const qv_real *b) { return mpfr_less_p(a, b) != 0; }
static inline void qv_r_set_infinity(qv_real *r, int sign) { mpfr_set_inf(r, sign); }
static inline double qv_r_double(const qv_real *a) { return mpfr_get_d(a, MPFR_RNDN); }

// The exact value of a finite number.
static inline void qv_r_get_rational(qv_rational *q, const qv_real *a) { mpfr_get_q(q, a); }

static inline void qv_r_set(qv_real *r, const qv_real *a, int d) {
  mpfr_set(r, a, (mpfr_rnd_t)d);
}
static inline void qv_r_set_rational(qv_real *r, const qv_rational *a, int d) {
  mpfr_set_q(r, a, (mpfr_rnd_t)d);
}
static inline void qv_r_negate(qv_real *r, const qv_real *a) { mpfr_neg(r, a, MPFR_RNDN); }

#define QV_UNARY(name, function)                                       \
  static inline void qv_r_##name(qv_real *r, const qv_real *a, int d) { \
    function(r, a, (mpfr_rnd_t)d);                                     \
  }
#define QV_BINARY(name, function)                                                         \
  static inline void qv_r_##name(qv_real *r, const qv_real *a, const qv_real *b, int d) { \
    function(r, a, b, (mpfr_rnd_t)d);                                                     \
  }

QV_BINARY(add, mpfr_add)
QV_BINARY(sub, mpfr_sub)
QV_BINARY(mul, mpfr_mul)
QV_BINARY(div, mpfr_div)
QV_UNARY(sqrt, mpfr_sqrt)
QV_UNARY(exp, mpfr_exp)
QV_UNARY(expm1, mpfr_expm1)
QV_UNARY(exp2, mpfr_exp2)
QV_UNARY(log, mpfr_log)
QV_UNARY(log1p, mpfr_log1p)
QV_UNARY(tanh, mpfr_tanh)

#undef QV_UNARY
#undef QV_BINARY

#endif
