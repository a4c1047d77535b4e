#!/usr/bin/env python3
"""Times what people use from Python, beside gpuconv: SciPy, CuPy, torchaudio.

    profiling/peers/peers.py PROGRAM RESULTS_FOLDER [--rounds N] [--sizes 200000x70000[xCLIPS],...]
                       [--libraries scipy,cupy,torchaudio] [--own METHOD,...]

The sounds are noise, both ears, float32, as in "gpuconv bench". PROGRAM is run in the same rounds,
so that what disturbs the machine disturbs all: with the methods of --own, otherwise with every GPU
method that is here and cpu-vectorised; the teaching rungs below it take minutes a round. Signals are
in memory, those of CuPy and torch in the GPU's. Each result is compared with the definition in
float64 at sampled outputs before any time counts. A library that is not there is "not run". Writes
peers.json, row by row. Exit code 77 if no library could be timed.

GPU libraries are timed between events, by the rules of "gpuconv bench", in three ways: "queued"
stands after a read of other memory that lasts until the host has queued everything, as gpuconv's
methods do; "in a graph" is captured once and replayed after such a read, as gpuconv's
"-in-a-graph" rows; "as called" starts on an idle GPU, so that it contains what the host takes to
launch, and is what a script sees.

torchaudio pads to N+K-1 samples. Where that has large prime factors, such as 269,999, cuFFT falls
back to Bluestein's algorithm; the row "fast length" pads to a good length and is the one to compare
with. SciPy chooses a fast length by itself; CuPy does too.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "ladder"))  # in the tree
import ladder
from ladder import spread

BOUND = 2e-6  # relative to ||x|| ||h||; float32 transforms are right to some 3e-7
SAMPLES = 64


def numbers_of(size):
    """(samples, taps, clips) of SAMPLESxTAPS or SAMPLESxTAPSxCLIPS."""
    numbers = [int(number) for number in size.split("x")]
    if len(numbers) not in (2, 3) or min(numbers) < 1:
        raise ValueError(f"--sizes {size}: expected SAMPLESxTAPS or SAMPLESxTAPSxCLIPS")
    return (*numbers, 1)[:3]


def sounds(np, samples, taps, clips):
    """Clips, one a row, and the two ears that they all have: noise as in "gpuconv bench"."""
    random = np.random.default_rng(1)
    noise = lambda *shape: 2 * random.random(shape, dtype=np.float32) - 1
    decay = 1e-3 ** (np.arange(taps, dtype=np.float32) / taps)
    return noise(clips, samples), noise(2, taps) * decay


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


# ---- the peers: each takes (source, ears) and returns {way: (run() -> seconds, wet() -> array)} ----

def on_cpu(np, convolve):
    def run():
        start = time.perf_counter()
        convolve()
        return time.perf_counter() - start
    return {"": (run, lambda: np.asarray(convolve()))}


def scipy_peers(np):
    from scipy import signal
    for name in ("fftconvolve", "oaconvolve"):
        function = getattr(signal, name)
        yield f"scipy {name}", lambda source, ears, function=function: on_cpu(
            np, lambda: function(source[:, None], ears[None], axes=-1))


class Device:
    """A library's stream: event() and read(), which queue; wait(); seconds(start, end); capture(work),
    which returns (replay, its result); download(result)."""

    def between_events(self, work):
        start = self.event()
        work()
        end = self.event()
        self.wait()
        return self.seconds(start, end)

    def reads_that_last(self, work):
        """How many reads last longer than the host takes to queue `work` twice."""
        self.wait()
        start = time.perf_counter()
        work()
        work()
        of_host = time.perf_counter() - start
        self.wait()
        return 2 + math.ceil(1.5 * of_host / max(self.between_events(self.read), 1e-6))

    def after_a_read(self, work, reads):
        """As host/bench/device_clock.cpp: the first of two runs warms the caches again."""
        for _ in range(reads):
            self.read()
        work()
        return self.between_events(work)


def on_gpu(device, convolve):
    """Ways to time a function. One that fails, such as a capture, is its reason instead of a pair."""
    for _ in range(2):
        convolve()  # plans, and fills the pools of memory
    reads = device.reads_that_last(convolve)
    ways = {"queued": (lambda: device.after_a_read(convolve, reads),
                       lambda: device.download(convolve())),
            "as called": (lambda: device.between_events(convolve),
                          lambda: device.download(convolve()))}
    try:
        replay, result = device.capture(convolve)
        replay_reads = device.reads_that_last(replay)
        ways["in a graph"] = (lambda: device.after_a_read(replay, replay_reads),
                              lambda: (replay(), device.download(result))[1])
    except Exception as reason:  # a library need not be able to
        ways["in a graph"] = f"{type(reason).__name__}: {reason}"
    return ways


READ_FLOATS = 1 << 26  # 256 MiB, more than any second-level cache


def cupy_peers(np):
    import cupy
    from cupyx.scipy import signal
    cupy.cuda.runtime.getDeviceCount()
    stream = cupy.cuda.Stream(non_blocking=True)
    stream.use()  # a capture cannot be in the default stream

    class Cupy(Device):
        other = cupy.zeros(READ_FLOATS, dtype=cupy.float32)

        def event(self):
            event = cupy.cuda.Event()
            event.record(stream)
            return event

        def read(self):
            self.other.max()

        def wait(self):
            stream.synchronize()

        def seconds(self, start, end):
            return 1e-3 * cupy.cuda.get_elapsed_time(start, end)

        def capture(self, work):
            self.wait()
            stream.begin_capture()
            try:
                result = work()
            finally:
                graph = stream.end_capture()
            return lambda: graph.launch(stream), result

        def download(self, result):
            return cupy.asnumpy(result, stream=stream)

    device = Cupy()

    def plan(function, source, ears):
        x, h = cupy.asarray(source)[:, None], cupy.asarray(ears)[None]
        return on_gpu(device, lambda: function(x, h, axes=-1))

    for name in ("fftconvolve", "oaconvolve"):
        function = getattr(signal, name)
        yield f"cupy {name}", lambda source, ears, function=function: plan(function, source, ears)


def torch_peers(np):
    import torch
    from torchaudio import functional
    if not torch.cuda.is_available():
        raise RuntimeError("torch finds no CUDA device")

    class Torch(Device):
        other = torch.zeros(READ_FLOATS, device="cuda")

        def event(self):
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            return event

        def read(self):
            self.other.max()

        def wait(self):
            torch.cuda.synchronize()

        def seconds(self, start, end):
            return 1e-3 * start.elapsed_time(end)

        def capture(self, work):
            self.wait()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                result = work()
            return graph.replay, result

        def download(self, result):
            return result.cpu().numpy()

    device = Torch()

    def at_fast_length(x, h):
        length = x.shape[-1] + h.shape[-1] - 1
        padded = fast_length(length)
        product = torch.fft.rfft(x, n=padded) * torch.fft.rfft(h, n=padded)
        return torch.fft.irfft(product, n=padded)[..., :length]

    def plan(function, source, ears):
        x, h = torch.from_numpy(source)[:, None].cuda(), torch.from_numpy(ears)[None].cuda()
        return on_gpu(device, lambda: function(x, h))

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


def ways_of(np, name, plan, size, source, ears):
    """(row, run) of each way to time a peer; no run where its result is wrong or it fails."""
    for way, pair in plan(source, ears).items():
        row = {"size": size, "method": f"{name}, {way}" if way else name}
        run = None
        if isinstance(pair, str):
            row["not_run"] = pair
        else:
            row["error"] = error(np, pair[1](), source, ears)
            if row["error"] <= BOUND:
                run = pair[0]
            else:
                row["not_run"] = f"its error is {row['error']:.3g}"
        yield row, run


def measure(np, program, size, rounds, libraries, own=None):
    """Rows of one size. A library after the other, gpuconv beside each: plans hold much memory."""
    source, ears = sounds(np, *numbers_of(size))
    methods = own_methods(program) if own is None else own
    all_ours = {}
    for library in libraries:
        field = []
        try:
            for name, plan in LIBRARIES[library](np):
                for row, run in ways_of(np, name, plan, size, source, ears):
                    field.append((row, run))
        except Exception as reason:  # not installed, no GPU, out of its memory
            field.append(({"size": size, "method": library,
                           "not_run": f"{type(reason).__name__}: {reason}"}, None))
        seconds, ours = [[] for _ in field], {}
        for _ in range(rounds if any(run for _, run in field) or not all_ours else 0):
            medians, not_run = gpuconv_rows(program, size, methods) if methods else ({}, {})
            for method, reason in not_run.items():
                ours.pop(method, None)
                yield {"size": size, "method": method, "not_run": reason}
            methods = list(medians)
            for method, median in medians.items():
                ours.setdefault(method, []).append(median)
            for values, (row, run) in zip(seconds, field):
                if run is not None and "not_run" not in row:
                    try:
                        run()
                        values.append(statistics.median(run() for _ in range(3)))
                    except Exception as reason:  # out of memory beside the others
                        row["not_run"] = f"{type(reason).__name__}: {reason}"
        for values, (row, run) in zip(seconds, field):
            if run is not None and "not_run" not in row:
                row.update(rounds=rounds, seconds=spread(values))
                row["ratio"] = {method: spread([a / b for a, b in zip(mine, values)])
                                for method, mine in ours.items()}
            yield row
        for method, values in ours.items():
            all_ours.setdefault(method, []).extend(values)
    for method, values in all_ours.items():
        yield {"size": size, "method": method, "rounds": len(values), "seconds": spread(values)}


def line_of(row):
    start = f"{row['size']:14} {row['method']:34}"
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
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--own", help="methods of gpuconv, as \"gpuconv bench -m\" takes them")
    arguments = parser.parse_args()
    try:
        import numpy as np
    except ImportError:
        print("nothing is run without NumPy, which all peers need")
        sys.exit(77)
    result = {"cpu": ladder.cpu_name(), "cores": len(os.sched_getaffinity(0)),
              "numpy": np.__version__, "load_before": os.getloadavg()[0], "rows": []}
    own = None if arguments.own is None else arguments.own.split(",")
    for size in arguments.sizes.split(","):
        for row in measure(np, arguments.program, size, arguments.rounds,
                           arguments.libraries.split(","), own):
            result["rows"].append(row)
            result["load_after"] = os.getloadavg()[0]
            ladder.write_json(arguments.results / "peers.json", result)
            print(line_of(row), flush=True)
    theirs = [row for row in result["rows"] if "ratio" in row]
    if not theirs:
        print(f"no library was timed: {result['rows'][0].get('not_run', 'no rows')}")
        sys.exit(77)
    print(f"{len(theirs)} rows of libraries")


if __name__ == "__main__":
    main()
