"""Tests of qverify_adapter.py: `PYTHONPATH=folder python3 -m unittest test_adapter`."""

import base64
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction

import qverify_adapter as adapter
from qverify_adapter import Tensor, Unsupported, answer, subject

DTYPES = [*adapter.FLOATS, *adapter.INTEGERS, "bool", "fixed<8,4>", "ufixed<12,-3>", "fixed<64,70>"]


@subject("identity")
def identity(x):
    return x


@subject("claims", dialects="onnx", dtypes="x=int8,int4 y=int8")
def claims(x, bits=8, dialect="none"):
    """Returns what it does not claim where bits is not 8."""
    assert dialect == "onnx"
    return x if bits == 8 else Tensor("int16", [1], [bits])


@subject("attributes")
def attributes(x, **others):
    print("to standard error")
    os.write(1, b"by descriptor\n") if "write" in others else None
    if "refuse" in others:
        raise Unsupported(others["refuse"])
    if "fail" in others:
        raise ValueError(others["fail"])
    others["words"] = [f"{name} {others[name]!r}" for name in sorted(others)]
    return {
        "y": x,
        "z": Tensor("uint8", [len("".join(others["words"]))], "".join(others["words"]).encode()),
    }


def case(op, x, dialect="ideal", **attributes):
    return {"id": "a", "op": op, "dialect": dialect, "attributes": attributes, "inputs": {"x": x}}


def outputs(op, x, **others):
    answered = json.loads(answer(json.dumps(case(op, x, **others))))
    return answered["outputs"] if "outputs" in answered else answered["error"]


def code(text, dtype):
    """The code of a number, by way of a whole answer."""
    y = outputs("identity", {"dtype": dtype, "shape": [1], "data": [text]})
    if isinstance(y, str):
        return y
    data = adapter._tensor(
        json.loads(json.dumps(y["y"]), parse_int=adapter._Number, parse_float=adapter._Number)
    )
    return adapter._unpack(data._bytes, data._type)[0]


def all_codes(dtype):
    """The codes of a small type, the ends of and a sample from a large one."""
    kind = adapter.data_type(dtype)
    if kind.bits <= 10:
        return [code for code in range(kind.low, kind.high + 1) if kind.is_code(code)]
    picks = random.Random(7)
    return [kind.low, kind.low + 1, kind.high - 1, kind.high, 0, 1] + [
        picks.randint(kind.low, kind.high) for _ in range(500)
    ]


