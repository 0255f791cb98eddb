"""Writes a case for each type, and for each shape that is special: `x` in base64, `y` as answered."""

import base64
import json

from qverify_adapter import Tensor, answer, data_type, subject
from test_adapter import DTYPES, all_codes


@subject("echo")
def echo(x):
    return x


for dtype in DTYPES:
    codes = all_codes(dtype)
    form = data_type(dtype).format
    finite = [code for code in codes if not form or form.decode(code) == form.decode(code)]
    for shape, elements in [
        ([len(codes)], codes),
        ([len(finite), 1], finite),
        ([0, 3], []),
        ([], codes[:1]),
        ([2, 2500], (codes * 5000)[:5000]),
    ]:
        x = {"dtype": dtype, "shape": shape}
        x["base64"] = base64.b64encode(Tensor(dtype, shape, elements)._bytes).decode()
        case = {"id": f"{dtype} {shape}", "op": "echo", "dialect": "ideal", "inputs": {"x": x}}
        print(answer(json.dumps(case)))
