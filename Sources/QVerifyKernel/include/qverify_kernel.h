/* qverify_kernel.h: how a kernel is attached to qverify. ABI version 1. C99, no dependencies.
 *
 * A shared library that exports the two functions at the end of this file is a subject:
 *
 *     qverify fuzz --subject lib:./kernel.so
 *
 * Names of operations, dialects, tensors and attributes are those of qverify's case format; `qverify
 * ops --format json` lists them. `qverify adapter c` writes an annotated example, `qverify adapter
 * header` this file.
 *
 * Memory. Inputs must not be written. Each output must be written whole, and nothing beside it:
 * every tensor stands between inaccessible pages, aligned to its element and no more (int48 to 2
 * bytes). No pointer is NULL, though a tensor may have no elements. Elements are row-major and
 * little-endian, those of types below a byte one in a byte (signed ones sign-extended), float16 and
 * smaller floats as their encoding, bool 0 or 1.
 *
 * Calls. A process makes one call at a time; several processes may load the library. A kernel is
 * called several times for each case, at different addresses, and must give the same each time, with
 * --flush-to-zero also with subnormals flushed. It must leave the floating-point environment as it
 * was, and return. What it prints, to standard output too, goes to qverify's standard error.
 */
#ifndef QVERIFY_KERNEL_H
#define QVERIFY_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QVERIFY_ABI_VERSION 1

#if defined(_WIN32)
#define QVERIFY_EXPORT __declspec(dllexport)
#else
#define QVERIFY_EXPORT __attribute__((visibility("default")))
#endif

/* The type of an element. Fixed point (ap_fixed) has QVERIFY_FIXED or QVERIFY_UFIXED, with its width
 * in `bits` and its integer bits in `integer_bits` of the tensor. */
typedef enum qverify_dtype {
  QVERIFY_FLOAT64 = 1,
  QVERIFY_FLOAT32 = 2,
  QVERIFY_FLOAT16 = 3,
  QVERIFY_BFLOAT16 = 4,
  QVERIFY_FLOAT8_E4M3FN = 5,
  QVERIFY_FLOAT8_E4M3FNUZ = 6,
  QVERIFY_FLOAT8_E5M2 = 7,
  QVERIFY_FLOAT8_E5M2FNUZ = 8,
  QVERIFY_FLOAT8_E8M0FNU = 9,
  QVERIFY_FLOAT4_E2M1FN = 10,
  QVERIFY_INT1 = 16, /* -1 or +1 */
  QVERIFY_INT2 = 17,
  QVERIFY_INT4 = 18,
  QVERIFY_INT8 = 19,
  QVERIFY_INT16 = 20,
  QVERIFY_INT32 = 21,
  QVERIFY_INT48 = 22, /* six bytes */
  QVERIFY_INT64 = 23,
  QVERIFY_UINT2 = 32,
  QVERIFY_UINT4 = 33,
  QVERIFY_UINT8 = 34,
  QVERIFY_UINT16 = 35,
  QVERIFY_UINT32 = 36,
  QVERIFY_BOOL = 48,
  QVERIFY_FIXED = 64,
  QVERIFY_UFIXED = 65
} qverify_dtype;

typedef struct qverify_tensor {
  const char *name;     /* "x", "scale", "y", ... */
  int32_t dtype;        /* a qverify_dtype */
  uint32_t rank;        /* 0 for a scalar */
  const int64_t *dims;  /* `rank` of them; a dimension may be 0 */
  int64_t count;        /* how many elements there are */
  size_t bytes;         /* how many bytes they take */
  void *data;           /* of an input: to be read only */
  int32_t bits;         /* of an element; for fixed point, its width */
  int32_t integer_bits; /* of fixed point */
} qverify_tensor;

/* What an attribute holds. A number without a fraction is an integer: read numbers by `number`. */
typedef enum qverify_kind {
  QVERIFY_INTEGER = 1, /* `integer`; `number` and `text` say the same */
  QVERIFY_NUMBER = 2,  /* `number`, the binary64 nearest to what the case says, and its `text` */
  QVERIFY_STRING = 3,  /* `text` */
  QVERIFY_INTEGERS = 4 /* `integers`, `count` of them */
} qverify_kind;

typedef struct qverify_attribute {
  const char *name;
  int32_t kind; /* a qverify_kind */
  int64_t integer;
  double number;
  const char *text;
  const int64_t *integers;
  size_t count;
} qverify_attribute;

/* One case. Attributes that the case leaves out have the default of the case format. */
typedef struct qverify_call {
  uint32_t abi_version;
  const char *operation;
  const char *dialect; /* the name of a built-in one, or the `name` in a dialect file */
  const qverify_tensor *inputs;
  size_t input_count;
  const qverify_tensor *outputs; /* with the shapes and types that are expected */
  size_t output_count;
  const qverify_attribute *attributes;
  size_t attribute_count;
  char *message; /* room for a reason, where the answer is not QVERIFY_OK; ends with a 0 */
  size_t message_size;
} qverify_call;