class Elements(unittest.TestCase):
    def test_every_type_survives(self):
        for dtype in DTYPES:
            codes = all_codes(dtype)
            tensor = Tensor(dtype, [len(codes)], codes)
            raw = {
                "dtype": dtype,
                "shape": [len(codes)],
                "base64": base64.b64encode(tensor._bytes).decode(),
            }
            written = outputs("identity", raw)["y"]
            again = outputs("identity", written)["y"]
            self.assertEqual(written, again, dtype)
            self.assertEqual(adapter._unpack(tensor._bytes, tensor._type), codes, dtype)
            if tensor._type.format:
                continue
            values = Tensor.from_values(dtype, [len(codes)], tensor.values)
            self.assertEqual(values._bytes, tensor._bytes, dtype)

    def test_floats_as_data(self):
        for dtype, form in adapter.FLOATS.items():
            for number in all_codes(dtype):
                value = form.decode(number)
                text = value.hex() if value - value == 0 else str(value)
                if text == "nan":
                    continue
                self.assertEqual(code(text, dtype), number, (dtype, text))

    def test_one_rounding(self):
        # Just above the tie of 1 and 1 + 2^-23; by way of binary64 it would be the tie.
        self.assertEqual(code("1.000000059604644775390626", "float32"), 0x3F800001)
        self.assertEqual(code("1.000000059604644775390625", "float32"), 0x3F800000)
        self.assertEqual(code("1.000000059604644775390624", "float32"), 0x3F800000)
        self.assertEqual(code("1.000000178813934326171874", "float32"), 0x3F800001)
        self.assertEqual(code("1.000000178813934326171875", "float32"), 0x3F800002)
        self.assertEqual(code("2049", "float16"), 0x6800)
        self.assertEqual(code("2049.0000000000000000001", "float16"), 0x6801)
        self.assertEqual(code("0x1.00000100000000000000000001p0", "float32"), 0x3F800001)
        self.assertEqual(code("0.7006492321624085354618e-45", "float32"), 0)
        self.assertEqual(code("0.7006492321624085354619e-45", "float32"), 1)

    def test_edges(self):
        table = [
            ("-0", "float32", 0x80000000), ("-0.0", "float64", 1 << 63), ("-0x0p+0", "float16", 0x8000),
            ("-0", "float8_e4m3fnuz", 0), ("-1e-30", "float8_e5m2fnuz", 0), ("nan", "float32", 0x7FC00000),
            ("-inf", "bfloat16", 0xFF80), ("1e999999999999", "float64", 0x7FF << 52), ("1e-999999999999", "float64", 0),
            ("-1e400", "float16", 0xFC00), ("65519.99", "float16", 0x7BFF), ("65520", "float16", 0x7C00),
            ("464", "float8_e4m3fn", 0x7E), ("7", "float4_e2m1fn", 7), ("1.5", "float8_e8m0fnu", 128),
            ("0x.8p1", "float32", 0x3F800000), ("5.0", "int8", 5), ("1e2", "int8", 100), ("-128", "int8", -128),
            ("9223372036854775807", "int64", 2**63 - 1), ("-9223372036854775808", "int64", -(2**63)),
            ("0.9223372036854775807e19", "int64", 2**63 - 1), ("-0.0", "int8", 0), ("0x10", "int8", 16),
            ("-7.9375", "fixed<8,4>", -127), ("1", "int1", 1),
        ]  # fmt: skip
        for text, dtype, expected in table:
            self.assertEqual(code(text, dtype), expected, (text, dtype))

    def test_refused(self):
        table = [
            ("5.5", "int8", "5.5 is not representable in int8"), ("128", "int8", "128 is not representable in int8"),
            ("9223372036854775808", "int64", "9223372036854775808 is not representable in int64"),
            ("0", "int1", "0 is not representable in int1"), ("nan", "int8", "'nan' is not a value of int8"),
            ("465", "float8_e4m3fn", "465 overflows float8_e4m3fn, which has no infinity"),
            ("7.01", "float4_e2m1fn", "7.01 overflows float4_e2m1fn, which has no infinity"),
            ("inf", "float8_e4m3fn", "float8_e4m3fn has no inf"), ("nan", "float4_e2m1fn", "float4_e2m1fn has no nan"),
            ("0", "float8_e8m0fnu", "0 is not representable in float8_e8m0fnu"),
            ("-1", "float8_e8m0fnu", "-1 is not representable in float8_e8m0fnu"),
            ("0.1", "fixed<8,4>", "0.1 is not representable in fixed<8,4>"),
            ("1_0", "int8", "'1_0' is not a number"), (" 1", "float32", "' 1' is not a number"),
            ("infinity", "float32", "'infinity' is not a number"), ("0x", "float32", "'0x' is not a number"),
            ("\u0661", "int8", "'\u0661' is not a number"), ("+1", "int8", "'+1' is not a number"),
        ]  # fmt: skip
        for text, dtype, message in table:
            self.assertEqual(code(text, dtype), "malformed: inputs.x: data[0]: " + message)

    def test_float32_against_the_machine(self):
        picks = random.Random(3)
        for _ in range(3000):
            number = picks.getrandbits(32)
            value = struct.unpack("<f", struct.pack("<I", number))[0]
            if value - value != 0:
                continue
            for text in (
                repr(value),
                value.hex(),
                f"{value:.8e}",
                str(Fraction(value).limit_denominator(1) or value),
            ):
                near = struct.unpack(
                    "<I", struct.pack("<f", float(Fraction(text) if "x" not in text else value))
                )[0]
                if text in (repr(value), value.hex()):
                    self.assertEqual(near, number)
                self.assertEqual(code(text, "float32"), near, text)

    def test_nan_payloads_need_base64(self):
        raw = base64.b64encode(struct.pack("<II", 0x7FC00001, 0x3F800000)).decode()
        self.assertEqual(
            outputs("identity", {"dtype": "float32", "shape": [2], "base64": raw})["y"]["base64"],
            raw,
        )
        quiet = outputs(
            "identity", {"dtype": "float32", "shape": [3], "data": ["nan", "inf", "-inf"]}
        )
        self.assertEqual(quiet["y"]["data"], ["nan", "inf", "-inf"])


