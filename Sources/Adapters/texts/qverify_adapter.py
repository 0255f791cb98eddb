"""Makes Python functions a subject of qverify. One file, standard library only, Python 3.8.

    # my_kernel.py
    from qverify_adapter import Unsupported, run, subject

    @subject("quantize", dialects="onnx", dtypes="x=float32 scale=float32 zero_point=int8,uint8")
    def quantize(x, scale, zero_point, axis=1):
        if scale.size != 1:
            raise Unsupported("per tensor only")
        return my_library.quantize(x, scale.item(), zero_point.item(), zero_point.dtype)

    run()

    $ qverify fuzz --ops quantize --dialect onnx --subject "cmd:python3 my_kernel.py"

Arguments. Inputs and attributes of a case are passed by keyword, under the names of qverify's case
format; what is optional is a parameter with a default. A case with an input or an attribute for
which the function has no parameter, or without one that it requires, is answered `unsupported`: a
function is not judged by what it does not name. A parameter `dialect` gets the name of the dialect,
`**others` everything else.

Tensors. A tensor whose type numpy has (float64, float32, float16, int8, int16, int32, int64, uint8,
uint16, uint32, bool) is a numpy array of the shape of the case. A tensor of any other type
(bfloat16, float8_*, float4_e2m1fn, int1, int2, int4, int48, uint2, uint4, fixed<W,I>), and every
tensor where there is no numpy, is a `Tensor`: it has a `dtype`, a `shape`, and its elements as `codes`
(raw) or `values`. Attributes are int, float (the nearest to what the case says), str or a list of
int.

Answers. A function returns its one output `y`, or a dict of outputs by name: numpy arrays, whatever
numpy.asarray takes, or `Tensor`. `raise Unsupported(reason)` says that the case is none of its
business. Any other exception counts against it: `exception: ...` goes to qverify, the traceback to
standard error, once for each place. Standard input and output belong to the protocol; what a function
prints, in Python or in C, goes to standard error.
"""

import ast
import base64
import binascii
import faulthandler
import functools
import inspect
import json
import math
import os
import queue
import re
import struct
import sys
import threading
import traceback
from fractions import Fraction

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Tensor", "Unsupported", "answer", "run", "subject"]

# More elements than this are written as base64.
MAXIMUM_DATA_ELEMENTS = 4096


class Unsupported(Exception):
    """The function does not take the case; nothing is wrong."""


class Malformed(Exception):
    """What was read is no case."""


# Data types


class FloatFormat:
    """A binary float: its fields, its bias, and which codes are special.

    ieee: infinities and NaN; nan: no infinity, NaN is all ones; unsigned_zero: no infinity, NaN is
    the code of -0; none: numbers only; powers_of_two: no sign, no zero, NaN is all ones.
    """

    def __init__(self, exponent_bits, fraction_bits, bias, specials):
        self.fraction_bits = fraction_bits
        self.specials = specials
        self.is_signed = specials != "powers_of_two"
        self.least_exponent = (1 if self.is_signed else 0) - bias
        self.bits = exponent_bits + fraction_bits + self.is_signed
        self.sign = 1 << (self.bits - 1) if self.is_signed else 0
        ones = (1 << (exponent_bits + fraction_bits)) - 1
        self.infinity = ones ^ ((1 << fraction_bits) - 1) if specials == "ieee" else None
        self.largest = {
            "ieee": (self.infinity or 0) - 1,
            "nan": ones - 1,
            "powers_of_two": ones - 1,
        }.get(specials, ones)
        self.nan = {
            "ieee": (self.infinity or 0) | 1 << max(fraction_bits - 1, 0),
            "unsigned_zero": self.sign,
            "none": None,
        }.get(specials, ones)

    def round(self, numerator, denominator):
        """The code nearest to a positive rational, ties to even, and whether it was a tie.

        A number that is too large gives a code above `largest`.
        """
        exponent = numerator.bit_length() - denominator.bit_length()
        if (numerator << max(-exponent, 0)) < (denominator << max(exponent, 0)):
            exponent -= 1
        exponent = max(exponent, self.least_exponent)
        shift = exponent - self.fraction_bits
        denominator <<= max(shift, 0)
        quotient, rest = divmod(numerator << max(-shift, 0), denominator)
        is_tie = 2 * rest == denominator
        quotient += 2 * rest > denominator or (is_tie and quotient & 1)
        if not self.is_signed:
            quotient = max(quotient, 1) - 1
        # The hidden bit of a normal number adds 1 to the exponent field, and so does a carry.
        return ((exponent - self.least_exponent) << self.fraction_bits) + quotient, is_tie

    def decode(self, code):
        """The number of a code: binary64 holds those of every format."""
        magnitude = code & ~self.sign
        if code == self.nan or magnitude > (self.infinity or self.largest):
            return math.nan
        if magnitude == self.infinity:
            value = math.inf
        else:
            field, fraction = divmod(magnitude, 1 << self.fraction_bits)
            if field or not self.is_signed:
                fraction += 1 << self.fraction_bits
                field -= self.is_signed
            value = float(
                Fraction(fraction)
                * Fraction(2) ** (field + self.least_exponent - self.fraction_bits)
            )
        return -value if code & self.sign else value


