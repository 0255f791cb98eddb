"""A process that answers quantize in onnx, or, with a fault named, misbehaves on long tensors."""
import json
import math
import os
import struct
import sys
import time

fault = sys.argv[1] if len(sys.argv) > 1 else ""


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def number(value):
    if not isinstance(value, str):
        return float32(float(value))
    return float(value) if value in ("nan", "inf", "-inf") else float.fromhex(value)


def level(x, scale, zero, low, high):
    if math.isnan(x):
        return 0
    try:
        quotient = float32(x / scale)
    except OverflowError:
        quotient = math.copysign(math.inf, x)
    if math.isinf(quotient):
        return high if quotient > 0 else low
    rounded = math.floor(quotient + 0.5) if fault == "half-up" else round(quotient)
    return max(low, min(high, rounded + zero))


def outputs(case):
    if case["op"] != "quantize" or case["dialect"] != "onnx":
        return None
    x, scale = case["inputs"]["x"], case["inputs"]["scale"]
    zero = case["inputs"].get("zero_point")
    if "data" not in x or not zero or case.get("attributes") or zero["dtype"] not in ("int8", "uint8"):
        return None
    if x["dtype"] != "float32" or scale["dtype"] != "float32" or len(scale["data"]) != 1:
        return None
    low, high = (-128, 127) if zero["dtype"] == "int8" else (0, 255)
    scale, zero_point = number(scale["data"][0]), zero["data"][0]
    levels = [level(number(v), scale, zero_point, low, high) for v in x["data"]]
    return {"y": {"dtype": zero["dtype"], "shape": x["shape"], "data": levels}}


if fault == "banner":
    print("loading weights", flush=True)
for line in sys.stdin:
    case = json.loads(line)
    result = outputs(case)
    if result is None:
        print(json.dumps({"id": case["id"], "error": "unsupported: not this"}), flush=True)
        continue
    answer = {"id": case["id"], "outputs": result}
    if len(result["y"]["data"]) > 5:
        if fault == "garbage":
            print("hello", flush=True)
        if fault == "shape":
            result["y"]["shape"] = [1] + result["y"]["shape"]
        if fault == "dtype":
            result["y"]["dtype"] = "int32"
        if fault == "crash":
            os.kill(os.getpid(), 11)
        if fault == "exit":
            sys.exit(3)
        if fault == "hang":
            time.sleep(1000)
        if fault == "order":
            answer["id"] = str(int(case["id"]) + 1)
        if fault == "wrong":
            answer["id"] = "nobody"
        if fault == "twice":
            print(json.dumps(answer), flush=True)
        if fault == "close":
            os.close(1)
            time.sleep(1000)
        if fault == "null":
            result["y"]["data"][0] = None
        if fault == "nothing":
            del answer["outputs"]
        if fault == "surplus":
            result["z"] = result["y"]
        if fault == "error":
            answer = {"id": case["id"], "error": "exception: ValueError"}
    print(json.dumps(answer), flush=True)