class Shapes(unittest.TestCase):
    def test_scalars_and_nothing(self):
        for shape, data in [([], [5]), ([0], []), ([3, 0, 2], []), ([1, 1], [7])]:
            for dtype in ["int8", "float32", "bfloat16", "int4"]:
                y = outputs("identity", {"dtype": dtype, "shape": shape, "data": data})["y"]
                self.assertEqual((y["shape"], y["data"]), (shape, data))

    def test_large(self):
        many = 300_000
        raw = base64.b64encode(os.urandom(4 * many)).decode()
        y = outputs("identity", {"dtype": "int32", "shape": [3, 100_000], "base64": raw})["y"]
        self.assertEqual(y, {"dtype": "int32", "shape": [3, 100_000], "base64": raw})
        self.assertIn(
            "data", outputs("identity", {"dtype": "int8", "shape": [4096], "data": [1] * 4096})["y"]
        )
        self.assertIn(
            "base64",
            outputs("identity", {"dtype": "int8", "shape": [4097], "data": [1] * 4097})["y"],
        )

    def test_numpy(self):
        if adapter.numpy is None:
            self.skipTest("numpy is not installed")
        import numpy

        seen = []

        @subject("seen")
        def see(x):
            seen.append(x)
            return numpy.asfortranarray(x[::-1].T.T.astype(x.dtype.newbyteorder(">")))

        for dtype in adapter.NATIVE:
            y = outputs("seen", {"dtype": dtype, "shape": [2, 3], "data": [0, 1, 1, 1, 0, 0]})["y"]
            self.assertEqual((seen[-1].dtype.name, seen[-1].shape), (dtype, (2, 3)))
            self.assertEqual((y["dtype"], y["data"]), (dtype, [1, 0, 0, 0, 1, 1]))
        tensor = Tensor("int4", [2, 2], numpy.array([[1, -8], [7, 0]], dtype="int64"))
        self.assertEqual((tensor.codes.dtype, tensor.codes.shape), ("int8", (2, 2)))
        self.assertEqual(tensor.codes.tolist(), [[1, -8], [7, 0]])
        self.assertEqual(Tensor("bfloat16", [1], [0x3F80]).codes.dtype, "uint16")
        self.assertEqual(Tensor("int48", [1], [-(2**47)]).codes.tolist(), [-(2**47)])
        with self.assertRaises(TypeError):
            Tensor("int4", [1], numpy.array([1.5]))

    def test_npy(self):
        if adapter.numpy is None:
            self.skipTest("numpy is not installed")
        import numpy

        values = [[1, 0, 1], [1, 1, 0]]
        with tempfile.TemporaryDirectory() as folder:
            for dtype, stored in [*((name, name) for name in adapter.NATIVE), ("bfloat16", "uint16"),
                                  ("float8_e5m2", "uint8"), ("int4", "int8"), ("int48", "int64")]:  # fmt: skip
                path = os.path.join(folder, "x.npy")
                numpy.save(path, numpy.array(values, dtype=stored))
                x = {"dtype": dtype, "shape": [2, 3], "npy": path}
                y = outputs("identity", x)["y"]
                if dtype in adapter.NATIVE:
                    self.assertEqual(y["data"], [1, 0, 1, 1, 1, 0])
                x["shape"] = [3, 2]
                self.assertIn("the case says " + dtype, outputs("identity", x))
            numpy.save(path, numpy.array([8], dtype="int8"))
            x = {"dtype": "int4", "shape": [1], "npy": path}
            self.assertTrue(outputs("identity", x).startswith("malformed: inputs.x: "))
            numpy.save(path, numpy.array(values, order="F", dtype="int8"))
            x = {"dtype": "int8", "shape": [2, 3], "npy": path}
            self.assertIn("in Fortran order", outputs("identity", x))
            with open(path, "w") as file:
                file.write("nonsense")
            self.assertIn("is no .npy file", outputs("identity", x))
            x["npy"] = os.path.join(folder, "nowhere.npy")
            self.assertIn("No such file", outputs("identity", x))


