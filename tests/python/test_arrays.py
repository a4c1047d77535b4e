"""convolve, Plan and Stream on NumPy arrays, with SciPy as reference."""

import threading

import numpy
import pytest
from scipy.signal import fftconvolve

import gpuconv

CPU_METHODS = [one["name"] for one in gpuconv.methods() if one["processor"] == "cpu"]


def reference(x, response):
    """In double precision."""
    lead = numpy.broadcast_shapes(x.shape[:-1], response.shape[:-2])
    x = numpy.broadcast_to(x[..., None, :], (*lead, 1, x.shape[-1])).astype(float)
    response = numpy.broadcast_to(response, (*lead, *response.shape[-2:])).astype(float)
    return fftconvolve(x, response, axes=-1)


def assert_close(y, x, response):
    expected = reference(x, response)
    assert y.dtype == numpy.float32
    assert y.shape == expected.shape
    # The project's bound on FFT methods, E <= 1.5 u sqrt(2 log2 L + P/2), is below 16 u here.
    error = numpy.linalg.norm(y - expected) / numpy.linalg.norm(expected)
    assert error < 16 * 2.0**-24


@pytest.mark.parametrize("method", ["auto", *CPU_METHODS])
@pytest.mark.parametrize("N, K", [(1, 1), (7, 300), (1000, 33), (5000, 2500)])
def test_agrees_with_scipy(sound, method, N, K):
    x, response = sound(N), sound(2, K)
    assert_close(gpuconv.convolve(x, response, method=method), x, response)


def test_a_long_source_in_a_long_response(sound):
    x, response = sound(200_000), sound(2, 70_000)
    plan = gpuconv.Plan(response)
    y = plan(x)
    assert_close(y, x, response)
    assert plan.report["method"] == "cpu-vectorised"
    assert numpy.array_equal(y, gpuconv.convolve(x, response))


@pytest.mark.parametrize(
    "lead_x, lead_response, lead",
    [((3,), (), (3,)), ((2, 3), (), (2, 3)), ((), (4,), (4,)), ((3,), (3,), (3,)),
     ((2, 1), (3,), (2, 3)), ((1,), (1,), (1,)), ((3, 1), (1, 1), (3, 1))],
)
def test_axes_broadcast(sound, lead_x, lead_response, lead):
    x, response = sound(*lead_x, 500), sound(*lead_response, 2, 120)
    y = gpuconv.convolve(x, response)
    assert y.shape == (*lead, 2, 619)
    assert_close(y, x, response)
    assert numpy.array_equal(y, gpuconv.Plan(response)(x))


def test_a_batch_has_the_bytes_of_single_calls(sound):
    x, response = sound(50, 1600), sound(2, 480)
    plan = gpuconv.Plan(response, "cpu-vectorised")
    y = plan(x)
    for i in range(len(x)):
        assert numpy.array_equal(y[i], plan(x[i]))


def test_no_clips_make_no_frames(sound):
    assert gpuconv.convolve(sound(0, 100), sound(2, 10)).shape == (0, 2, 109)


@pytest.mark.parametrize("method", ["auto", "cpu-vectorised", "cpu-cooley-tukey"])
@pytest.mark.parametrize("lead", [(), (1,), (5,), (2, 3)])
def test_mix_sums_all_voices(sound, lead, method):
    x, response = sound(*lead, 700), sound(*lead, 2, 90)
    apart = fftconvolve(x[..., None, :].astype("d"), response.astype("d"), axes=-1)
    y = gpuconv.mix(x, response, method=method)
    assert y.shape == (2, 789) and y.dtype == numpy.float32
    assert abs(y - apart.reshape(-1, 2, 789).sum(0)).max() < 2e-6 * abs(apart).max() * len(lead + (1,))


