"""gpuconv.jax: jit, grad and vmap, against JAX's own convolution and finite differences."""

import numpy
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

import gpuconv  # noqa: E402
import gpuconv.jax  # noqa: E402


def reference(x, response):
    ears = [jnp.convolve(x, response[ear]) for ear in (0, 1)]
    return jnp.stack(ears)


def test_forward_and_jit(sound):
    x, response = sound(3, 700), sound(2, 90)
    y = jax.jit(gpuconv.jax.convolve)(x, response)
    assert numpy.array_equal(numpy.asarray(y), gpuconv.convolve(x, response))
    each = sound(3, 2, 90)
    y = gpuconv.jax.convolve(x[:1], each, method="cpu-vectorised")
    assert numpy.array_equal(
        numpy.asarray(y), gpuconv.convolve(x[:1], each, method="cpu-vectorised")
    )


def test_arrays_of_jax_are_taken_and_returned(sound):
    x, response = jnp.asarray(sound(400)), jnp.asarray(sound(2, 30))
    y = gpuconv.convolve(x, response)
    assert isinstance(y, jax.Array)
    assert numpy.array_equal(numpy.asarray(y), gpuconv.convolve(numpy.asarray(x), response=response))


def loss_of(convolve):
    return lambda x, response, weight: jnp.sum(weight * convolve(x, response) ** 2)


def close(one, other):
    return numpy.linalg.norm(one - other) < 1e-5 * numpy.linalg.norm(other)


def test_gradients(sound):
    arguments = sound(300), sound(2, 40), sound(2, 339)
    ours = jax.jit(jax.grad(loss_of(gpuconv.jax.convolve), (0, 1)))(*arguments)
    expected = jax.grad(loss_of(reference), (0, 1))(*arguments)
    assert close(ours[0], expected[0]) and close(ours[1], expected[1])


def test_second_derivatives(sound):
    x, response, weight = sound(30), sound(2, 7), sound(2, 36)

    def norm_of_gradient(convolve):
        def norm(x, response):
            dx, dh = jax.grad(loss_of(convolve), (0, 1))(x, response, weight)
            return jnp.sum(dx**2) + jnp.sum(dh**3)

        return jax.grad(norm, (0, 1))(x, response)

    for ours, expected in zip(norm_of_gradient(gpuconv.jax.convolve), norm_of_gradient(reference)):
        assert close(ours, expected)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, None)])
def test_vmap(sound, axes):
    x = sound(5, 200) if axes[0] == 0 else sound(200, 5) if axes[0] == 1 else sound(200)
    response = sound(5, 2, 30) if axes[1] == 0 else sound(2, 30)
    ours = jax.vmap(gpuconv.jax.convolve, axes)(x, response)
    assert close(ours, jax.vmap(reference, axes)(x, response))
    gradient = jax.vmap(jax.grad(lambda a, b: jnp.sum(gpuconv.jax.convolve(a, b) ** 2)), axes)
    expected = jax.vmap(jax.grad(lambda a, b: jnp.sum(reference(a, b) ** 2)), axes)
    assert close(gradient(x, response), expected(x, response))


def test_gradients_of_axes_that_broadcast(sound):
    x, response = sound(4, 1, 100), sound(3, 2, 20)
    dx, dh = jax.grad(lambda a, b: jnp.sum(gpuconv.jax.convolve(a, b) ** 2), (0, 1))(x, response)
    assert dx.shape == x.shape and dh.shape == response.shape
    expected = jax.grad(
        lambda a, b: sum(
            jnp.sum(reference(a[i, 0], b[j]) ** 2) for i in range(4) for j in range(3)
        ),
        (0, 1),
    )(x, response)
    assert close(dx, expected[0]) and close(dh, expected[1])


def test_errors(sound):
    with pytest.raises(TypeError, match="int32.*use x.astype"):
        gpuconv.jax.convolve(jnp.arange(3), sound(2, 3))
    with pytest.raises(ValueError, match=r"\(3, 5\)"):
        gpuconv.jax.convolve(sound(9), sound(3, 5))
    x = sound(9)
    x[4] = numpy.nan
    with pytest.raises(Exception, match="sample 4 is not a number"):
        jax.block_until_ready(gpuconv.jax.convolve(x, sound(2, 3)))
