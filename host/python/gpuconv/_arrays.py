"""Shapes, dtypes and kinds of arrays: what stands between a caller's array and the library."""

import sys

import numpy

_ON_HOST = (1, 3)  # DLPack's numbers for memory of the host; 3 is page-locked


def describe(array):
    return f"dtype {array.dtype}, shape {tuple(array.shape)}"


class Kind:
    """The library whose arrays a caller uses: results are of the same kind."""

    def __init__(self, array):
        top = type(array).__module__.partition(".")[0]
        self.name = {"jaxlib": "jax"}.get(top, top)
        self.array = array

    @property
    def module(self):
        return sys.modules[self.name]

    def wrap(self, result):
        """A NumPy array as one of this kind; shares its memory where the kind allows that."""
        if self.name == "numpy":
            return result
        if self.name == "torch":
            return self.module.from_numpy(result)
        if self.name == "jax":
            return self.module.numpy.asarray(result)
        return self.array.__array_namespace__().from_dlpack(result)

    # Of CuPy and PyTorch, on a device:

    def empty(self, shape):
        device = {"device": self.array.device} if self.name == "torch" else {}
        return self.module.empty(shape, dtype=self.module.float32, **device)

    def is_contiguous(self, array):
        return array.is_contiguous() if self.name == "torch" else array.flags.c_contiguous

    def contiguous(self, array, shape):
        array = self.module.broadcast_to(array, shape)
        return (
            array.contiguous() if self.name == "torch" else self.module.ascontiguousarray(array)
        )


def check(array, name, dims):
    """The kind of `array`, which is float32 and whose last axes, named by `dims`, are not empty.
    Raises TypeError and ValueError."""
    if not isinstance(array, numpy.ndarray) and not hasattr(array, "__dlpack__"):
        raise TypeError(
            f"{name}: {type(array).__name__} is not an array (NumPy, or anything with "
            f"__dlpack__); use numpy.asarray({name}, numpy.float32)"
        )
    if str(array.dtype).rpartition(".")[2] != "float32":
        raise TypeError(
            f"{name}: {describe(array)}: float32 is needed; use {name}.astype(numpy.float32)"
        )
    shape = tuple(array.shape)
    if len(shape) < len(dims) or 0 in shape[len(shape) - len(dims) :]:
        raise ValueError(f"{name}: shape {shape}, needs (..., {', '.join(dims)}) with none empty")
    return Kind(array)


def samples_of(array, name, dims):
    """`array` as C-contiguous float32 in host memory, and its kind. `dims` names its last axes, of
    which none may be empty. Nothing is converted but the layout."""
    kind = check(array, name, dims)
    if not isinstance(array, numpy.ndarray):
        array = _host_view(array, name)
    return numpy.require(array, requirements=["C", "A"]), kind


def _host_view(array, name):
    if getattr(array, "requires_grad", False):
        raise TypeError(
            f"{name}: {describe(array)} requires a gradient: use gpuconv.torch.convolve, "
            f"or {name}.detach()"
        )
    if is_on_device(array):
        return array.cpu().numpy() if Kind(array).name == "torch" else array.get()
    return numpy.from_dlpack(array)


def is_on_device(array):
    return (
        not isinstance(array, numpy.ndarray)
        and hasattr(array, "__dlpack_device__")
        and array.__dlpack_device__()[0] not in _ON_HOST
    )


def lead_shape(x_shape, response_shape):
    """What the axes before N and before (2, K) make together, by NumPy's rules."""
    try:
        return numpy.broadcast_shapes(tuple(x_shape[:-1]), tuple(response_shape[:-2]))
    except ValueError:
        raise ValueError(
            f"x: shape {tuple(x_shape)}, response: shape {tuple(response_shape)}: the axes before "
            f"N and before (2, K) do not broadcast"
        ) from None


def target_for(out, shape, x):
    """The array to compute into: that of `out`, or a new one if there is none or it cannot serve.
    Raises TypeError and ValueError."""
    if out is None:
        return numpy.empty(shape, numpy.float32)
    view = writable_view(out)
    if view.dtype != numpy.float32 or view.shape != shape:
        raise ValueError(f"out: {describe(out)}, needs dtype float32, shape {shape}")
    if not view.flags.writeable:
        raise ValueError(f"out: {describe(out)} is read-only")
    if numpy.may_share_memory(view, x):
        raise ValueError(f"out: {describe(out)} shares memory with x, shape {x.shape}")
    if view.flags.c_contiguous and view.flags.aligned:
        return view
    return numpy.empty(shape, numpy.float32)


def returned(kind, target, out):
    """What the caller gets of `target`, which target_for() has made for `out`."""
    if out is None:
        return kind.wrap(target)
    if not numpy.may_share_memory(target, writable_view(out)):
        writable_view(out)[...] = target
    return out


def writable_view(out):
    if isinstance(out, numpy.ndarray):
        return out
    if Kind(out).name == "torch" and out.device.type == "cpu":
        return out.detach().numpy()
    raise TypeError(f"out: {type(out).__name__} cannot be written in place; use a NumPy array")