FLOATS = {
    "float64": FloatFormat(11, 52, 1023, "ieee"),
    "float32": FloatFormat(8, 23, 127, "ieee"),
    "float16": FloatFormat(5, 10, 15, "ieee"),
    "bfloat16": FloatFormat(8, 7, 127, "ieee"),
    "float8_e4m3fn": FloatFormat(4, 3, 7, "nan"),
    "float8_e4m3fnuz": FloatFormat(4, 3, 8, "unsigned_zero"),
    "float8_e5m2": FloatFormat(5, 2, 15, "ieee"),
    "float8_e5m2fnuz": FloatFormat(5, 2, 16, "unsigned_zero"),
    "float8_e8m0fnu": FloatFormat(8, 0, 127, "powers_of_two"),
    "float4_e2m1fn": FloatFormat(2, 1, 1, "none"),
}
INTEGERS = "int1 int2 int4 int8 int16 int32 int48 int64 uint2 uint4 uint8 uint16 uint32".split()
# The types that numpy has, as it spells them.
NATIVE = {
    "float64": "<f8", "float32": "<f4", "float16": "<f2", "bool": "|b1",
    "int8": "|i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
    "uint8": "|u1", "uint16": "<u2", "uint32": "<u4",
}  # fmt: skip


class DataType:
    """A type of elements: an integer, a float (`format`), a fixed-point number or bool."""

    def __init__(self, name):
        self.name = name
        self.format = FLOATS.get(name)
        self.fraction_bits = 0
        fixed = re.fullmatch(r"(u?)fixed<([1-9][0-9]?),(0|-?[1-9][0-9]{0,5})>", name)
        if self.format:
            self.bits, self.is_signed = self.format.bits, False
        elif fixed and int(fixed[2]) <= 64:
            self.bits, self.is_signed = int(fixed[2]), not fixed[1]
            self.fraction_bits = self.bits - int(fixed[3])
        elif name in INTEGERS:
            self.bits, self.is_signed = int(name.lstrip("uint")), name.startswith("int")
        elif name == "bool":
            self.bits, self.is_signed = 1, False
        else:
            raise Malformed(f"unknown dtype '{name}'")
        self.is_integer = not self.format and not fixed
        self.bytes = (self.bits + 7) // 8
        self.low = -(1 << (self.bits - 1)) if self.is_signed else 0
        self.high = (1 << (self.bits - self.is_signed)) - 1
        if name == "int1":
            self.high = 1

    def is_code(self, code):
        """Whether an integer encodes an element: float encodings count as unsigned integers."""
        return self.low <= code <= self.high and (self.name != "int1" or code != 0)


@functools.lru_cache(maxsize=None)
def data_type(name):
    """The type of a name; `Malformed` if there is none."""
    return DataType(name)


# Elements as text: exact, rounded once

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE]([-+]?[0-9]+))?")
_HEX = re.compile(r"(-?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([-+]?[0-9]+))?")
# Beyond these exponents every number overflows or vanishes, in every type.
_LARGEST_EXPONENT = 20_000
# Half a step above the largest number of float4_e2m1fn, which has no infinity.
_LARGEST_FLOAT4 = 7


