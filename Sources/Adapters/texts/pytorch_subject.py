# pip install torch numpy
# qverify fuzz --ops quantize,dequantize,fake_quantize --dialect pytorch \
#   --subject "cmd:python3 pytorch_subject.py"
#
# Eager PyTorch as a subject of qverify. `qverify adapter python --output qverify_adapter.py` writes
# the module that this needs.
#
# The dialect pytorch is that of PyTorch 2.13. PyTorch 2.15 adds the zero point of quantize after
# the rounding, so expect mismatches of quantize there.
import torch

from qverify_adapter import run, subject

TYPES = {"uint8": torch.quint8, "int8": torch.qint8, "int32": torch.qint32}
torch.set_num_threads(1)


def parameters(x, scale, zero_point, axis):
    """Scale and zero point as PyTorch takes them: numbers, or a tensor each and an axis."""
    zero_point = torch.tensor([0] if zero_point is None else zero_point)
    if axis is None:
        return scale.item(), zero_point.item()
    channels = x.shape[axis]
    return torch.tensor(scale).expand(channels), zero_point.expand(channels), axis % x.ndim


@subject("quantize", dialects="pytorch", dtypes="x=float32 scale=float32 y=uint8,int8,int32")
def quantize(x, scale, zero_point=None, axis=None, output_dtype="uint8"):
    function = torch.quantize_per_tensor if axis is None else torch.quantize_per_channel
    dtype = TYPES[output_dtype if zero_point is None else str(zero_point.dtype)]
    return function(torch.tensor(x), *parameters(x, scale, zero_point, axis), dtype).int_repr()


@subject("dequantize", dialects="pytorch", dtypes="x=uint8,int8,int32 scale=float32 y=float32")
def dequantize(x, scale, zero_point=None, axis=None):
    kind = "tensor" if axis is None else "channel"
    function = getattr(torch, f"_make_per_{kind}_quantized_tensor")
    return function(torch.tensor(x), *parameters(x, scale, zero_point, axis)).dequantize()


@subject("fake_quantize", dialects="pytorch", dtypes="x=float32,float16 scale=float32")
def fake_quantize(x, scale, zero_point, qmin, qmax, axis=None):
    kind = "tensor" if axis is None else "channel"
    function = getattr(torch.ops.aten, f"fake_quantize_per_{kind}_affine_cachemask")
    y, mask = function(torch.tensor(x), *parameters(x, scale, zero_point, axis), qmin, qmax)
    return {"y": y, "mask": mask}


run()