def test_mix_broadcasts_and_takes_out(sound):
    plan = gpuconv.Plan(sound(4, 2, 50))
    x = sound(300)
    out = numpy.full((2, 349), numpy.nan, "f")
    assert plan.mix(x, out=out) is out
    numpy.testing.assert_allclose(out, plan(x).sum(0), atol=1e-4)
    assert plan.report["replaced"] == 0
    one = gpuconv.Plan(sound(2, 50))
    assert numpy.array_equal(one.mix(x), one(x))
    assert not one.mix(sound(0, 300)).any()
    with pytest.raises(ValueError, match="broadcast"):
        plan.mix(sound(3, 300))
    with pytest.raises(ValueError, match="voice 2: sample 7 is not a number"):
        bad = sound(4, 300)
        bad[2, 7] = numpy.nan
        plan.mix(bad)


def test_layouts(sound):
    response = sound(2, 40)
    x = sound(6, 200)
    plan = gpuconv.Plan(response)
    for view in (x[::2], x[:, ::-1], x[:, ::3], x.T, numpy.asfortranarray(x), x[::-1, 50:]):
        assert numpy.array_equal(plan(view), plan(numpy.ascontiguousarray(view)))
    assert numpy.array_equal(
        gpuconv.convolve(x[0], response[::-1, ::-1]),
        gpuconv.convolve(x[0], response[::-1, ::-1].copy()),
    )
    unaligned = numpy.frombuffer(b"x" + x[0].tobytes(), numpy.float32, offset=1)
    assert numpy.array_equal(plan(unaligned), plan(x[0]))
    x.flags.writeable = False
    response.flags.writeable = False
    assert_close(gpuconv.convolve(x, response), x, response)


def test_arrays_that_were_passed_stay_as_they_were(sound):
    x, response = sound(3, 400), sound(2, 70)
    before = x.copy(), response.copy()
    gpuconv.convolve(x, response)
    assert numpy.array_equal(x, before[0]) and numpy.array_equal(response, before[1])


def test_out(sound):
    x, response = sound(3, 400), sound(2, 70)
    plan = gpuconv.Plan(response)
    expected = plan(x)
    out = numpy.full(expected.shape, numpy.nan, numpy.float32)
    assert plan(x, out=out) is out
    assert numpy.array_equal(out, expected)
    wide = numpy.zeros((3, 4, 469), numpy.float32)
    assert numpy.array_equal(plan(x, out=wide[:, ::2]), expected)
    assert not wide[:, 1::2].any()
    for wrong, words in [
        (numpy.empty(expected.shape), r"float64.*\(3, 2, 469\)"),
        (expected[..., 1:], r"\(3, 2, 468\).*\(3, 2, 469\)"),
    ]:
        with pytest.raises(ValueError, match=words):
            plan(x, out=wrong)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        plan(x, out=out)
    both = numpy.zeros(3 * 2 * 469, numpy.float32)
    with pytest.raises(ValueError, match="shares memory"):
        plan(both[:1200].reshape(3, 400), out=both.reshape(3, 2, 469))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "complex64", ">f4"])
def test_nothing_is_converted_silently(sound, dtype):
    with pytest.raises(TypeError, match=r"\(30,\).*use x\.astype\(numpy\.float32\)$"):
        gpuconv.convolve(sound(30).astype(dtype), sound(2, 9))
    with pytest.raises(TypeError, match=r"\(2, 9\).*use response\.astype\(numpy\.float32\)$"):
        gpuconv.convolve(sound(30), sound(2, 9).astype(dtype))


def test_what_is_not_an_array(sound):
    with pytest.raises(TypeError, match="list is not an array"):
        gpuconv.convolve([1.0, 2.0], sound(2, 9))


