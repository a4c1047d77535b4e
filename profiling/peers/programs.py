#!/usr/bin/env python3
"""Times whole programs, from start to exit, that convolve a mono file with a two-ear response.

    profiling/peers/programs.py PROGRAM RESULTS_FOLDER [--repeats N] [--problems head,stream]

PROGRAM is gpuconv, which runs on the CPU. The others are ffmpeg (its filter afir) and fconvolver
(Debian package jconvolver); what is not installed is said to be "not run". Programs take turns;
each reads and writes 32-bit float WAV files in memory-backed storage where there is some. Each
output is compared with gpuconv's before any time counts. Writes programs.json.

Traps: afir scales the response unless told otherwise, and then doubles the result (irgain=0.5); it
drops the tail without apad. fconvolver needs the source padded to keep its tail right.
"""

import argparse
import array
import concurrent.futures
import multiprocessing
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "ladder"))  # in the tree
import ladder
from ladder import spread

PROBLEMS = {"head": (200_000, 70_000), "stream": (9_600_000, 70_000)}
CLOSE = 1e-5  # relative difference to gpuconv's output; both are right to some 3e-7


def run(command):
    """(seconds, peak resident memory in MiB) of one process, which must succeed."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                   stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(errors.read().decode(errors="replace").strip()[-300:])
    return seconds, usage.ru_maxrss / 1024


def samples_of(path):
    """All samples of a 32-bit float WAV file, channels interleaved."""
    content = memoryview(path.read_bytes())
    at = 12
    while bytes(content[at:at + 4]) != b"data":
        at += 8 + int.from_bytes(content[at + 4:at + 8], "little")
    size = min(int.from_bytes(content[at + 4:at + 8], "little"), len(content) - at - 8)
    samples = array.array("f", bytes(content[at + 8:at + 8 + size // 4 * 4]))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def difference(wet_path, expected_path):
    """||wet - expected|| / ||expected||, of every 101st sample."""
    wet, expected = samples_of(wet_path), samples_of(expected_path)
    if len(wet) < len(expected):
        return float("inf")
    pairs = [(wet[i], expected[i]) for i in range(0, len(expected), 101)]
    return (sum((a - b) ** 2 for a, b in pairs) / sum(b * b for _, b in pairs)) ** 0.5


def make_files(folder, samples, taps):
    ladder.make_signals(folder, samples, taps)
    source = samples_of(folder / "source.wav")
    ladder.write_float_wav(folder / "padded.wav", 1, source + array.array("f", bytes(4 * taps)))
    (folder / "fconvolver.conf").write_text(
        f"/convolver/new 1 2 8192 {taps}\n" +
        "".join(f"/impulse/read 1 {ear} 1 0 0 0 {ear} {folder / 'room.wav'}\n" for ear in (1, 2)))


def commands(program, folder, taps):
    """name -> (command, its output)."""
    afir = (f"[0:a]apad=pad_len={taps - 1},pan=stereo|c0=c0|c1=c0[dry];"
            "[dry][1:a]afir=gtype=none:irgain=0.5")
    return {
        "gpuconv": ([program, "render", "-q", "--device", "cpu", folder / "source.wav",
                     folder / "room.wav", folder / "gpuconv.wav"], folder / "gpuconv.wav"),
        "ffmpeg afir": (["ffmpeg", "-y", "-nostdin", "-v", "error", "-i", folder / "source.wav",
                         "-i", folder / "room.wav", "-filter_complex", afir, "-c:a", "pcm_f32le",
                         folder / "ffmpeg.wav"], folder / "ffmpeg.wav"),
        "fconvolver": (["fconvolver", "-V", "-T", folder / "fconvolver.conf",
                        folder / "padded.wav", folder / "fconvolver.wav"],
                       folder / "fconvolver.wav"),
    }


def own_peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def elsewhere(function, *arguments):
    """Calls it in another process. A process that is started inherits this one's memory as its peak,
    so this one stays small."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def measure(program, problem, repeats):
    samples, taps = PROBLEMS[problem]
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = pathlib.Path(name)
        elsewhere(make_files, folder, samples, taps)
        rows, field = [], {}
        for name, (command, output) in commands(program, folder, taps).items():
            row = {"problem": problem, "samples": samples, "taps": taps, "program": name}
            rows.append(row)
            if shutil.which(str(command[0])) is None:
                row["not_run"] = f"{command[0]} is not installed"
                continue
            run(command)
            row["difference"] = elsewhere(difference, output, folder / "gpuconv.wav")
            if not row["difference"] <= CLOSE:
                row["not_run"] = f"its output differs from gpuconv's by {row['difference']:.3g}"
                continue
            field[name] = (command, row)
        runs = {name: [] for name in field}
        for _ in range(repeats):
            for name, (command, _) in field.items():
                runs[name].append(run(command))
        for name, (_, row) in field.items():
            seconds = [one[0] for one in runs[name]]
            row["runs"] = repeats
            row["seconds"] = spread(seconds)
            row["peak_mib"] = max(one[1] for one in runs[name])
            row["is_peak_of_this_script"] = row["peak_mib"] <= own_peak()
            # gpuconv's time over this program's, round by round.
            row["gpuconv_over_it"] = spread([ours[0] / theirs for ours, theirs
                                             in zip(runs["gpuconv"], seconds)])
    return rows


def line_of(row):
    if "not_run" in row:
        return f"{row['problem']:8} {row['program']:12} not run: {row['not_run']}"
    seconds = row["seconds"]
    return (f"{row['problem']:8} {row['program']:12} {1e3 * seconds['median']:8.1f} ms "
            f"({1e3 * seconds['min']:.1f} to {1e3 * seconds['max']:.1f})  "
            f"{'at most ' if row['is_peak_of_this_script'] else ''}{row['peak_mib']:.1f} MiB  gpuconv takes {row['gpuconv_over_it']['median']:.2f} of it")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    arguments = parser.parse_args()
    result = {"cpu": ladder.cpu_name(), "cores": len(os.sched_getaffinity(0)),
              "load_before": os.getloadavg()[0], "rows": []}
    for problem in arguments.problems.split(","):
        for row in measure(arguments.program, problem, arguments.repeats):
            result["rows"].append(row)
            print(line_of(row), flush=True)
    result["load_after"] = os.getloadavg()[0]
    ladder.write_json(arguments.results / "programs.json", result)


if __name__ == "__main__":
    main()
