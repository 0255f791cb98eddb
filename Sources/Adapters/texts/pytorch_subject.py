# PyTorch as a subject of qverify: eager quantize, dequantize and fake quantize, in dialect pytorch.
#
#   pip install torch numpy --extra-index-url https://download.pytorch.org/whl/cpu
#   qverify adapter python --output qverify_adapter.py
#   qverify adapter pytorch --output pytorch_subject.py
#   qverify fuzz --ops quantize,dequantize,fake_quantize --dialect pytorch \
#     --subject "cmd:python3 pytorch_subject.py"
import torch

from qverify_adapter import Unsupported, run, subject

TYPES = {"uint8": torch.quint8, "int8": torch.qint8, "int32": torch.qint32}


def channels(parameter, x, axis):
    """A parameter of each channel, as a tensor: one element stands for all."""
    return torch.from_numpy(parameter).reshape(-1).expand(x.shape[axis])


@subject("quantize", dialects="pytorch", dtypes="x=float32 scale=float32 y=uint8,int8,int32")
def quantize(x, scale, zero_point=None, axis=None, output_dtype="uint8"):
    dtype = TYPES[output_dtype if zero_point is None else zero_point.dtype.name]
    x = torch.from_numpy(x)
    if axis is None:
        q = torch.quantize_per_tensor(x, float(scale), int(zero_point or 0), dtype)
    else:
        q = torch.quantize_per_channel(
            x, channels(scale, x, axis), channels(zero_point, x, axis), axis, dtype
        )
    return q.int_repr().numpy()


@subject("dequantize", dialects="pytorch", dtypes="x=uint8,int8,int32 scale=float32")
def dequantize(x, scale, zero_point=None, axis=None):
    x = torch.from_numpy(x)
    if axis is None:
        q = torch._make_per_tensor_quantized_tensor(x, float(scale), int(zero_point or 0))
    else:
        q = torch._make_per_channel_quantized_tensor(
            x, channels(scale, x, axis), channels(zero_point, x, axis), axis
        )
    return q.dequantize().numpy()


@subject("fake_quantize", dialects="pytorch", dtypes="x=float32 scale=float32 zero_point=int32")
def fake_quantize(x, scale, zero_point, qmin, qmax, axis=None):
    x = torch.from_numpy(x)
    if axis is None:
        y, mask = torch.fake_quantize_per_tensor_affine_cachemask(
            x, float(scale), int(zero_point), qmin, qmax
        )
    else:
        y, mask = torch.ops.aten.fake_quantize_per_channel_affine_cachemask(
            x, channels(scale, x, axis), channels(zero_point, x, axis), axis, qmin, qmax
        )
    return {"y": y.numpy(), "mask": mask.numpy()}


run()
