#!/usr/bin/env python3
"""Measures the ladder: every method on 200,000 samples x 70,000 taps x 2 ears.

    profiling/ladder/ladder.py PROGRAM RESULTS_FOLDER [--repeats N] [--only gpu-] [--size NxK]

Runs `PROGRAM render` as a user would and reads its JSON report. Writes ladder.json into
RESULTS_FOLDER, method by method; table.py makes the README's table of all such files. A method that
would take hours is measured at a shorter length, scaled by its operations, and marked as
extrapolated. With --only, methods whose names begin otherwise are left out. One that gives no result
is "not_run", with the reason: a "limit" of the method, an "error", or "not here". Exits with 1 if
there was an error.
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


class NotRun(RuntimeError):
    """`kind`: "limit" where the method cannot do this job anywhere, "error" where it should."""

    def __init__(self, kind, reason):
        super().__init__(reason)
        self.kind = kind


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def write_json(path, result):
    """Each row of a list on one line. No reader ever sees half a file."""
    lines = []
    for key, value in result.items():
        rows = ",\n  ".join(map(json.dumps, value)) if isinstance(value, list) else ""
        lines.append(f" {json.dumps(key)}: " + (f"[\n  {rows}\n ]" if rows else json.dumps(value)))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    part.replace(path)


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
        lines = result.stderr.strip().splitlines() or [f"it ended with code {result.returncode}"]
        reason = lines[-1].removeprefix("error: ")
        # So the program says that the job is beyond the method.
        beyond = f"--method {method}: "
        is_limit = result.returncode == 1 and reason.startswith(beyond)
        raise NotRun("limit" if is_limit else "error", reason.removeprefix(beyond))
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
           "convolve_seconds": spread(seconds)}
    if not is_hopeless:
        row["program_seconds"] = spread([wall for _, wall, _ in runs])
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


def climb(program, folder, repeats, result, only=""):
    """Fills `result`, method by method."""
    for method, can_run in listed_methods(program):
        if not method.startswith(only):
            continue
        try:
            if not can_run:
                raise NotRun("not here", "gpuconv methods: not here")
            row, report = measure(program, method, repeats, method == "cpu-dft")
        except Exception as reason:
            kind = getattr(reason, "kind", "error")
            result["not_run"].append({"method": method, "kind": kind, "reason": str(reason)})
            print(f"{method:18} not run: {reason}", flush=True)
        else:
            result["gpuconv"] = report["gpuconv"]
            result["gpu"] = report["device"].get("name", result["gpu"])
            result["rows"].append(row)
            seconds = row["convolve_seconds"]
            print(f"{method:18} {seconds['median']:12.6f} s  ({seconds['min']:.6f} to "
                  f"{seconds['max']:.6f}, {row['runs']} runs)", flush=True)
        write_json(folder / "ladder.json", result)


def main():
    global N, K, SHORT_N, SHORT_K
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--only", default="", help="methods whose names begin so")
    parser.add_argument("--size", default=f"{N}x{K}", help="SAMPLESxTAPS")
    arguments = parser.parse_args()

    if arguments.size != f"{N}x{K}":
        N, K = (int(number) for number in arguments.size.split("x"))
        SHORT_N, SHORT_K = max(1, N // 20), max(1, K // 20)
    result = {"cpu": cpu_name(), "cores": len(os.sched_getaffinity(0)), "gpu": None,
              "samples": N, "taps": K, "rows": [], "not_run": []}
    climb(arguments.program, arguments.results, arguments.repeats, result, arguments.only)
    if any(one["kind"] == "error" for one in result["not_run"]):
        sys.exit(1)
    print(f"{len(result['rows'])} methods measured")


if __name__ == "__main__":
    main()