def _magnitude(text):
    """The exact value of a decimal or hex float, without its sign."""
    number = _NUMBER.fullmatch(text)
    if number:
        mantissa, exponent = re.split("[eE]", text.lstrip("-"))[0], int(number[1] or 0)
        value, base = Fraction(mantissa), 10
    else:
        number = _HEX.fullmatch(text)
        if not number or not (number[2] or number[3]):
            raise Malformed(f"'{text}' is not a number")
        digits, exponent, base = number[2] + (number[3] or ""), int(number[4] or 0), 2
        value = Fraction(int(digits, 16), 16 ** len(number[3] or ""))
    exponent = max(-_LARGEST_EXPONENT, min(exponent, _LARGEST_EXPONENT))
    return value * Fraction(base) ** exponent if value else value


def _rounded(magnitude, is_negative, dtype, text):
    """The code of a number in a float type: one rounding, to nearest even."""
    form = dtype.format
    if not form.is_signed and (is_negative or not magnitude):
        raise Malformed(f"{text} is not representable in {dtype.name}")
    code = form.round(magnitude.numerator, magnitude.denominator)[0] if magnitude else 0
    if code > form.largest:
        if form.infinity is not None:
            code = form.infinity
        elif form.specials == "none" and magnitude <= _LARGEST_FLOAT4:
            code = form.largest
        else:
            raise Malformed(f"{text} overflows {dtype.name}, which has no infinity")
    if code == 0 and form.specials == "unsigned_zero":
        return 0
    return code | form.sign if is_negative else code


def _float_code(text, dtype):
    """The code of the text of a number in a float type."""
    form = dtype.format
    if text in ("nan", "inf", "-inf"):
        code = form.nan if text == "nan" else form.infinity
        if code is None:
            raise Malformed(f"{dtype.name} has no {text}")
        return code | form.sign if text == "-inf" else code
    is_negative = text.startswith("-")
    if form.is_signed and _NUMBER.fullmatch(text):
        # By way of binary64, which is faster, where that is right: ties of the type are binary64
        # numbers, so a number that does not become one of them was on the same side of it.
        near = abs(float(text))
        if 0 < near < math.inf:
            code, is_tie = form.round(*near.as_integer_ratio())
            if not is_tie and 0 < code <= form.largest:
                return code | form.sign if is_negative else code
    return _rounded(_magnitude(text), is_negative, dtype, text)


def _exact(value, dtype, text):
    """The code of a number that an integer, fixed-point or bool type must have."""
    code = value * Fraction(2) ** dtype.fraction_bits if dtype.fraction_bits else value
    if code != int(code) or not dtype.is_code(int(code)):
        raise Malformed(f"{text} is not representable in {dtype.name}")
    return int(code)


_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


def _integer_code(text, dtype):
    """The code of the text of a number in an integer, fixed-point or bool type."""
    if text in ("nan", "inf", "-inf"):
        raise Malformed(f"'{text}' is not a value of {dtype.name}")
    if _PLAIN.fullmatch(text):
        return _exact(int(text), dtype, text)
    magnitude = _magnitude(text)
    return _exact(-magnitude if text.startswith("-") else magnitude, dtype, text)


def _code_of(value, dtype):
    """The code of a Python number."""
    if isinstance(value, float) and not math.isfinite(value):
        text = "nan" if value != value else "inf" if value > 0 else "-inf"
        return (_float_code if dtype.format else _integer_code)(text, dtype)
    exact = Fraction(value)
    if dtype.format:
        return _rounded(abs(exact), math.copysign(1, value) < 0, dtype, value)
    return _exact(exact, dtype, value)


# Tensors