@pytest.mark.parametrize(
    "x_shape, response_shape",
    [((), (2, 9)), ((0,), (2, 9)), ((4, 0), (2, 9)), ((30,), (9,)), ((30,), (3, 9)),
     ((30,), (2, 0)), ((3, 30), (4, 2, 9))],
)
def test_shapes_that_do_not_fit_are_in_the_message(sound, x_shape, response_shape):
    with pytest.raises(ValueError) as caught:
        gpuconv.convolve(numpy.ones(x_shape, "f"), numpy.ones(response_shape, "f"))
    assert str(x_shape) in str(caught.value) or str(response_shape) in str(caught.value)


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf])
def test_nonfinite(sound, bad):
    x, response = sound(2, 3000), sound(2, 90)
    x[1, 2345] = bad
    with pytest.raises(gpuconv.UsageError, match="clip 1: sample 2345"):
        gpuconv.convolve(x, response)
    mild = gpuconv.Plan(response, nonfinite="zero")
    y = mild(x)
    assert mild.report["replaced"] == 1
    x[1, 2345] = 0
    assert numpy.array_equal(y, gpuconv.convolve(x, response))
    response[1, 7] = bad
    with pytest.raises(ValueError, match="right ear: sample 7"):
        gpuconv.Plan(response)
    with pytest.raises(ValueError, match="'error' or 'zero'"):
        gpuconv.Plan(sound(2, 9), nonfinite="ignore")


def test_overflow():
    with pytest.raises(ValueError, match="overflows"):
        gpuconv.convolve(numpy.full(3, 2e38, "f"), numpy.full((2, 3), 9, "f"))


def test_methods_and_devices(sound):
    with pytest.raises(gpuconv.UsageError, match="^method quick: no such method"):
        gpuconv.Plan(sound(2, 9), "quick")
    with pytest.raises(gpuconv.UsageError, match="device tpu"):
        gpuconv.Plan(sound(2, 9), device="tpu")
    with pytest.raises(gpuconv.UsageError, match="runs on a GPU"):
        gpuconv.Plan(sound(2, 9), "gpu-fused", "cpu")
    plan = gpuconv.Plan(sound(2, 9), device="cpu")
    assert plan.choice(100)["device"] == "CPU"
    assert issubclass(gpuconv.GpuError, RuntimeError) and issubclass(gpuconv.FileError, OSError)


@pytest.mark.parametrize("method", ["auto", *CPU_METHODS])
def test_a_stream_has_the_bytes_of_one_call(sound, method):
    x, response = sound(9000), sound(2, 300)
    plan = gpuconv.Plan(response, method)
    stream = plan.stream()
    parts = [stream.push(part) for part in numpy.split(x, [0, 1, 4000, 4001, 8500])]
    parts.append(stream.finish())
    y = numpy.concatenate(parts, axis=-1)
    if method == "auto":
        assert_close(y, x, response)
    else:
        assert numpy.array_equal(y, plan(x))
    with pytest.raises(ValueError, match="finished"):
        stream.push(x)


def test_a_stream_does_not_keep_what_it_can_return(sound):
    stream = gpuconv.Plan(sound(2, 4800), "cpu-vectorised").stream()
    returned = sum(stream.push(sound(50_000)).shape[1] for _ in range(40))
    assert 1_000_000 < returned < 2_000_000
    assert returned + stream.finish().shape[1] == 2_004_799


def test_threads_share_a_plan(sound):
    x, response = sound(30_000), sound(2, 5000)
    plan = gpuconv.Plan(response)
    expected = plan(x)
    wrong = []

    def work():
        for _ in range(5):
            if not numpy.array_equal(plan(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_interpreter_is_free_meanwhile(sound):
    x, response = sound(300_000), sound(2, 70_000)
    plan = gpuconv.Plan(response, "cpu-threads")
    done = threading.Event()
    ticks = 0

    def work():
        plan(x)
        done.set()

    threading.Thread(target=work).start()
    while not done.wait(0.001):
        ticks += 1
    assert ticks > 10


def test_a_foreign_kind_of_array_comes_back(sound):
    class Foreign:
        """An array that knows DLPack and nothing of NumPy."""

        def __init__(self, array):
            self._array = numpy.from_dlpack(array)
            self.dtype, self.shape = self._array.dtype, self._array.shape

        def __dlpack__(self, **options):
            return self._array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self._array.__dlpack_device__()

        def __array_namespace__(self):
            class Namespace:
                from_dlpack = staticmethod(Foreign)

            return Namespace

    x, response = sound(3, 500), sound(2, 60)
    y = gpuconv.convolve(Foreign(x), Foreign(response))
    assert isinstance(y, Foreign)
    assert numpy.array_equal(numpy.from_dlpack(y), gpuconv.convolve(x, response))