typedef enum qverify_status {
  QVERIFY_OK = 0,          /* every output is written */
  QVERIFY_UNSUPPORTED = 1, /* the kernel does not take such cases; nothing is wrong */
  QVERIFY_INVALID = 2      /* the kernel holds the case for invalid: a failure */
} qverify_status;

/* What a kernel claims for one operation. Lists are separated by commas; NULL means "any", for
 * numbers 0 means "not said". An operation may have several claims; a case is run if one of them
 * takes it, and is unsupported otherwise. An accumulator width or a tie rule that the dialect
 * contradicts is reported. */
typedef struct qverify_claim {
  const char *operation;    /* "quantize", ... */
  const char *dialects;     /* "onnx,tflite" */
  const char *dtypes;       /* by tensor: "x=float32 y=int8,uint8"; fixed point as fixed, ufixed */
  const char *inputs;       /* the optional ones that it knows too: "x,scale,zero_point" */
  const char *attributes;   /* those that it knows: "axis,qmin,qmax"; "" for none */
  const char *layouts;      /* of convolutions: "NCHW,NHWC" */
  int32_t accumulator_bits; /* 32, ... */
  const char *ties;         /* "even", "away", "up", "down", "zero" */
} qverify_claim;

typedef struct qverify_description {
  uint32_t abi_version; /* QVERIFY_ABI_VERSION */
  const char *name;     /* of the kernel, for reports */
  const char *version;
  const qverify_claim *claims;
  size_t claim_count;
} qverify_description;

/* What a library must export. The description must stay valid while the library is loaded. */
QVERIFY_EXPORT const qverify_description *qverify_describe(void);
QVERIFY_EXPORT qverify_status qverify_run(const qverify_call *call);

/* MARK: Reading a call */

/* The tensor of a name, or NULL. */
static inline const qverify_tensor *qverify_find(
    const qverify_tensor *tensors, size_t count, const char *name) {
  size_t i;
  for (i = 0; i < count; i += 1) {
    if (strcmp(tensors[i].name, name) == 0) return &tensors[i];
  }
  return NULL;
}

static inline const qverify_tensor *qverify_input(const qverify_call *call, const char *name) {
  return qverify_find(call->inputs, call->input_count, name);
}

static inline const qverify_tensor *qverify_output(const qverify_call *call, const char *name) {
  return qverify_find(call->outputs, call->output_count, name);
}

/* The attribute of a name, or NULL where the case leaves it out. */
static inline const qverify_attribute *qverify_find_attribute(
    const qverify_call *call, const char *name) {
  size_t i;
  for (i = 0; i < call->attribute_count; i += 1) {
    if (strcmp(call->attributes[i].name, name) == 0) return &call->attributes[i];
  }
  return NULL;
}

/* The value of an integer attribute, or a default. */
static inline int64_t qverify_integer(const qverify_call *call, const char *name, int64_t value) {
  const qverify_attribute *found = qverify_find_attribute(call, name);
  return found && found->kind == QVERIFY_INTEGER ? found->integer : value;
}

/* The value of a number attribute, or a default. */
static inline double qverify_number(const qverify_call *call, const char *name, double value) {
  const qverify_attribute *found = qverify_find_attribute(call, name);
  int is_number = found && (found->kind == QVERIFY_INTEGER || found->kind == QVERIFY_NUMBER);
  return is_number ? found->number : value;
}

/* The value of a string attribute, or a default. */
static inline const char *qverify_string(
    const qverify_call *call, const char *name, const char *value) {
  const qverify_attribute *found = qverify_find_attribute(call, name);
  return found && found->kind == QVERIFY_STRING ? found->text : value;
}

/* An element of a list attribute, or a default. */
static inline int64_t qverify_element(
    const qverify_call *call, const char *name, size_t index, int64_t value) {
  const qverify_attribute *found = qverify_find_attribute(call, name);
  return found && found->kind == QVERIFY_INTEGERS && index < found->count ? found->integers[index]
                                                                          : value;
}

/* Leaves a reason, and returns the status. */
static inline qverify_status qverify_answer(
    const qverify_call *call, qverify_status status, const char *reason) {
  size_t i = 0;
  if (call->message_size > 0) {
    for (; i + 1 < call->message_size && reason[i]; i += 1) call->message[i] = reason[i];
    call->message[i] = 0;
  }
  return status;
}

/* For a case that the kernel does not take: `return qverify_refuse(call, "only groups of 1");`. */
static inline qverify_status qverify_refuse(const qverify_call *call, const char *reason) {
  return qverify_answer(call, QVERIFY_UNSUPPORTED, reason);
}

#ifdef __cplusplus
}
#endif

#endif