class Tensor:
    """Elements of one type, as their codes.

    The code of an integer is the integer, that of a fixed-point number its raw integer, that of a
    float its encoding, as an unsigned integer, that of a bool 0 or 1.
    """

    def __init__(self, dtype, shape, codes):
        """A tensor from its codes, in row-major order: a list, or a numpy array of integers."""
        if numpy is not None and isinstance(codes, numpy.ndarray):
            if codes.dtype.kind not in "iub":
                raise TypeError(f"codes must be integers, not {codes.dtype}")
            codes = codes.ravel().tolist()
        self._type = _known_type(dtype)
        self.dtype, self.shape = dtype, tuple(int(size) for size in shape)
        codes = [int(code) for code in codes]
        if len(codes) != self.size:
            raise ValueError(f"{len(codes)} codes do not fill shape {list(self.shape)}")
        for index, code in enumerate(codes):
            if not self._type.is_code(code):
                raise ValueError(f"[{index}] = {code} is not a code of {dtype}")
        self._bytes = _pack(codes, self._type)

    @classmethod
    def from_values(cls, dtype, shape, values):
        """A tensor from int, float or Fraction, in row-major order.

        A float type rounds once, to nearest even; any other must have the value.
        """
        return cls(dtype, shape, [_code_of(value, _known_type(dtype)) for value in values])

    @classmethod
    def _from_bytes(cls, dtype, shape, data):
        tensor = cls.__new__(cls)
        tensor._type, tensor.dtype, tensor.shape, tensor._bytes = dtype, dtype.name, shape, data
        return tensor

    @property
    def size(self):
        """The number of elements."""
        return functools.reduce(lambda count, size: count * size, self.shape, 1)

    @property
    def codes(self):
        """The codes: a numpy array of the shape of the tensor, or a list where there is no numpy.

        The array has the smallest integer type that holds them: uint8 for float8, uint16 for
        bfloat16, int8 for int4, int64 for int48.
        """
        codes = _unpack(self._bytes, self._type)
        if numpy is None:
            return codes
        bits = next(bits for bits in (8, 16, 32, 64) if bits >= self._type.bits)
        name = ("int%d" if self._type.is_signed else "uint%d") % bits
        return numpy.array(codes, dtype=name).reshape(self.shape)

    @property
    def values(self):
        """The elements as a flat list: int, float (exact), or Fraction for fixed-point types."""
        return _values(self._bytes, self._type)

    def __repr__(self):
        return f"Tensor({self.dtype!r}, {list(self.shape)!r}, {_unpack(self._bytes, self._type)!r})"

    def _argument(self):
        """What functions get: a numpy array where numpy has the type."""
        if numpy is None or self.dtype not in NATIVE:
            return self
        return numpy.frombuffer(bytearray(self._bytes), NATIVE[self.dtype]).reshape(self.shape)


def _known_type(name):
    try:
        return data_type(name)
    except Malformed as error:
        raise ValueError(str(error)) from None


_STRUCT = {1: "B", 2: "H", 4: "I", 8: "Q"}
_STRUCT_FLOAT = {"float16": "e", "float32": "f", "float64": "d"}


def _pack(codes, dtype):
    """Codes as bytes: little-endian, one element in the least number of bytes."""
    letter = _STRUCT.get(dtype.bytes)
    if letter is None:
        return b"".join(
            code.to_bytes(dtype.bytes, "little", signed=dtype.is_signed) for code in codes
        )
    return struct.pack(f"<{len(codes)}{letter.lower() if dtype.is_signed else letter}", *codes)


def _unpack(data, dtype):
    letter, size = _STRUCT.get(dtype.bytes), dtype.bytes
    if letter is None:
        return [
            int.from_bytes(data[at : at + size], "little", signed=dtype.is_signed)
            for at in range(0, len(data), size)
        ]
    count = len(data) // size
    return list(struct.unpack(f"<{count}{letter.lower() if dtype.is_signed else letter}", data))


def _values(data, dtype):
    if dtype.name in _STRUCT_FLOAT:
        return list(struct.unpack(f"<{len(data) // dtype.bytes}{_STRUCT_FLOAT[dtype.name]}", data))
    codes = _unpack(data, dtype)
    if dtype.format:
        return [dtype.format.decode(code) for code in codes]
    if dtype.is_integer:
        return codes
    return [Fraction(code) / Fraction(2) ** dtype.fraction_bits for code in codes]


# Reading cases


class _Number(str):
    """A number as the text says it."""


