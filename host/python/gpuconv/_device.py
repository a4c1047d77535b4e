"""Arrays on a CUDA device: no copy, no wait, on the caller's stream."""

import numpy

from . import _arrays, _gpuconv


def _stream_of(kind):
    if kind.name == "torch":
        return kind.module.cuda.current_stream(kind.array.device).cuda_stream
    return kind.module.cuda.get_current_stream().ptr


def _capsule(array, stream):
    # DLPack's 1 is the legacy default stream, which has no number of its own.
    return array.__dlpack__(stream=stream or 1)


def convolve(plans, plans_shape, x, out):
    """Queues the convolution of x, an array of CuPy or PyTorch; returns the result."""
    kind = _arrays.check(x, "x", ("N",))
    if kind.name not in ("torch", "cupy"):
        raise TypeError(
            f"x: {_arrays.describe(x)}: arrays of {kind.name} on a GPU are not supported; "
            f"CuPy and PyTorch are"
        )
    device = x.__dlpack_device__()[1]
    if plans[0].device() != device:
        raise ValueError(
            f"x: {_arrays.describe(x)} is on cuda:{device}, the plan on "
            f"cuda:{plans[0].device()}; use device='cuda:{device}'"
        )
    N, K = x.shape[-1], plans[0].taps
    lead = _arrays.lead_shape(tuple(x.shape), (*plans_shape, 2, K))
    shape = (*lead, 2, N + K - 1)
    if out is None:
        out = kind.empty(shape)
    elif tuple(out.shape) != shape or not kind.is_contiguous(out):
        raise ValueError(f"out: {_arrays.describe(out)}, needs C-contiguous float32, shape {shape}")
    numbers = numpy.broadcast_to(numpy.arange(len(plans)).reshape(plans_shape), lead).ravel()
    stream = _stream_of(kind)
    source = kind.contiguous(x, (*lead, N))
    _gpuconv.enqueue(
        [plans[i] for i in numbers], _capsule(source, stream), _capsule(out, stream), stream
    )
    return out