class Functions(unittest.TestCase):
    x = {"dtype": "int8", "shape": [1], "data": [5]}

    def test_claims(self):
        self.assertEqual(outputs("claims", self.x, dialect="onnx")["y"]["data"], [5])
        table = [
            (dict(op="nothing", x=self.x), "unsupported: no function for operation 'nothing'"),
            (dict(op="claims", x=self.x), "unsupported: no function for claims in dialect 'ideal'"),
            (dict(op="claims", x=self.x, dialect="onnx", axis=1), "unsupported: claims() takes no attribute 'axis'"),
            (dict(op="claims", x=dict(self.x, dtype="int16"), dialect="onnx"), "unsupported: x is int16, not int8 or int4"),
            (dict(op="claims", x=dict(self.x, dtype="int4"), dialect="onnx"),
             "exception: TypeError: the function returned what it does not claim: y is int4, not int8"),
            (dict(op="claims", x=self.x, dialect="onnx", bits=9),
             "exception: TypeError: the function returned what it does not claim: y is int16, not int8"),
        ]  # fmt: skip
        for arguments, message in table:
            self.assertEqual(outputs(**arguments), message)
        missing = case("identity", self.x)
        missing["inputs"] = {}
        self.assertEqual(
            json.loads(answer(json.dumps(missing))),
            {"id": "a", "error": "unsupported: identity() needs 'x'"},
        )
        missing["inputs"] = {"x": self.x, "w": self.x}
        self.assertEqual(
            json.loads(answer(json.dumps(missing)))["error"],
            "unsupported: identity() takes no input 'w'",
        )

    def test_attributes(self):
        line = json.dumps(case("attributes", self.x)).replace(
            '"attributes": {}',
            '"attributes": {"a": 5, "b": 5.0, "c": 1e2, "d": 0.5, "e": "text", "f": [1, 2e0], "g": true}',
        )
        z = json.loads(answer(line))["outputs"]["z"]["data"]
        self.assertEqual(bytes(z).decode(), "a 5b 5c 100d 0.5e 'text'f [1, 2]g 1")
        self.assertEqual(
            outputs("attributes", self.x, refuse="not today"), "unsupported: not today"
        )
        self.assertEqual(outputs("attributes", self.x, fail="a\nb"), "exception: ValueError: a\nb")

    def test_registration(self):
        with self.assertRaises(ValueError):
            subject("f", dtypes="x=float33")(identity)


