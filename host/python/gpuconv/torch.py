"""gpuconv.torch.convolve: the convolution as an operator of PyTorch, torch.ops.gpuconv.convolve."""

import torch

from ._gradients import check, gradients
from ._plan import Plan


def _total(array, shape):
    return array.sum_to_size(shape)


@torch.library.custom_op("gpuconv::convolve", mutates_args=())
def _convolve(x: torch.Tensor, response: torch.Tensor, method: str) -> torch.Tensor:
    device = f"cuda:{x.device.index}" if x.device.type == "cuda" else "cpu"
    return Plan(response.detach(), method, device)(x.detach())


@_convolve.register_fake
def _(x, response, method):
    lead, frames = check(x, response)
    return x.new_empty((*lead, 2, frames))


def _save(ctx, inputs, output):
    x, response, ctx.method = inputs
    ctx.save_for_backward(x, response)


def _backward(ctx, g):
    x, response = ctx.saved_tensors
    dx, dh = gradients(
        lambda a, b: _convolve(a, b, ctx.method), lambda a: a.flip(-1), _total, x, response, g
    )
    return dx, dh, None


_convolve.register_autograd(_backward, setup_context=_save)


@_convolve.register_vmap
def _(info, in_dims, x, response, method):
    # The mapped axis comes first, before all others that the two have.
    x_rank = x.dim() - 1 - (in_dims[0] is not None)
    response_rank = response.dim() - 2 - (in_dims[1] is not None)
    rank = max(x_rank, response_rank)

    def first(tensor, axis, own_rank):
        if axis is None:
            return tensor
        tensor = tensor.movedim(axis, 0)
        ones = (1,) * (rank - own_rank)
        return tensor.reshape(tensor.shape[0], *ones, *tensor.shape[1:])

    return (
        _convolve(
            first(x, in_dims[0], x_rank), first(response, in_dims[1], response_rank), method
        ),
        0,
    )


def convolve(x, response, *, method="auto"):
    """gpuconv.convolve for tensors: may be compiled, differentiated (any number of times) and
    mapped by torch.vmap.

    x (..., N) float32, response (2, K) or (..., 2, K) float32, both on one device ->
    (..., 2, N+K-1) float32 there. On a CUDA device the result is queued in the current stream.
    Raises TypeError and ValueError for dtypes and shapes, and as gpuconv.Plan does.
    """
    check(x, response)
    if x.device != response.device:
        raise ValueError(f"x: device {x.device}, response: device {response.device}")
    return _convolve(x, response, method)