def _object(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("duplicate key")
    return members


def _constant(text):
    raise Malformed(f"'{text}' is no JSON")


_KINDS = {str: "a string", dict: "an object", list: "a list"}


def _kind(value, kind, name):
    if isinstance(value, _Number) or not isinstance(value, kind):
        raise Malformed(f"'{name}' must be {_KINDS[kind]}")
    return value


def _integral(text):
    """The integer that a number says, written as 5, 5.0 or 5e0; None for any other."""
    try:
        return _integer_code(text, data_type("int64"))
    except Malformed:
        return None


def _attribute(name, value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, _Number):
        integer = _integral(value)
        return float(value) if integer is None else integer
    if isinstance(value, list):
        integers = [
            _integral(element) if isinstance(element, _Number) else None for element in value
        ]
        if None in integers:
            raise Malformed(f"attribute '{name}' must be a list of integers")
        return integers
    return _kind(value, str, name)


def _elements(data, dtype):
    """The bytes of a list of numbers."""
    read = _float_code if dtype.format else _integer_code
    codes = []
    for index, element in enumerate(data):
        if isinstance(element, str):
            try:
                codes.append(read(element, dtype))
            except Malformed as error:
                raise Malformed(f"data[{index}]: {error}") from None
        elif isinstance(element, bool) and dtype.name == "bool":
            codes.append(int(element))
        else:
            raise Malformed(f"data[{index}] is no number")
    return _pack(codes, dtype)


def _npy(path, dtype, shape):
    """The bytes of a .npy file, in NumPy's format; its path starts from the working folder."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Malformed(f"cannot read '{path}': {error.strerror}") from None
    try:
        if data[:6] != b"\x93NUMPY" or data[6] not in (1, 2, 3):
            raise ValueError
        start, letter = (10, "<H") if data[6] == 1 else (12, "<I")
        end = start + struct.unpack_from(letter, data, 8)[0]
        header = ast.literal_eval(data[start:end].decode("utf-8"))
        stored, order, sizes = header["descr"], header["fortran_order"], header["shape"]
        wide = int(stored[-1])
    except (ValueError, KeyError, IndexError, SyntaxError, TypeError, struct.error):
        raise Malformed(f"'{path}' is no .npy file") from None
    letters = {True: "b1 u1", False: "i" if dtype.is_signed else "u"}[dtype.name == "bool"]
    if dtype.format:
        letters = {8: "f8", 4: "f4", 2: "f2 u2"}.get(dtype.bytes, "u1 V1")
        letters = "u2 V2" if dtype.name == "bfloat16" else letters
    if (
        order
        or tuple(sizes) != shape
        or stored[:1] == ">"
        or not any(stored[1:].startswith(letter) for letter in letters.split())
    ):
        found = f"{stored} {list(sizes)} in {'Fortran' if order else 'C'} order"
        raise Malformed(f"'{path}' holds {found}; the case says {dtype.name} {list(shape)}")
    return _narrow(data[end:], wide, dtype)


def _narrow(data, wide, dtype):
    """Cuts elements of `wide` bytes, which numpy rounds up, to those of the type."""
    if wide == dtype.bytes:
        return data
    codes = [
        int.from_bytes(data[at : at + wide], "little", signed=dtype.is_signed)
        for at in range(0, len(data), wide)
    ]
    if wide < dtype.bytes or not all(map(dtype.is_code, codes)):
        raise Malformed(f"a value of the .npy file is out of range for {dtype.name}")
    return _pack(codes, dtype)


def _tensor(value):
    """Reads a tensor of a case."""
    value = dict(_kind(value, dict, "tensor"))
    try:
        dtype, sizes = value.pop("dtype"), value.pop("shape")
    except KeyError as error:
        raise Malformed(f"missing key {error}") from None
    dtype = data_type(_kind(dtype, str, "dtype"))
    shape = [
        _integral(size) if isinstance(size, _Number) else None
        for size in _kind(sizes, list, "shape")
    ]
    if any(size is None or size < 0 for size in shape):
        raise Malformed("a dimension must be a non-negative integer")
    shape = tuple(shape)
    if len(value) != 1:
        raise Malformed(f"needs exactly one of 'data', 'base64' and 'npy', has {sorted(value)}")
    [(source, content)] = value.items()
    if source == "data":
        data = _elements(_kind(content, list, source), dtype)
    elif source == "base64":
        try:
            data = base64.b64decode(_kind(content, str, source), validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("invalid base64") from None
    elif source == "npy":
        data = _npy(_kind(content, str, source), dtype, shape)
    else:
        raise Malformed(f"unknown key '{source}'")
    tensor = Tensor._from_bytes(dtype, shape, data)
    if len(data) != tensor.size * dtype.bytes:
        raise Malformed(f"{len(data) / dtype.bytes:g} elements do not fill shape {list(shape)}")
    if dtype.bits % 8 and not all(map(dtype.is_code, _unpack(data, dtype))):
        raise Malformed(f"a code is not a value of {dtype.name}")
    return tensor


def _members(case, key, read):
    values = {}
    for name, value in _kind(case.get(key, {}), dict, key).items():
        try:
            values[name] = read(value)
        except Malformed as error:
            raise Malformed(f"{key}.{name}: {error}") from None
    return values


# Writing answers


def _output(name, value):
    """What a function returned, as a tensor."""
    if isinstance(value, Tensor):
        return value
    if numpy is None:
        raise TypeError(f"{name} must be a Tensor, not {type(value).__name__}")
    array = numpy.asarray(value)
    dtype = array.dtype.name
    if dtype not in NATIVE:
        raise TypeError(
            f"{name} has numpy type {dtype}, which no case has; "
            "return Tensor(dtype, shape, codes)"
        )
    data = numpy.ascontiguousarray(array, NATIVE[dtype]).tobytes()
    return Tensor._from_bytes(data_type(dtype), array.shape, data)


def _written(tensor):
    """A tensor of an answer, as JSON can say it."""
    written = {"dtype": tensor.dtype, "shape": list(tensor.shape)}
    form = tensor._type.format
    values = None
    if tensor.size <= MAXIMUM_DATA_ELEMENTS and (form or tensor._type.is_integer):
        values = tensor.values
    if values is not None and form and not all(map(math.isfinite, values)):
        # Not finite: a NaN other than the canonical one needs its bits.
        codes = _unpack(tensor._bytes, tensor._type)
        if any(value != value and code != form.nan for value, code in zip(values, codes)):
            values = None
        else:
            names = {math.inf: "inf", -math.inf: "-inf"}
            values = ["nan" if value != value else names.get(value, value) for value in values]
    if values is None:
        written["base64"] = base64.b64encode(tensor._bytes).decode("ascii")
    else:
        written["data"] = values
    return written


# Functions


class _Function:
    """A registered function, and what it claims."""

    def __init__(self, function, dialects, dtypes):
        self.function = function
        self.dialects = dialects and [name.strip() for name in dialects.split(",")]
        claims = (claim.partition("=") for claim in (dtypes or "").split())
        self.dtypes = {name: types.split(",") for name, _, types in claims}
        for types in self.dtypes.values():
            for name in types:
                name in ("fixed", "ufixed") or _known_type(name)
        parameters = inspect.signature(function).parameters.values()
        if any(parameter.kind == parameter.POSITIONAL_ONLY for parameter in parameters):
            raise TypeError(f"arguments are passed by keyword: {function}")
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self.names = {parameter.name for parameter in named}
        self.required = [p.name for p in named if p.default is p.empty and p.name != "dialect"]
        self.takes_others = any(p.kind == p.VAR_KEYWORD for p in parameters)

    def check(self, name, tensor):
        """Why a tensor is not of a claimed type, or None."""
        claimed = self.dtypes.get(name)
        if claimed is None or tensor.dtype in claimed or tensor.dtype.partition("<")[0] in claimed:
            return None
        return f"{name} is {tensor.dtype}, not {' or '.join(claimed)}"

    def call(self, dialect, inputs, attributes):
        """The outputs by name, as tensors."""
        for name, tensor in inputs.items():
            reason = self.check(name, tensor)
            if reason:
                raise Unsupported(reason)
        arguments = {name: tensor._argument() for name, tensor in inputs.items()}
        arguments.update(attributes)
        for name in arguments:
            if name not in self.names and not self.takes_others:
                kind = "input" if name in inputs else "attribute"
                raise Unsupported(f"{self.function.__name__}() takes no {kind} '{name}'")
        for name in self.required:
            if name not in arguments:
                raise Unsupported(f"{self.function.__name__}() needs '{name}'")
        if "dialect" in self.names:
            arguments["dialect"] = dialect
        returned = self.function(**arguments)
        if not isinstance(returned, dict):
            returned = {"y": returned}
        outputs = {name: _output(name, value) for name, value in returned.items()}
        for name, tensor in outputs.items():
            reason = self.check(name, tensor)
            if reason:
                raise TypeError("the function returned what it does not claim: " + reason)
        return outputs


_functions = {}


def subject(operation, dialects=None, dtypes=None):
    """A decorator: the function computes an operation.

    operation: its name in the case format, such as "quantize".
    dialects:  the dialects that it claims, separated by commas; None for any.
    dtypes:    the types that it claims, by tensor: "x=float32 y=int8,uint8"; a tensor without an
               entry may have any. An input of another type is answered `unsupported`, an output is
               an exception.

    A function may have several decorators, and an operation several functions: the first one that
    claims the dialect is called.
    """

    def register(function):
        _functions.setdefault(operation, []).append(_Function(function, dialects, dtypes))
        return function

    return register


def _evaluate(case):
    """The outputs of a case, as JSON can say them."""
    for key in case:
        if key not in ("id", "op", "dialect", "attributes", "inputs", "outputs", "note"):
            raise Malformed(f"unknown key '{key}'")
    for key in ("id", "op", "dialect", "inputs"):
        if key not in case:
            raise Malformed(f"missing key '{key}'")
    _kind(case["id"], str, "id")
    operation, dialect = _kind(case["op"], str, "op"), _kind(case["dialect"], str, "dialect")
    if operation not in _functions:
        raise Unsupported(f"no function for operation '{operation}'")
    for function in _functions[operation]:
        if function.dialects is None or dialect in function.dialects:
            break
    else:
        raise Unsupported(f"no function for {operation} in dialect '{dialect}'")
    inputs = _members(case, "inputs", _tensor)
    attributes = _members(case, "attributes", lambda value: value)
    attributes = {name: _attribute(name, value) for name, value in attributes.items()}
    outputs = function.call(dialect, inputs, attributes)
    return {name: _written(tensor) for name, tensor in outputs.items()}


def _json(value):
    """JSON text of what was read: numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}: {_json(member)}" for key, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return json.dumps(value)


