"""Reads lines of a dtype and a text; writes the code of each, or `malformed`."""

import sys

from qverify_adapter import Malformed, _float_code, _integer_code, data_type

for line in sys.stdin.read().split("\n"):
    name, text = line.split("\t")
    dtype = data_type(name)
    try:
        code = (_float_code if dtype.format else _integer_code)(text, dtype)
        # qverify holds the encoding of a float64 in a signed integer.
        print(code - 2**64 if dtype.format and code >= 2**63 else code)
    except Malformed:
        print("malformed")
