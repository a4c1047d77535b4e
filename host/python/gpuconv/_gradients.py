"""What gpuconv.jax and gpuconv.torch share: shapes, and gradients that are convolutions, too.

With y = x * h (an ear), and ~ for a signal reversed:

    dx = (g * ~h)[K-1 : K-1+N], summed over the ears
    dh = (~x * g)[N-1 : N-1+K]

The second has the gradient g of both ears in the role of the response, so one call serves both.
"""

from ._arrays import lead_shape


def check(x, response):
    """Raises TypeError or ValueError; returns the axes before (2, N+K-1), and N+K-1."""
    for array, name in ((x, "x"), (response, "response")):
        if str(array.dtype).rpartition(".")[2] != "float32":
            raise TypeError(
                f"{name}: dtype {array.dtype}, shape {tuple(array.shape)}: float32 is needed; "
                f"use {name}.astype(numpy.float32)"
            )
    if len(x.shape) < 1 or x.shape[-1] == 0:
        raise ValueError(f"x: shape {tuple(x.shape)}, needs (..., N) with N >= 1")
    if len(response.shape) < 2 or response.shape[-2] != 2 or response.shape[-1] == 0:
        raise ValueError(f"response: shape {tuple(response.shape)}, needs (..., 2, K) with K >= 1")
    return lead_shape(x.shape, response.shape), x.shape[-1] + response.shape[-1] - 1


def gradients(convolve, flip, total, x, response, g):
    """Gradients of x and response, by `convolve`, so that they have gradients again. `flip`
    reverses the last axis, `total(array, shape)` sums over the axes that were broadcast."""
    N, K = x.shape[-1], response.shape[-1]
    reversed_response = flip(response)
    dx = 0
    for ear in (0, 1):
        dx = dx + convolve(g[..., ear, :], reversed_response)[..., ear, K - 1 : K - 1 + N]
    dh = convolve(flip(x), g)[..., N - 1 : N - 1 + K]
    return total(dx, x.shape), total(dh, response.shape)