_reported = set()


def _report(error):
    """Prints the traceback of an exception, once for each place that it comes from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = (type(error), frame.filename, frame.lineno)
    if place not in _reported:
        _reported.add(place)
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        sys.stderr.flush()


def answer(line):
    """The answer to one case: a line of JSON for a line of JSON, both without the newline."""
    identifier = None
    try:
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
            case = json.loads(
                text,
                parse_float=_Number,
                parse_int=_Number,
                parse_constant=_constant,
                object_pairs_hook=_object,
            )
        except (ValueError, RecursionError) as error:
            raise Malformed(str(error)) from None
        if not isinstance(case, dict):
            raise Malformed("a case is a JSON object")
        if isinstance(case.get("id"), str) and not isinstance(case["id"], _Number):
            identifier = case["id"]
        outputs = json.dumps(_evaluate(case))
    except Unsupported as error:
        return json.dumps({"id": identifier, "error": f"unsupported: {error}"})
    except Malformed as error:
        return json.dumps({"id": identifier, "error": f"malformed: {error}"})
    except Exception as error:
        _report(error)
        text = f"exception: {type(error).__name__}: {error}"
        return json.dumps({"id": identifier, "error": text})
    if "outputs" in case:
        del case["outputs"]
        text = _json(case)
    return f'{text.rstrip()[:-1]}, "outputs": {outputs}}}'


def run():
    """Answers the cases on standard input, a line each, in order, until it ends."""
    cases, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # From here on neither Python nor C code can reach the protocol; what was printed before, and
    # still waits in the buffer, goes to standard error too.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.flush()
    sys.stdout = sys.stderr
    faulthandler.enable()

    # Reading never waits for an answer to be taken: many cases may be written before any is read.
    lines = queue.Queue()

    def read():
        try:
            for line in cases:
                lines.put(line)
        finally:
            lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    for line in iter(lines.get, None):
        if line.strip():
            try:
                answers.write(answer(line.rstrip(b"\r\n")).encode("utf-8") + b"\n")
                answers.flush()
            except BrokenPipeError:
                # Nobody waits for answers any more.
                os._exit(0)
