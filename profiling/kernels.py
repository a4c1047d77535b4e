#!/usr/bin/env python3
"""Writes profiling/kernels.md: what to look at in a profile of each kernel, and what is good.

    profiling/kernels.py LENGTHS_PROGRAM [--check]     LENGTHS_PROGRAM: build/gpuconv_lengths

Figures come from the machine code (profiling/results/sass/sm_90.json) and the model of
predictions.py; nothing was measured.
"""

import json
import pathlib
import subprocess
import sys

import predictions
from table import duration

PAGE = pathlib.Path(__file__).resolve().parent / "kernels.md"
ONE_SHOT, BATCH = predictions.CASES[0], predictions.CASES[1]

INTRODUCTION = """# The kernels in a profile: what to look at, and what good looks like

Written by profiling/kernels.py; do not edit. **Nothing on this page was measured**: it is what to
expect on one NVIDIA H200, by the machine code for sm_90 and the model of
[predictions.md](predictions.md), so that a first session with Nsight Compute has something to
compare with. `profiling/ncu.sh METHOD` takes the profile.

How to read the tables: *wavefronts* are passes through shared memory; a warp needs 4 for a 16-byte
access, 2 for 8 and 1 for 4, and every further one is a bank conflict. *Bounds* are what each
resource alone would take; the largest is what the kernel should be limited by, and Speed Of Light
should show that unit near its ceiling.
"""

# What stands after the table of each kernel.
ADVICE = {
    "direct_kernel": ("one thread per output, two loads for each product", """\
* **Speed Of Light**: L1/TEX at its ceiling, device memory idle. Arithmetic is far below its peak.
* **Memory tables**: the taps are one address for a whole warp, the samples neighbours: hit rate of L1
  above 95 %. A lower one means that a block's samples no longer fit.
* **Stalls**: long scoreboard (waiting for L1) leads, and that is what gpu-tiled removes. Nothing to
  tune here: this rung is there to be measured against."""),
    "tiled_kernel": ("16 outputs of a thread in registers, taps and samples in shared memory", """\
* **Speed Of Light**: the schedulers' issue is the ceiling, with FP32 close to it; 60 % of the
  FP32 peak or more is good, since seven of eight instructions are multiply-adds.
* **Bank conflicts**: none on loads. Four spare floats after every 32 are there for it; a conflict
  means that the padding no longer fits the stride between threads.
* **Occupancy** is low on purpose: registers hold the sums. *Eligible warps* per scheduler above 1
  is enough, because 16 sums do not depend on each other.
* **Stalls**: "selected" and "not selected" lead. Short scoreboard in front means that shared memory
  is waited for: too few taps per load."""),
    "stage_kernel": ("one level of butterflies through memory", """\
* **Speed Of Light**: second-level cache; at a few microseconds a launch is mostly latency.
* **Memory tables**: 8 sectors per request, 32 threads of 8 bytes each. More device bytes than above mean
  that the data left the second-level cache between launches.
* **Stalls**: long scoreboard. What matters is how many launches there are, not this one."""),
    "segment_kernel": ("the last 12 levels in shared memory", """\
* **Speed Of Light**: shared memory (L1/TEX) first, then issue.
* **Bank conflicts**: butterflies with a distance below 32 would have them; each level's share shows
  in the source view.
* **Stalls**: barrier and short scoreboard, in that order: 12 levels are 12 barriers."""),
    "columns_forward": ("down the columns: folds and pads on the load", """\
* **Memory tables**: device bytes are the samples, once; scratch goes to the second-level cache. Every
  store to scratch is 16 bytes wide: 16 sectors per request. More device bytes than above mean that
  the chunk does not fit the cache.
* **Bank conflicts**: none; lanes of a column lie side by side.
* **Stalls**: long scoreboard on the first loads, then barrier. Integer instructions are as many as
  float ones here: bounds of the signal. They show as issue, not as a stall."""),
    "rows_convolve": ("along the rows: forwards, times both spectra, and back twice", """\
* **Memory tables**: no device bytes at all; two rows lie side by side, so that every access to
  scratch is 16 bytes. The spectra come from the second-level cache for each block.
* **Bank conflicts**: none on exchanges of 16 bytes; radix 16 exchanges 8 bytes at a time.
* **Occupancy**: limited by registers. Local memory must be zero: a spill here costs more than a
  block less.
* **Stalls**: barrier and short scoreboard; FP32 is the largest part of the instructions."""),
    "columns_inverse": ("up the columns: scales, unfolds and crops on the store", """\
* **Memory tables**: device bytes are the wet signals, once. Stores of 8 and 4 bytes: the signal's
  alignment allows no more; look for 100 % of the written sectors to be full.
* **Bank conflicts**: none.
* **Stalls**: long scoreboard at the beginning, LG throttle at the end if stores are too small."""),
    "fused_convolve": ("everything between samples and wet signals in one block", """\
* **Speed Of Light**: no unit idle: issue, shared memory and the second-level cache lie close together.
  Device bytes are samples and wet signals, nothing else.
* **Occupancy**: one block per multiprocessor, 16 warps, limited by shared memory: that is the
  design. What hides latency is the work of each thread, so look at eligible warps, not occupancy.
* **Bank conflicts**: none on exchanges of 8 bytes. One in eight wavefronts would cost as much as a
  whole stage.
* **Stalls**: barrier (16 warps wait for each other after each stage), then short scoreboard."""),
}


