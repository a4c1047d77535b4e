"""gpuconv.torch: a registered operator with fake and autograd kernels, compiled and mapped."""

import numpy
import pytest

torch = pytest.importorskip("torch")

import gpuconv  # noqa: E402
import gpuconv.torch  # noqa: E402


@pytest.fixture
def tensor(sound):
    return lambda *shape: torch.from_numpy(sound(*shape))


def reference(x, response):
    """In the precision of its arguments."""
    K = response.shape[-1]
    padded = torch.nn.functional.pad(x, (K - 1, K - 1))
    return torch.nn.functional.conv1d(padded[None, None], response.flip(-1)[:, None])[0]


def close(one, other):
    return (one - other).norm() < 1e-5 * other.norm()


def test_tensors_are_taken_and_returned(tensor):
    x, response = tensor(3, 500), tensor(2, 60)
    y = gpuconv.convolve(x, response)
    assert isinstance(y, torch.Tensor)
    assert numpy.array_equal(y.numpy(), gpuconv.convolve(x.numpy(), response.numpy()))
    out = torch.empty_like(y)
    assert gpuconv.convolve(x, response, out=out) is out and torch.equal(out, y)
    with pytest.raises(TypeError, match="requires a gradient"):
        gpuconv.convolve(x.requires_grad_(), response)


def test_operator(tensor):
    for x, response in [(tensor(90), tensor(2, 20)), (tensor(3, 1, 40), tensor(2, 2, 9))]:
        arguments = x.requires_grad_(), response.requires_grad_(), "auto"
        # What opcheck calls "aot dispatch" compares float32 sums whose order differs.
        torch.library.opcheck(
            torch.ops.gpuconv.convolve.default, arguments, atol=1e-4, rtol=1e-4
        )


def test_gradients(tensor):
    x, response, weight = tensor(300), tensor(2, 40), tensor(2, 339)
    pairs = []
    for convolve in (gpuconv.torch.convolve, reference):
        a, b = x.clone().requires_grad_(), response.clone().requires_grad_()
        (weight * convolve(a, b) ** 2).sum().backward()
        pairs.append((a.grad, b.grad))
    assert close(pairs[0][0], pairs[1][0]) and close(pairs[0][1], pairs[1][1])


def test_second_derivatives(tensor):
    x, response = tensor(30), tensor(2, 7)
    pairs = []
    for convolve in (gpuconv.torch.convolve, reference):
        a, b = x.clone().requires_grad_(), response.clone().requires_grad_()
        first = torch.autograd.grad((convolve(a, b) ** 3).sum(), (a, b), create_graph=True)
        pairs.append(torch.autograd.grad((first[0] ** 2).sum() + (first[1] ** 2).sum(), (a, b)))
    assert close(pairs[0][0], pairs[1][0]) and close(pairs[0][1], pairs[1][1])


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, None)])
def test_vmap(tensor, axes):
    x = tensor(5, 200) if axes[0] == 0 else tensor(200, 5) if axes[0] == 1 else tensor(200)
    response = tensor(5, 2, 30) if axes[1] == 0 else tensor(2, 30)
    ours = torch.vmap(gpuconv.torch.convolve, axes)(x, response)
    expected = torch.stack([
        reference(x if axes[0] is None else x.select(axes[0], i),
                  response if axes[1] is None else response[i])
        for i in range(5)
    ])
    assert close(ours, expected)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.vmap(gpuconv.torch.convolve, axes)(a, response).pow(2).sum().backward()
    each = b if axes[0] == 0 else b.T if axes[0] == 1 else b.expand(5, -1)
    gpuconv.torch.convolve(each, response).pow(2).sum().backward()
    assert close(a.grad, b.grad)


def test_compiled(tensor):
    x, response = tensor(400), tensor(2, 50)

    def work(a, b):
        return (gpuconv.torch.convolve(2 * a, b) ** 2).sum()

    compiled = torch.compile(work, fullgraph=True, backend="aot_eager")
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    compiled(a, response).backward()
    work(b, response).backward()
    assert torch.equal(a.grad, b.grad)


def test_a_filter_is_learnt(tensor):
    torch.manual_seed(1)
    x, wanted = tensor(4, 2000), 0.1 * tensor(2, 50)
    target = gpuconv.convolve(x, wanted)
    learnt = torch.zeros(2, 50, requires_grad=True)
    optimiser = torch.optim.Adam([learnt], lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        (gpuconv.torch.convolve(x, learnt) - target).pow(2).mean().backward()
        optimiser.step()
    assert (learnt - wanted).norm() < 0.02 * wanted.norm()


def test_errors(tensor):
    with pytest.raises(TypeError, match="float64.*use x.astype"):
        gpuconv.torch.convolve(tensor(9).double(), tensor(2, 3))
    with pytest.raises(ValueError, match=r"\(3, 5\)"):
        gpuconv.torch.convolve(tensor(9), tensor(3, 5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu(tensor):
    x, response = tensor(3, 5000), tensor(2, 600)
    on_gpu = gpuconv.convolve(x.cuda(), response.cuda())
    assert on_gpu.is_cuda
    assert close(on_gpu.cpu(), gpuconv.convolve(x, response))
    a = x.cuda().requires_grad_()
    with torch.cuda.stream(torch.cuda.Stream()):
        gpuconv.torch.convolve(a, response.cuda()).pow(2).sum().backward()
    assert a.grad.shape == a.shape
