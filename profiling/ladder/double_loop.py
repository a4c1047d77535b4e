#!/usr/bin/env python3
"""The definition as the notebook wrote it, a double loop in Python, beside the same loop in C++.

    profiling/ladder/double_loop.py PROGRAM RESULTS_FOLDER [--repeats N]

One ear, 5,000 samples x 5,000 taps. Python by its processor time, since a run of seconds is never
alone on a machine; of both the shortest run is compared. Writes double_loop.json into
RESULTS_FOLDER.
"""

import argparse
import json
import pathlib
import platform
import random
import subprocess
import sys
import time

import ladder

N = K = 5_000


def double_loop(source, response):
    """y[n + k] += x[n] h[k]: each sample excites the whole response."""
    wet = [0.0] * (len(source) + len(response) - 1)
    for n, x in enumerate(source):
        for k, h in enumerate(response):
            wet[n + k] += x * h
    return wet


def python_seconds(repeats):
    """Processor seconds of each run."""
    noise = random.Random(1)
    source = [noise.uniform(-1, 1) for _ in range(N)]
    response = [noise.uniform(-1, 1) for _ in range(K)]
    seconds = []
    for _ in range(repeats):
        start = time.thread_time()
        double_loop(source, response)
        seconds.append(time.thread_time() - start)
    return seconds


def cpp_seconds(program):
    """Of one ear: bench measures both, one after the other."""
    text = subprocess.run([program, "bench", "--size", f"{N}x{K}", "--method", "cpu-naive",
                           "--device", "cpu", "--json", "-"], capture_output=True, text=True,
                          check=True).stdout
    row = json.loads(text)["rows"][0]
    if not row["is_right"]:
        sys.exit("cpu-naive is wrong")
    return {key: row["seconds"][key] / 2 for key in ("median", "min", "max")} | {
        "runs": row["seconds"]["runs"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    python = python_seconds(arguments.repeats)
    result = {"samples": N, "taps": K, "ears": 1, "python": platform.python_version(),
              "python_seconds": {**ladder.spread(python), "runs": len(python)},
              "cpp_seconds": cpp_seconds(arguments.program)}
    ladder.write_json(arguments.results / "double_loop.json", result)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