def wavefronts(counts):
    """Of shared memory, by one warp, without conflicts."""
    return sum(number * {"128": 4, "64": 2, "32": 1}[access.split(".")[1]]
               for access, number in counts["accesses"].items() if access[:3] in ("LDS", "STS"))


def megabytes(count):
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 2**10:.3g} KiB"


def section(launch, counts, case, method):
    kind = launch.name.split("<")[0]
    what, advice = ADVICE[kind]
    warps = launch.threads // 32
    occupancy = launch.resident * warps / predictions.CEILING["warps"]
    bounds = launch.bounds()
    limit = max(bounds, key=bounds.get)
    title, samples, taps, clips = case
    size = f"{samples:,} samples x {taps:,} taps" + (f" x {clips:,} clips" * (clips > 1))
    rows = [("threads, resident blocks", f"{launch.threads}, {launch.resident} per multiprocessor"),
            ("occupancy", f"{occupancy:.0%}, {launch.resident * warps} of "
                          f"{predictions.CEILING['warps']} warps"),
            ("blocks, waves", f"{launch.blocks:,}, {launch.waves()}"),
            ("device bytes", megabytes(launch.device) if launch.device else "none"),
            ("bytes through the second-level cache", megabytes(launch.l2)),
            ("bounds", ", ".join(f"{name} {duration(seconds) if seconds else 'none'}"
                                 for name, seconds in bounds.items())),
            ("expected limit", limit)]
    if counts:
        rows[1:1] = [("registers", f"{counts['registers']}; local memory: none")]
        rows[-2:-2] = [("shared wavefronts of a warp", f"{wavefronts(counts):,}"),
                       ("instructions of the busiest thread", f"{counts['executed']:,}, "
                        f"{counts['classes'].get('float', 0) / counts['executed']:.0%} float"),
                       ("instructions that a block issues", f"{counts['issued']:,}")]
    return "\n".join([f"## `{kind}`", "", f"{what[0].upper()}{what[1:]}. `{launch.name}` of "
                      f"`{method}`, one of {launch.times:,} launches for {size}.", "",
                      "| | expected |", "|---|---|", *(f"| {name} | {text} |" for name, text in rows),
                      "", advice, ""])


def direct_section():
    what, advice = ADVICE["direct_kernel"]
    return f"## `direct_kernel`\n\n{what[0].upper()}{what[1:]}, of `gpu-direct`. Not modelled.\n\n{advice}\n"


def page(program):
    cases = (ONE_SHOT, BATCH)
    plans = json.loads(subprocess.run(
        [program, *(f"{samples}x{taps}" for _, samples, taps, _ in cases)], capture_output=True,
        text=True, check=True).stdout)
    table = predictions.kernels()
    counts = {kernel.name: kernel.counts for kernel in table.values()}
    sections = [INTRODUCTION, direct_section()]
    for method in predictions.METHODS:
        # gpu-fused cannot take the taps of the one shot.
        at = 1 if method == "gpu-fused" else 0
        for launch in predictions.MODELS[method](cases[at], plans[at][method], table):
            sections.append(section(launch, counts.get(launch.name), cases[at], method))
    return "\n".join(sections)


def main():
    text = page(sys.argv[1])
    if "--check" in sys.argv[2:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"profiling/kernels.md is out of date: run profiling/kernels.py {sys.argv[1]}")
        return
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
