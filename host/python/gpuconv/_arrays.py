"""Shapes, dtypes and kinds of arrays: what stands between a caller's array and the library."""

import sys

import numpy

_CPU = (1, 3)  # DLPack's numbers for memory of the host; 3 is page-locked


def _describe(array):
    return f"dtype {array.dtype}, shape {tuple(array.shape)}"


class Kind:
    """The library whose arrays a caller uses: results are of the same kind."""

    def __init__(self, array):
        top = type(array).__module__.partition(".")[0]
        self.name = {"jaxlib": "jax"}.get(top, top)
        self.array = array

    def wrap(self, result):
        """A NumPy array as one of this kind; shares its memory where the kind allows that."""
        if self.name == "numpy":
            return result
        if self.name == "torch":
            return sys.modules["torch"].from_numpy(result)
        if self.name == "jax":
            return sys.modules["jax"].numpy.asarray(result)
        return self.array.__array_namespace__().from_dlpack(result)


def samples_of(array, name, dims):
    """`array` as C-contiguous float32 in host memory, and its kind. `dims` names its last axes, of
    which none may be empty. Nothing is converted but the layout."""
    if not isinstance(array, numpy.ndarray):
        if not hasattr(array, "__dlpack__"):
            raise TypeError(
                f"{name}: {type(array).__name__} is not an array (NumPy, or anything with "
                f"__dlpack__); use numpy.asarray({name}, numpy.float32)"
            )
    if str(array.dtype).rpartition(".")[2] != "float32":
        raise TypeError(
            f"{name}: {_describe(array)}: float32 is needed; use {name}.astype(numpy.float32)"
        )
    shape = tuple(array.shape)
    if len(shape) < len(dims) or 0 in shape[len(shape) - len(dims) :]:
        raise ValueError(f"{name}: shape {shape}, needs (..., {', '.join(dims)}) with none empty")
    kind = Kind(array)
    if not isinstance(array, numpy.ndarray):
        array = _host_view(array, name)
    return numpy.require(array, requirements=["C", "A"]), kind


def _host_view(array, name):
    if getattr(array, "requires_grad", False):
        raise TypeError(
            f"{name}: {_describe(array)} requires a gradient: use gpuconv.torch.convolve, "
            f"or {name}.detach()"
        )
    return numpy.from_dlpack(array)


def is_on_gpu(array):
    return (
        not isinstance(array, numpy.ndarray)
        and hasattr(array, "__dlpack_device__")
        and array.__dlpack_device__()[0] not in _CPU
    )


def lead_shape(x_shape, response_shape):
    """What the axes before N and before (2, K) make together, by NumPy's rules."""
    try:
        return numpy.broadcast_shapes(x_shape[:-1], response_shape[:-2])
    except ValueError:
        raise ValueError(
            f"x: shape {tuple(x_shape)}, response: shape {tuple(response_shape)}: the axes before "
            f"N and before (2, K) do not broadcast"
        ) from None


def result_for(out, shape, x):
    """The array to compute into, and the one to return: `out`, or a new one."""
    if out is None:
        made = numpy.empty(shape, numpy.float32)
        return made, None
    target = out if isinstance(out, numpy.ndarray) else _writable_view(out)
    if target.dtype != numpy.float32 or target.shape != shape:
        raise ValueError(f"out: {_describe(out)}, needs dtype float32, shape {shape}")
    if not target.flags.writeable:
        raise ValueError(f"out: {_describe(out)} is read-only")
    if numpy.may_share_memory(target, x):
        raise ValueError(f"out: {_describe(out)} shares memory with x, shape {x.shape}")
    if target.flags.c_contiguous and target.flags.aligned:
        return target, out
    return numpy.empty(shape, numpy.float32), out


def _writable_view(out):
    if Kind(out).name == "torch" and out.device.type == "cpu":
        return out.detach().numpy()
    raise TypeError(f"out: {type(out).__name__} cannot be written in place; use a NumPy array")
