#!/usr/bin/env python3
"""Times gpuconv from file to file, beside what moving the same bytes takes.

    profiling/peers/end_to_end.py PROGRAM RESULTS_FOLDER [--size 57600000x70000] [--rounds 5]
                            [--methods gpu-fourstep,gpu-cufft] [--tiny]

Files are in memory (/dev/shm) where there is one. Every round runs each method as a user would,
start of the GPU included, and copies the files: reading the recording and writing as many bytes as
the result has. Copying over the link between host and GPU is measured by "gpuconv bench" in the same
call; both directions at once can take no less than the longer of the two. Writes end_to_end.json.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "ladder"))  # in the tree
import ladder
from ladder import spread

NOISE = 1 << 16  # samples that repeat: what they are makes no difference to the time


def run(command):
    """(seconds, its report)."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"it ended with code {done.returncode}")
    return seconds, json.loads(done.stdout)


def link_seconds(program, N, K, is_tiny):
    """(what, seconds) that the link needs for each direction. Nothing if measuring fails."""
    try:
        _, report = run([program, "bench", "--size", "4096x64", "--method", "gpu-fourstep",
                         "--seconds", "0.01", "--json", "-", *["--tiny"] * is_tiny])
    except RuntimeError:
        return []
    return [(f"copying {what} over the link", count / report["peaks"][f"{way}_bytes_per_second"])
            for what, way, count in (("samples", "upload", 4 * N),
                                     ("frames", "download", 8 * (N + K - 1)))
            if report["peaks"][f"{way}_bytes_per_second"] > 0]  # an emulated GPU has none


def copy(folder, frame_bytes, buffer):
    start = time.perf_counter()
    with open(folder / "source.wav", "rb", buffering=0) as source:
        while source.readinto(buffer):
            pass
    with open(folder / "copy", "wb", buffering=0) as copied:
        while frame_bytes > 0:
            frame_bytes -= copied.write(memoryview(buffer)[:frame_bytes])
    return time.perf_counter() - start


def make_files(folder, N, K):
    ladder.make_signals(folder, min(N, NOISE), K)
    if N > NOISE:
        samples = memoryview((folder / "source.wav").read_bytes()[44:]).cast("f")
        ladder.write_float_wav(folder / "source.wav", 1,
                               (bytes(samples) * (N // NOISE + 1))[:4 * N])


def measure(program, N, K, rounds, methods, is_tiny=False):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    result = {"samples": N, "taps": K, "rounds": rounds, "in_memory": memory is not None,
              "times": [], "not_run": []}
    times, copies = {method: [] for method in methods}, []
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder, buffer = pathlib.Path(name), bytearray(1 << 22)
        make_files(folder, N, K)
        for _ in range(rounds):
            copies.append(copy(folder, 8 * (N + K - 1), buffer))
            for method in list(times):
                try:
                    seconds, report = run([program, "render", folder / "source.wav",
                                           folder / "room.wav", folder / "wet.wav", "--method",
                                           method, "--quiet", "--json", "-"])
                except RuntimeError as reason:
                    del times[method]
                    result["not_run"].append({"method": method, "reason": str(reason)})
                    continue
                times[method].append((seconds, report))

    def add(what, values):
        result["times"].append({"what": what, "seconds": spread(values)})

    for method, runs in times.items():
        add(f"{method}, file to file", [seconds for seconds, _ in runs])
        for key in ("gpu_start_seconds", "convolve_seconds"):
            if key in runs[0][1]:
                add(f"{method}, {key.removesuffix('_seconds').replace('_', ' ')}",
                    [report[key] for _, report in runs])
    add("copying the files", copies)
    for what, seconds in link_seconds(program, N, K, is_tiny):
        add(what, [seconds])
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--size", default="57600000x70000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--methods", default="gpu-fourstep,gpu-cufft")
    parser.add_argument("--tiny", action="store_true", help="3000x300, twice: no measurement")
    arguments = parser.parse_args()
    if arguments.tiny:
        arguments.size, arguments.rounds = "3000x300", 2
    N, K = (int(number) for number in arguments.size.split("x"))
    result = measure(arguments.program, N, K, arguments.rounds, arguments.methods.split(","),
                     arguments.tiny)
    ladder.write_json(arguments.results / "end_to_end.json", result)
    print("; ".join(f"{one['what']}: {1e3 * one['seconds']['median']:.4g} ms"
                    for one in result["times"]))
    if result["not_run"]:
        sys.exit(f"{result['not_run'][0]['method']}: {result['not_run'][0]['reason']}")


if __name__ == "__main__":
    main()
