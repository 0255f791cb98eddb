# pip install onnxruntime numpy
# qverify fuzz --ops quantize,dequantize,conv2d,matmul,qconv2d,qmatmul --dialect onnx \
#   --subject "cmd:python3 onnxruntime_subject.py"
#
# ONNX Runtime as a subject of qverify: each case becomes a model of one node. `qverify adapter python
# --output qverify_adapter.py` writes the module that this needs; the onnx package is not needed.
#
# What ONNX Runtime itself refuses is answered `unsupported`. float16 is left out: it computes in
# float32 there, the specification in float16. On a CPU with AVX2 but without VNNI expect mismatches
# of conv2d, matmul, qconv2d and qmatmul: its 8-bit products saturate in pairs.
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from qverify_adapter import Unsupported, run, subject

# A model as the bytes of an onnx.ModelProto; the numbers are those of onnx.proto.

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6}


def varint(value):
    return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])


def field(number, value):
    """A field of a message: an integer, text, another message; a list is a repeated field."""
    if isinstance(value, list):
        return b"".join(field(number, element) for element in value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value % 2**64)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    value = TYPES[value] if name == "output_dtype" else value
    kind, number = {int: (2, 3), str: (3, 4), list: (7, 8)}[type(value)]
    return field(1, name) + field(20, kind) + field(number, value)


def model(operator, names, tensors, attributes):
    """A graph that is one node; a name for each of its inputs, empty where it is left out."""
    types = [
        field(1, n) + field(2, field(1, field(1, TYPES[str(t.dtype)]))) for n, t in tensors.items()
    ]
    node = field(1, names) + field(2, "y") + field(4, operator) + field(5, attributes)
    graph = field(1, node) + field(2, operator) + field(11, types) + field(12, field(1, "y"))
    return field(1, 10) + field(7, graph) + field(8, field(2, 23))


# What attaches it.

WINDOW = "kernel_shape strides pads dilations group auto_pad"
OPERANDS = "{0} {0}_scale {0}_zero_point {1} {1}_scale {1}_zero_point y_scale y_zero_point"
REFUSALS = (state.NotImplemented, state.InvalidArgument, state.InvalidGraph, state.Fail)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.log_severity_level = 1, 4


def register(operation, operator, inputs, attributes):
    @subject(operation, dialects="onnx")
    def evaluate(layout="NCHW", **case):
        tensors = {name: case.pop(name) for name in inputs.split() if name in case}
        types = {str(tensor.dtype) for tensor in tensors.values()}
        types.add(case.get("output_dtype", "int8"))
        if types - set(TYPES) or set(case) - set(attributes.split()) or layout != "NCHW":
            raise Unsupported(f"{operator} of {sorted(types)} with {sorted(case)} in {layout}")
        names = [name if name in tensors else "" for name in inputs.split()]
        given = [attribute(name, value) for name, value in case.items()]
        try:
            session = onnxruntime.InferenceSession(model(operator, names, tensors, given), options)
            return session.run(None, tensors)[0]
        except REFUSALS as error:
            raise Unsupported(error) from None


register("quantize", "QuantizeLinear", "x scale zero_point", "axis block_size output_dtype")
register("dequantize", "DequantizeLinear", "x scale zero_point", "axis block_size")
register("conv2d", "ConvInteger", "x w x_zero_point w_zero_point", WINDOW)
register("matmul", "MatMulInteger", "a b a_zero_point b_zero_point", "")
register("qconv2d", "QLinearConv", OPERANDS.format("x", "w") + " bias", WINDOW)
register("qmatmul", "QLinearMatMul", OPERANDS.format("a", "b"), "")
run()
