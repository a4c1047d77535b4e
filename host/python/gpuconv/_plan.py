"""Plan, Stream and convolve."""

from __future__ import annotations

from typing import Any

import numpy

from . import _arrays, _device, _gpuconv
from ._files import Response

Array = Any  # NumPy, or anything with DLPack


def _checked_response(response):
    if isinstance(response, Response):
        response = response.samples
    taps, _ = _arrays.samples_of(response, "response", ("2", "K"))
    if taps.shape[-2] != 2:
        raise ValueError(
            f"response: shape {taps.shape}, needs (..., 2, K): a row for the left and one for the "
            f"right ear"
        )
    return taps


class Stream:
    """Frames of a source that comes in blocks; made by Plan.stream(). One thread at a time."""

    def __init__(self, stream):
        self._stream = stream

    def push(self, x: Array) -> Array:
        """Takes the next samples, x (n,) float32, and returns the frames that are complete,
        (2, m) float32, perhaps with m = 0.

        Frames come many at a time, and the first ones late: cpu-vectorised plans by the first
        262,144 samples. Raises as Plan does; after an error the stream is of no use.
        """
        if getattr(x, "shape", None) == (0,):
            return numpy.empty((2, 0), numpy.float32)
        samples, kind = _arrays.samples_of(x, "x", ("n",))
        if samples.ndim != 1:
            raise ValueError(f"x: shape {samples.shape}, needs (n,)")
        return kind.wrap(self._stream.push(samples))

    def finish(self) -> numpy.ndarray:
        """Returns the rest of the N+K-1 frames, (2, m) float32; none if nothing was pushed."""
        return self._stream.finish()