class Lines(unittest.TestCase):
    good = json.dumps(case("identity", Functions.x))

    def test_malformed(self):
        x = '{"dtype": "int8", "shape": [1], "data": [5]}'

        def with_x(text):
            return self.good.replace(x, text)

        table = [
            ("oops", None), ('{"id": "a"', None), ("[]", None), ("5", None), ("", None), (b"\xff", None),
            ("{" * 100_000, None), ('{"id": "a", "id": "b"}', None), (self.good.replace("[5]", "[NaN]"), None),
            (self.good + "}", None), (self.good.replace('"op"', '"opp"'), "a"), ('{"id": "a", "op": "identity"}', "a"),
            (self.good.replace('"a"', "5"), None), (self.good.replace('"identity"', "5"), "a"),
            (with_x("5"), "a"), (with_x("{}"), "a"), (with_x('{"dtype": "int9", "shape": [], "data": [1]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [2], "data": [1]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [-1], "data": []}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1.5], "data": [1]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "data": [1], "base64": "AA=="}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "base64": "A"}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "base64": "AA= ="}'), "a"),
            (with_x('{"dtype": "int16", "shape": [1], "base64": "AA=="}'), "a"),
            (with_x('{"dtype": "int4", "shape": [1], "base64": "CA=="}'), "a"),
            (with_x('{"dtype": "bool", "shape": [1], "base64": "Ag=="}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "data": [null]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "data": [true]}'), "a"),
            (with_x('{"dtype": "int8", "shape": [1], "data": 1}'), "a"),
            (self.good.replace('"attributes": {}', '"attributes": {"a": null}'), "a"),
            (self.good.replace('"attributes": {}', '"attributes": {"a": [0.5]}'), "a"),
            (self.good.replace('"attributes": {}', '"attributes": []'), "a"),
        ]  # fmt: skip
        for line, identifier in table:
            answered = json.loads(answer(line))
            self.assertEqual(answered["id"], identifier, line)
            self.assertTrue(answered["error"].startswith("malformed: "), (line[:200], answered))
        self.assertIn(
            "outputs", json.loads(answer(with_x('{"dtype": "bool", "shape": [1], "data": [true]}')))
        )

    def test_the_case_comes_back(self):
        line = self.good.replace("[5]", "[5.000]").replace('"a"', '"\\u00e9"') + "  "
        self.assertTrue(answer(line).startswith(line.rstrip()[:-1]))
        old = (
            line.rstrip()[:-1]
            + ', "outputs": {"y": {"dtype": "int8", "shape": [1], "data": [null]}}, "note": "n"}'
        )
        self.assertEqual(answer(old).count("outputs"), 1)
        self.assertIn("[5.000]", answer(old))
        self.assertEqual(json.loads(answer(old))["outputs"]["y"]["data"], [5])


PROGRAM = """
import os, sys
print("before run")
from qverify_adapter import run, subject
@subject("identity")
def identity(x):
    print("in Python")
    os.write(1, b"by descriptor\\n")
    os.system("echo from a process")
    assert sys.stdin.read() == ""
    return x
run()
"""


class Process(unittest.TestCase):
    # Without this, what is printed before run() would not wait in the buffer.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

    def start(self, errors):
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=pipe, stdout=pipe, stderr=errors, env=self.environment,
        )  # fmt: skip

    def test_protocol(self):
        # All is written before anything is read: more than any pipe holds.
        data = ", ".join(["1"] * 2000)
        x = '{"dtype": "int8", "shape": [2000], "data": [' + data + "]}"
        lines = []
        for index in range(200):
            lines.append(json.dumps(case("identity", Functions.x)).replace('"a"', f'"{index}"', 1))
            lines[-1] = lines[-1].replace(json.dumps(Functions.x), x)
        lines[50:50] = ["oops", "", "  "]
        with tempfile.TemporaryFile() as errors, self.start(errors) as process:
            process.stdin.write("\n".join(lines).encode())
            process.stdin.close()
            answers = process.stdout.read().decode().splitlines()
            process.wait()
            errors.seek(0)
            printed = errors.read()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(answers), 201)
        identifiers = [json.loads(line)["id"] for line in answers]
        self.assertEqual(
            identifiers, [str(i) for i in range(50)] + [None] + [str(i) for i in range(50, 200)]
        )
        self.assertIn(b"before run", printed)
        self.assertEqual(printed.count(b"by descriptor"), 200)
        self.assertEqual(printed.count(b"from a process"), 200)

    def test_each_answer_is_flushed(self):
        with self.start(subprocess.DEVNULL) as process:
            for _ in range(3):
                process.stdin.write(Lines.good.encode() + b"\n")
                process.stdin.flush()
                self.assertIn("outputs", json.loads(process.stdout.readline()))
            # Nobody reads any more: the process ends without a word.
            process.stdout.close()
            process.stdin.write(Lines.good.encode() + b"\n")
            process.stdin.close()
            self.assertEqual(process.wait(), 0)


if __name__ == "__main__":
    unittest.main()
