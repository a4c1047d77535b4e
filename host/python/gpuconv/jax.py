"""gpuconv.jax.convolve: the convolution for JAX on a CPU, with jit, grad and vmap."""

import functools

import jax
import jax.numpy as jnp

from . import _gpuconv
from ._gradients import check, gradients

_TARGET = "gpuconv_convolve"
jax.ffi.register_ffi_target(_TARGET, _gpuconv.xla_convolve(), platform="cpu")


def _raised(array, rank):
    """The array with axes of length 1 before its own."""
    return array.reshape((1,) * (rank - array.ndim) + array.shape)


def _total(array, shape):
    """Summed over the axes that were broadcast from `shape`."""
    array = array.sum(tuple(range(array.ndim - len(shape))))
    axes = tuple(i for i, size in enumerate(shape) if size == 1 and array.shape[i] != 1)
    return array.sum(axes, keepdims=True)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(x, response, method):
    lead, frames = check(x, response)
    call = jax.ffi.ffi_call(
        _TARGET,
        jax.ShapeDtypeStruct((*lead, 2, frames), jnp.float32),
        vmap_method="expand_dims",
    )
    rank = len(lead)
    return call(_raised(x, rank + 1), _raised(response, rank + 2), method=method)


def _forward(x, response, method):
    return _convolve(x, response, method), (x, response)


def _backward(method, saved, g):
    x, response = saved
    flip = functools.partial(jnp.flip, axis=-1)
    return gradients(lambda a, b: _convolve(a, b, method), flip, _total, x, response, g)


_convolve.defvjp(_forward, _backward)


def convolve(x, response, *, method="auto"):
    """gpuconv.convolve for JAX arrays: may be traced, differentiated (in reverse, any number of
    times) and mapped.

    x (..., N) float32, response (2, K) or (..., 2, K) float32 -> (..., 2, N+K-1) float32. `method`
    is one for the CPU, or "auto". Raises TypeError and ValueError for dtypes and shapes; what is
    wrong with samples (NaN, overflow) is an error when the computation runs.
    """
    x, response = jnp.asarray(x), jnp.asarray(response)
    check(x, response)
    return _convolve(x, response, method)
