# ONNX Runtime as a subject of qverify: one node of a model for each operation, in dialect onnx.
#
#   pip install onnxruntime numpy
#   qverify adapter python --output qverify_adapter.py
#   qverify adapter onnxruntime --output onnxruntime_subject.py
#   qverify fuzz --ops quantize,dequantize,conv2d,matmul,qconv2d,qmatmul --dialect onnx \
#     --subject "cmd:python3 onnxruntime_subject.py"
from functools import lru_cache

import onnxruntime

from qverify_adapter import Unsupported, run, subject

WINDOW = "kernel_shape strides pads dilations group auto_pad"
# The node of an operation, its inputs in their order, and its attributes.
NODES = {
    "quantize": ("QuantizeLinear", "x scale zero_point", "axis block_size saturate"),
    "dequantize": ("DequantizeLinear", "x scale zero_point", "axis block_size"),
    "conv2d": ("ConvInteger", "x w x_zero_point w_zero_point", WINDOW),
    "matmul": ("MatMulInteger", "a b a_zero_point b_zero_point", ""),
    "qconv2d": (
        "QLinearConv",
        "x x_scale x_zero_point w w_scale w_zero_point y_scale y_zero_point bias",
        WINDOW,
    ),
    "qmatmul": (
        "QLinearMatMul",
        "a a_scale a_zero_point b b_scale b_zero_point y_scale y_zero_point",
        "",
    ),
}
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "float16": 10}


def varint(value):
    return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])


def field(number, value):
    """A field of a protobuf message; the numbers are those of onnx.proto."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, tuple):
        return field(1, name) + field(20, 7) + b"".join(field(8, element) for element in value)
    return field(1, name) + (
        field(20, 2) + field(3, value) if isinstance(value, int) else field(20, 3) + field(4, value)
    )


@lru_cache(maxsize=None)
def session(node, inputs, attributes):
    """A model of one node, without the onnx package."""
    graph = (
        field(4, node) + b"".join(field(5, attribute(*pair)) for pair in attributes) + field(2, "y")
    )
    graph = (
        field(1, graph + b"".join(field(1, name) for name, dtype in inputs))
        + field(2, node)
        + field(12, field(1, "y"))
    )
    for name, dtype in inputs:
        if dtype:
            graph += field(11, field(1, name) + field(2, field(1, field(1, TYPES[dtype]))))
    return onnxruntime.InferenceSession(field(1, 10) + field(7, graph) + field(8, field(2, 21)))


def register(operation, node, inputs, attributes):
    @subject(operation, dialects="onnx")
    def evaluate(**case):
        names = inputs.split()
        case.pop("output_dtype", None)
        for name in case:
            if name not in names + attributes.split():
                raise Unsupported(f"{node} has no {name}")
        tensors = {n: case.pop(n) for n in names if n in case}
        tensors = {
            n: t.reshape(()) if n not in "xwab" and t.size == 1 else t for n, t in tensors.items()
        }
        types = tuple((n, tensors[n].dtype.name) if n in tensors else ("", "") for n in names)
        case = tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in case.items())
        return session(node, types, case).run(None, tensors)[0]


for operation, node in NODES.items():
    register(operation, *node)
run()
