#!/usr/bin/env python3
"""Times what people use from Python, beside gpuconv: SciPy, CuPy, torchaudio.

    profiling/peers.py PROGRAM RESULTS_FOLDER [--rounds N] [--sizes 200000x70000[xCLIPS],...]

The sounds are those of "gpuconv bench" (the same seeded noise), both ears, float32, and PROGRAM is
run in the same rounds, so that what disturbs the machine disturbs all: with every GPU method that is
here, and on the CPU with cpu-vectorised; the teaching rungs below it take minutes a round. Signals are in memory, those
of CuPy and torch in the GPU's, and their times are between GPU events. Each result is compared with
the definition in float64 at sampled outputs before any time counts. A library that is not there is
"not run". Writes peers.json.

torchaudio pads to N+K-1 samples. Where that has large prime factors, such as 269,999, cuFFT falls
back to Bluestein's algorithm; the row "fast length" pads to a good length and is the one to compare
with. SciPy chooses a fast length by itself; CuPy does too.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ladder

STEP = 0x9E3779B97F4A7C15
BOUND = 2e-6  # relative to ||x|| ||h||; float32 transforms are right to some 3e-7
SAMPLES = 64


def mixed(np, z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def noise(np, length, seed):
    """As host/bench/problem.cpp: SplitMix64, uniform in [-1, 1)."""
    with np.errstate(over="ignore"):
        state = mixed(np, np.uint64(seed) + np.uint64(STEP))
        steps = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(STEP)
        bits = mixed(np, state + steps) >> np.uint64(40)
    return (bits.astype(np.float64) * 2.0 ** -23 - 1.0).astype(np.float32)


def numbers_of(size):
    """(samples, taps, clips) of SAMPLESxTAPS or SAMPLESxTAPSxCLIPS."""
    numbers = [int(number) for number in size.split("x")]
    if len(numbers) not in (2, 3) or min(numbers) < 1:
        raise ValueError(f"--sizes {size}: expected SAMPLESxTAPS or SAMPLESxTAPSxCLIPS")
    return (*numbers, 1)[:3]


def sounds(np, samples, taps, clips):
    """Clips, one a row, and the two ears that they all have."""
    decay = 1e-3 ** (np.arange(taps) / taps)
    ears = np.stack([noise(np, taps, seed) * decay.astype(np.float32) for seed in (2, 3)])
    return noise(np, samples * clips, 1).reshape(clips, samples), ears.astype(np.float32)


def fast_length(length):
    """Smallest 2^a 3^b 5^c 7^d that is at least `length`."""
    while True:
        rest = length
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


def error(np, wet, source, ears):
    """Of the worse ear, at samples spread over the output, relative to ||x|| ||h||."""
    length = source.shape[1] + ears.shape[1] - 1
    if wet.shape != (len(source), 2, length):
        return float("inf")
    worst = 0.0
    for ear, h in enumerate(ears.astype(np.float64)):
        differences = []
        for place in np.linspace(0, len(source) * length - 1, SAMPLES).astype(int):
            clip, n = divmod(int(place), length)
            x = source[clip].astype(np.float64)
            first, last = max(0, n - len(x) + 1), min(len(h) - 1, n)
            expected = np.dot(h[first:last + 1], x[n - last:n - first + 1][::-1])
            differences.append((float(wet[clip, ear, n]) - expected) / np.linalg.norm(x))
        rms = float(np.sqrt(np.mean(np.square(differences)) * length))
        worst = max(worst, rms / float(np.linalg.norm(h)))
    return worst


# ---- the peers: each takes (source, ears) and returns (run() -> seconds, wet() -> array) ----------

def on_cpu(np, convolve):
    def run():
        start = time.perf_counter()
        convolve()
        return time.perf_counter() - start
    return run, lambda: np.asarray(convolve())


def scipy_peers(np):
    from scipy import signal
    for name in ("fftconvolve", "oaconvolve"):
        function = getattr(signal, name)
        yield f"scipy {name}", lambda source, ears, function=function: on_cpu(
            np, lambda: function(source[:, None], ears[None], axes=-1))


def cupy_peers(np):
    import cupy
    from cupyx.scipy import signal
    cupy.cuda.runtime.getDeviceCount()

    def plan(function, source, ears):
        x, h = cupy.asarray(source)[:, None], cupy.asarray(ears)[None]
        start, end = cupy.cuda.Event(), cupy.cuda.Event()

        def run():
            start.record()
            function(x, h, axes=-1)
            end.record()
            end.synchronize()
            return 1e-3 * cupy.cuda.get_elapsed_time(start, end)
        return run, lambda: cupy.asnumpy(function(x, h, axes=-1))

    for name in ("fftconvolve", "oaconvolve"):
        function = getattr(signal, name)
        yield f"cupy {name}", lambda source, ears, function=function: plan(function, source, ears)


def torch_peers(np):
    import torch
    from torchaudio import functional
    if not torch.cuda.is_available():
        raise RuntimeError("torch finds no CUDA device")

    def at_fast_length(x, h):
        length = x.shape[-1] + h.shape[-1] - 1
        padded = fast_length(length)
        product = torch.fft.rfft(x, n=padded) * torch.fft.rfft(h, n=padded)
        return torch.fft.irfft(product, n=padded)[..., :length]

    def plan(function, source, ears):
        x, h = torch.from_numpy(source)[:, None].cuda(), torch.from_numpy(ears)[None].cuda()
        start = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)

        def run():
            start.record()
            function(x, h)
            end.record()
            end.synchronize()
            return 1e-3 * start.elapsed_time(end)
        return run, lambda: function(x, h).cpu().numpy()

    own = lambda x, h: functional.fftconvolve(x.expand(-1, 2, -1), h.expand(len(x), -1, -1))
    yield "torchaudio fftconvolve", lambda source, ears: plan(own, source, ears)
    yield "torch at a fast length", lambda source, ears: plan(at_fast_length, source, ears)


LIBRARIES = {"scipy": scipy_peers, "cupy": cupy_peers, "torchaudio": torch_peers}


def own_methods(program):
    """Those that take part."""
    return [name for name, is_here in ladder.listed_methods(program)
            if is_here and (name.startswith("gpu-") or name == "cpu-vectorised")]


def gpuconv_rows(program, size, methods):
    """(method -> median seconds of one short run of gpuconv's own benchmark, method -> why not)."""
    words = [word for method in methods for word in ("-m", method)]
    result = subprocess.run([program, "bench", "-s", size, *words, "--seconds", "0.3", "--json", "-"],
                            capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    report = json.loads(result.stdout)
    medians, not_run = {}, {one["method"]: one["reason"] for one in report["not_here"]}
    for row in report["rows"]:
        if not row["is_right"]:
            not_run[row["method"]] = f"its result is wrong, by {row['error']:.3g}"
        elif row["is_extrapolated"]:
            not_run[row["method"]] = "hopeless at this size: it would be extrapolated"
        else:
            medians[row["method"]] = row["seconds"]["median"]
    return medians, not_run


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(np, program, size, rounds):
    source, ears = sounds(np, *numbers_of(size))
    rows, field = [], {}
    for library, peers in LIBRARIES.items():
        try:
            for name, plan in peers(np):
                row = {"size": size, "method": name}
                rows.append(row)
                run, wet = plan(source, ears)
                row["error"] = error(np, wet(), source, ears)
                if not row["error"] <= BOUND:
                    row["not_run"] = f"its error is {row['error']:.3g}"
                    continue
                field[name] = (run, row)
        except Exception as reason:  # not installed, no GPU, out of its memory
            rows.append({"size": size, "method": library,
                         "not_run": f"{type(reason).__name__}: {reason}"})
    seconds, ours, methods = {name: [] for name in field}, {}, own_methods(program)
    for _ in range(rounds):
        medians, not_run = gpuconv_rows(program, size, methods) if methods else ({}, {})
        for method, reason in not_run.items():
            ours.pop(method, None)
            rows.append({"size": size, "method": method, "not_run": reason})
        methods = list(medians)
        for method, median in medians.items():
            ours.setdefault(method, []).append(median)
        for name, (run, _) in field.items():
            run()
            seconds[name].append(statistics.median(run() for _ in range(3)))
    for name, (_, row) in field.items():
        row.update(rounds=rounds, seconds=spread(seconds[name]))
        row["ratio"] = {method: spread([a / b for a, b in zip(values, seconds[name])])
                        for method, values in ours.items()}
    return [{"size": size, "method": method, "rounds": rounds, "seconds": spread(values)}
            for method, values in ours.items()] + rows


def line_of(row):
    start = f"{row['size']:14} {row['method']:24}"
    if "not_run" in row:
        return f"{start} not run: {row['not_run']}"
    seconds = row["seconds"]
    line = (f"{start} {1e3 * seconds['median']:9.3f} ms ({1e3 * seconds['min']:.3f} to "
            f"{1e3 * seconds['max']:.3f})")
    for method, ratio in row.get("ratio", {}).items():
        line += f"  {method} takes {ratio['median']:.3f} of it"
    return line


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default="200000x70000,9600000x70000")
    arguments = parser.parse_args()
    try:
        import numpy as np
    except ImportError:
        sys.exit("peers.py: nothing is run without NumPy, which all peers need")
    result = {"cpu": ladder.cpu_name(), "cores": len(os.sched_getaffinity(0)),
              "numpy": np.__version__, "load_before": os.getloadavg()[0], "rows": []}
    for size in arguments.sizes.split(","):
        for row in measure(np, arguments.program, size, arguments.rounds):
            result["rows"].append(row)
            print(line_of(row), flush=True)
    result["load_after"] = os.getloadavg()[0]
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "peers.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
