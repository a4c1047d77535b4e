#!/usr/bin/env python3
"""Measures the ladder: every method on 200,000 samples x 70,000 taps x 2 ears.

    profiling/ladder.py PROGRAM RESULTS_FOLDER [--repeats N]

Runs `PROGRAM render` as a user would and reads its JSON report. Writes ladder.json into
RESULTS_FOLDER; profiling/table.py turns all such files into the README's table. A method that would
take hours is measured at a shorter length and scaled by its operations, and marked as extrapolated.
"""

import argparse
import array
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

N, K, RATE = 200_000, 70_000, 16_000
SHORT_N, SHORT_K = 10_000, 3_500  # a twentieth of each, for what is hopeless at full length


def write_float_wav(path, channels, samples):
    data = array.array("f", samples)
    if sys.byteorder == "big":
        data.byteswap()
    body = data.tobytes()
    little = lambda value, size: value.to_bytes(size, "little")
    header = (b"RIFF" + little(36 + len(body), 4) + b"WAVEfmt " + little(16, 4) + little(3, 2) +
              little(channels, 2) + little(RATE, 4) + little(RATE * 4 * channels, 4) +
              little(4 * channels, 2) + little(32, 2) + b"data" + little(len(body), 4))
    pathlib.Path(path).write_bytes(header + body)


def make_signals(folder, samples, taps):
    """White noise in a room of noise that decays by 60 dB; quiet enough not to exceed full scale."""
    noise = random.Random(1)
    write_float_wav(folder / "source.wav", 1, (noise.uniform(-1, 1) for _ in range(samples)))
    write_float_wav(folder / "room.wav", 2,
                    (0.005 * noise.uniform(-1, 1) * 10 ** (-3 * (n // 2) / taps)
                     for n in range(2 * taps)))


def render(program, folder, method):
    """One run: (seconds of convolving, seconds from start to exit)."""
    start = time.perf_counter()
    result = subprocess.run(
        [program, "render", folder / "source.wav", folder / "room.wav", folder / "wet.wav",
         "--method", method, "--force-slow", "--json", "-", "--quiet"],
        capture_output=True, text=True)
    wall = time.perf_counter() - start
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    report = json.loads(result.stdout)
    return report["convolve_seconds"], wall, report


def measure(program, method, repeats, is_hopeless):
    samples, taps = (SHORT_N, SHORT_K) if is_hopeless else (N, K)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_signals(folder, samples, taps)
        runs = []
        while len(runs) < repeats:
            runs.append(render(program, folder, method))
            # What takes minutes is steady enough after three.
            if len(runs) >= 3 and sum(wall for _, wall, _ in runs) > 60:
                break
    scale = ((N + K - 1) / (samples + taps - 1)) ** 2
    seconds = [scale * run[0] if is_hopeless else run[0] for run in runs]
    row = {"method": method, "runs": len(runs), "extrapolated": is_hopeless,
           "convolve_seconds": {"median": statistics.median(seconds), "min": min(seconds),
                                "max": max(seconds)}}
    if not is_hopeless:
        walls = [wall for _, wall, _ in runs]
        row["program_seconds"] = {"median": statistics.median(walls), "min": min(walls),
                                  "max": max(walls)}
    return row, runs[0][2]


def listed_methods(program):
    """(name, whether it can run here) of every method, in the order of the ladder."""
    lines = subprocess.run([program, "methods"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    here = lines[0].index("here")
    rows = lines[1:lines.index("")]
    return [(row.split()[0], row[here:].split()[0] == "yes") for row in rows]


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=11)
    arguments = parser.parse_args()

    result = {"cpu": cpu_name(), "cores": len(os.sched_getaffinity(0)), "gpu": None,
              "samples": N, "taps": K, "rows": []}
    for method, can_run in listed_methods(arguments.program):
        if not can_run:
            continue
        row, report = measure(arguments.program, method, arguments.repeats, method == "cpu-dft")
        result["gpuconv"] = report["gpuconv"]
        result["gpu"] = report["device"].get("name", result["gpu"])
        result["rows"].append(row)
        seconds = row["convolve_seconds"]
        print(f"{method:18} {seconds['median']:12.6f} s  ({seconds['min']:.6f} to "
              f"{seconds['max']:.6f}, {row['runs']} runs)", flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    (arguments.results / "ladder.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