class Plan:
    """A response with its spectra, for any number of sources.

    response  (2, K) float32, gain per sample of delay, left ear first; or (..., 2, K), a response
              for each source; or a gpuconv.Response
    method    a name of gpuconv.methods(), or "auto": the fastest by estimate for each length
    device    None (any), "cpu", "cuda" or "cuda:N"
    nonfinite NaN and infinity in response or sources: "error", or "zero", which replaces them by 0

    Raises TypeError for another dtype than float32, ValueError for shapes, NaN, or an unknown
    method (gpuconv.UsageError), and RuntimeError if the GPU is missing (gpuconv.GpuError). Threads
    may share a plan.
    """

    def __init__(
        self,
        response: Array | Response,
        method: str = "auto",
        device: str | None = None,
        *,
        nonfinite: str = "error",
    ):
        taps = _checked_response(response)
        self._shape = taps.shape
        self._plans = _gpuconv.make_plans(
            taps.reshape(-1, 2, taps.shape[-1]), method, device, nonfinite
        )
        #: what the latest call did: a dict of method, device, why, and replaced samples
        self.report: dict | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the response: (..., 2, K)."""
        return self._shape

    @property
    def taps(self) -> int:
        """K."""
        return self._shape[-1]

    def choice(self, samples: int) -> dict:
        """What convolves a source of so many samples: a dict of method, device and why."""
        return self._plans[0].choice(samples)

    def __call__(self, x: Array, out: Array = None) -> Array:
        """Convolves x (..., N) float32, linear amplitude, full scale = 1. Returns (..., 2, N+K-1)
        float32, of the kind of x and on its device; `out` receives it, if given.

        An array of CuPy or PyTorch on a GPU is not copied to the host: the work is queued in the
        library's current stream, and nothing looks for NaN.

        Raises TypeError for another dtype, ValueError for shapes that do not fit, for NaN and
        infinity, and where the result overflows.
        """
        if _arrays.is_on_device(x):
            return _device.convolve(self._plans, self._shape[:-2], x, out)
        source, kind = _arrays.samples_of(x, "x", ("N",))
        lead = _arrays.lead_shape(source.shape, self._shape)
        shape = (*lead, 2, source.shape[-1] + self.taps - 1)
        target = _arrays.target_for(out, shape, source)
        self.report = _convolve(self._plans, self._shape[:-2], source, lead, target)
        return _arrays.returned(kind, target, out)

    def mix(self, x: Array, out: Array = None) -> Array:
        """Sums what two ears hear of many voices: x (..., N) float32 and the plan's response
        (..., 2, K) broadcast to one voice for each index of the axes before, all of which are
        summed. Returns (2, N+K-1) float32, of the kind of x and on its device.

        The same as plan(x).sum() over these axes but for rounding, with V + 2 transforms of a
        segment instead of 3 V, and V times less memory. Arrays of a GPU are convolved apart and
        summed there. Raises as the call does.
        """
        if _arrays.is_on_device(x):
            apart = self(x)
            total = apart.reshape(-1, *apart.shape[-2:]).sum(0)
            if out is None:
                return total
            out[...] = total
            return out
        source, kind = _arrays.samples_of(x, "x", ("N",))
        lead = _arrays.lead_shape(source.shape, self._shape)
        shape = (2, source.shape[-1] + self.taps - 1)
        target = _arrays.target_for(out, shape, source)
        clips, of_clips = _voices(self._plans, self._shape[:-2], source, lead)
        if len(of_clips) == 0:
            target[...] = 0
            self.report = None
        else:
            self.report = _gpuconv.mix(of_clips, clips, target)
        return _arrays.returned(kind, target, out)

    def stream(self) -> Stream:
        """A Stream for a source that comes in blocks, of a plan for one response (2, K)."""
        if len(self._plans) != 1:
            raise ValueError(f"response: shape {self._shape}: a stream needs one, (2, K)")
        return Stream(self._plans[0].stream())


def _voices(plans, plans_shape, source, lead):
    """A row of samples and a plan for each index of the axes `lead`."""
    N = source.shape[-1]
    clips = numpy.ascontiguousarray(numpy.broadcast_to(source, (*lead, N))).reshape(-1, N)
    if len(plans) == 1:
        return clips, plans * len(clips)
    numbers = numpy.arange(len(plans)).reshape(plans_shape)
    return clips, [plans[i] for i in numpy.broadcast_to(numbers, lead).ravel()]


def _convolve(plans, plans_shape, source, lead, target):
    """Each clip by its plan, into `target`."""
    if target.size == 0:
        return None
    clips, of_clips = _voices(plans, plans_shape, source, lead)
    return _gpuconv.convolve(of_clips, clips, target.reshape(len(clips), 2, -1))


def convolve(
    x: Array,
    response: Array | Response,
    *,
    method: str = "auto",
    device: str | None = None,
    out: Array = None,
    nonfinite: str = "error",
) -> Array:
    """Convolves a mono source with the response of a room at two ears.

        y[e, n] = sum over k of response[e, k] x[n - k],   0 <= n < N+K-1

    x         (..., N) float32, linear amplitude, full scale = 1
    response  (2, K) or (..., 2, K) float32, left ear first; or a gpuconv.Response
    out       array of the result's shape that receives it
    others    as for Plan

    Returns (..., 2, N+K-1) float32, of the kind of x and on its device. The axes before N and
    before (2, K) broadcast. The bytes are those of `gpuconv render` for the same samples and
    method. Raises as Plan and its call do. For many calls with one response make a Plan.
    """
    if device is None and _arrays.is_on_device(x):
        device = f"cuda:{x.__dlpack_device__()[1]}"
    return Plan(response, method, device, nonfinite=nonfinite)(x, out)


def mix(
    x: Array,
    response: Array | Response,
    *,
    method: str = "auto",
    device: str | None = None,
    out: Array = None,
    nonfinite: str = "error",
) -> Array:
    """Sums what two ears hear of many voices, each with a response of its own.

        y[e, n] = sum over v and k of response[v, e, k] x[v, n - k],   0 <= n < N+K-1

    x         (V, N) float32, or any axes before N
    response  (V, 2, K) float32, or any axes before (2, K) that broadcast with those of x
    others    as for convolve()

    Returns (2, N+K-1) float32. See Plan.mix().
    """
    if device is None and _arrays.is_on_device(x):
        device = f"cuda:{x.__dlpack_device__()[1]}"
    return Plan(response, method, device, nonfinite=nonfinite).mix(x, out)
