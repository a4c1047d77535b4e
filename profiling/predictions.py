#!/usr/bin/env python3
"""Writes profiling/predictions.md: what the GPU methods should take on an H200, before they ran.

    profiling/predictions.py LENGTHS_PROGRAM [--check]     LENGTHS_PROGRAM: build/gpuconv_lengths

With --check: only says whether predictions.md is up to date. Lengths come from the program,
registers and instructions from profiling/results/sass/sm_90.json (profiling/sass.py), measured times
from the "rows" of profiling/results/*h200*/*.json (gpuconv bench --json, as profiling/gpu/session
leaves it in bench.json): those that are right and were not extrapolated. The rest is arithmetic: a
roofline, described in the text below.
"""

import json
import math
import pathlib
import subprocess
import sys

import sass
from block_shape import Kernel
from table import duration

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "profiling/predictions.md"
SASS = ROOT / "profiling/results/sass/sm_90.json"

# name: (value, unit, where it is from). Nothing here was measured by this project.
CEILINGS = {
    "multiprocessors": (132, "", "NVIDIA H200 data sheet"),
    "clock": (1.98e9, "Hz", "NVIDIA, highest boost clock; **assumed** to hold"),
    "device bytes": (4.3e12, "B/s", "of 4.8e12 on the data sheet; **assumed**"),
    "L2 bytes": (5.5e12, "B/s", "**assumed**"),
    "L2 size": (60 * 2**20, "B", "**assumed**; decides how many segments go in one chunk"),
    "on-chip bytes": (128, "B per clock and multiprocessor",
                      "CUDA programming guide: 32 banks of 4 bytes; L1 hits share them"),
    "instructions": (4, "per clock and multiprocessor",
                     "CUDA programming guide: 4 schedulers, a warp's instruction each"),
    "issue share": (0.7, "of these", "**assumed**: what many warps reach with barriers"),
    "of one warp": (0.4, "per clock", "**assumed**: what a warp of these transforms reaches, since "
                    "an instruction waits for the one before; decides where there are few warps"),
    "of one warp, tiled": (0.9, "per clock", "**assumed**: 16 independent sums"),
    "registers": (65536, "per multiprocessor", "CUDA programming guide, 9.0"),
    "shared memory": (227 * 1024, "B per multiprocessor",
                      "CUDA programming guide, 9.0; 1 KiB of each block is the system's"),
    "warps": (64, "per multiprocessor", "CUDA programming guide, 9.0"),
    "launch": (1e-6, "s", "**assumed**: gap between two launches in a stream"),
    "shortest": (2e-6, "s", "**assumed**: the shortest kernel, if all of its phases overlap"),
    "shortest, no overlap": (3e-6, "s", "**assumed**: the same if none do"),
}
CEILING = {name: value for name, (value, _, _) in CEILINGS.items()}

# title, samples, taps, clips
CASES = (("one shot", 200_000, 70_000, 1), ("batch", 160_000, 16_000, 1024),
         ("hour at 16 kHz", 3600 * 16_000, 70_000, 1),
         ("hour at 48 kHz", 3600 * 48_000, 70_000, 1))
METHODS = ("gpu-tiled", "gpu-radix2", "gpu-fourstep", "gpu-fused")


class Launch:
    """`times` launches of one kernel, each of `blocks`. What it moves is in bytes, of one launch;
    `issued` are instructions of its warps. `uneven` is the share of the work that the busiest
    multiprocessor does; of equal blocks it is a whole number of them."""

    def __init__(self, name, times, blocks, threads, resident, device, l2, on_chip, issued,
                 of_one_warp=CEILING["of one warp"], uneven=None):
        self.uneven = uneven or math.ceil(blocks / CEILING["multiprocessors"]) / blocks
        self.name, self.times, self.blocks, self.threads = name, times, blocks, threads
        self.resident = resident  # blocks on a multiprocessor at the same time
        self.device, self.l2, self.on_chip, self.issued = device, l2, on_chip, issued
        warps = min(resident, math.ceil(blocks / CEILING["multiprocessors"])) * threads // 32
        self.issue_rate = min(CEILING["instructions"] * CEILING["issue share"], of_one_warp * warps)

    def bounds(self):
        """Seconds of one launch, if nothing else limited it."""
        return {"device": self.device / CEILING["device bytes"],
                "L2": self.l2 / CEILING["L2 bytes"],
                "on chip": self.on_chip * self.uneven / CEILING["on-chip bytes"] / CEILING["clock"],
                "instructions": self.issued * self.uneven / self.issue_rate / CEILING["clock"]}

    def waves(self):
        return math.ceil(self.blocks / (CEILING["multiprocessors"] * self.resident))

    def seconds(self):
        """From "all phases overlap" to "none do", of all launches."""
        bounds = self.bounds().values()
        return tuple(self.times * (CEILING["launch"] + max(seconds, least)) for seconds, least in
                     ((max(bounds), CEILING["shortest"]),
                      (sum(bounds), CEILING["shortest, no overlap"])))


def resident(threads, registers, shared_bytes):
    warps = threads // 32
    # Registers are given out to warps in units of 256, shared memory with 1 KiB on top.
    of_registers = CEILING["registers"] // (math.ceil(registers / 8) * 8 * 32 * warps)
    return min(of_registers, CEILING["shared memory"] // (shared_bytes + 1024),
               CEILING["warps"] // warps, 32)


def kernels():
    """Kernel by (kind, length), with what profiling/sass.py counted."""
    found = {}
    for row in json.loads(SASS.read_text())["kernels"]:
        kernel = Kernel(row["kind"], row["lanes"], tuple(row["radices"]))
        kernel.counts = row
        found[kernel.kind, kernel.length] = kernel
    return found


def block_bytes(kernel):
    """L2 bytes and on-chip bytes of one block, L2 without real samples and scratch."""
    elements, stages = kernel.elements, len(kernel.radices)
    transforms = len(kernel.passes())
    shared = transforms * 2 * (stages - 1) * 8 * elements
    # Loaded by each butterfly; each entry of the table comes from L2 once a block.
    loaded = transforms * sum(8 * elements * kernel.twiddles(stage) / kernel.radices[stage]
                              / kernel.width(stage) for stage in range(stages - 1))
    table = 8 * sum(math.prod(kernel.radices[stage:]) for stage in range(stages - 1))
    l2 = table
    if kernel.kind.startswith("columns"):
        last = kernel.radices[-1]
        l2 += 8 * elements / last + 8 * last * kernel.lanes  # bases and steps between the passes
        loaded += 8 * elements
    if kernel.kind.endswith("convolve"):
        l2 += 2 * 8 * elements  # responses
        loaded += 2 * 8 * elements
    return l2, shared + loaded


def launch_of(kernel, times, blocks, device, moved):
    """`moved`: bytes of samples and scratch that one block reads and writes."""
    l2, on_chip = block_bytes(kernel)
    return Launch(kernel.name, times, blocks, kernel.threads,
                  resident(kernel.threads, kernel.counts["registers"], kernel.shared_bytes), device,
                  blocks * (l2 + moved), blocks * (on_chip + moved),
                  blocks * kernel.counts["issued"])


def source_bytes(case, taps):
    _, samples, _, clips = case
    return 4 * samples * clips, 2 * 4 * (samples + taps - 1) * clips


def joints(case, plan):
    """Adding the end of each block of a clip to the next, an ear a launch; what they touch was just
    written, so it is in L2."""
    _, samples, taps, clips = case
    times = 2 * (math.ceil(samples / plan["block_length"]) - 1) * clips
    tail = taps - 1
    # Some 12 instructions for a sum: an assumption, not read from the listing.
    return [Launch("overlap_add_kernel", times, math.ceil(tail / 256), 256, 8, 0, 12 * tail,
                   12 * tail, 12 * tail / 32)] if times and tail else []


def fourstep(case, plan, table):
    _, samples, taps, clips = case
    rows, columns, M = plan["rows"], plan["columns"], plan["complex_length"]
    blocks = math.ceil(samples / plan["block_length"])  # of the renderer
    segments = plan["segments"] * clips
    chunk = max(1, min(CEILING["L2 size"] // 2, 64 * 2**20) // (16 * M))  # as in gpu_fourstep.cu
    chunks = blocks * math.ceil(segments / chunk)
    count = segments * blocks / chunks  # segments of a launch, on average
    read, written = source_bytes(case, taps)
    column_bytes = 16 * 8 * rows  # samples and scratch, of 8 columns
    down, along, up = (table["columns_forward", rows], table["rows_convolve", columns],
                       table["columns_inverse", rows])
    return [launch_of(down, chunks, math.ceil(count * columns / 8), read / chunks, column_bytes),
            launch_of(along, chunks, math.ceil(count * rows / 2), 0, 3 * 8 * 2 * columns),
            launch_of(up, chunks, 2 * math.ceil(count * columns / 8), written / chunks,
                      column_bytes), *joints(case, plan)]


def fused(case, plan, table):
    _, samples, taps, clips = case
    blocks = math.ceil(samples / plan["block_length"])
    M = plan["complex_length"]
    read, written = source_bytes(case, taps)
    return [launch_of(table["fused_convolve", M], blocks, plan["segments"] * clips,
                      (read + written) / blocks, 3 * 8 * M), *joints(case, plan)]


def radix2(case, plan, _):
    """Stages of radix 2 through memory, one launch each, and the last 12 in shared memory."""
    _, samples, taps, clips = case
    M = plan["complex_length"]
    batch = plan["segments"] * M  # elements of a launch
    runs = math.ceil(samples / plan["block_length"]) * clips
    stages = max(0, int(math.log2(M)) - 12)
    read, written = source_bytes(case, taps)
    moved = 16 * batch  # in and out
    # All fits L2, except for samples and wet signals.
    segment = min(M, 4096)
    threads = min(512, segment // 2)
    # Some 40 instructions for a butterfly of two elements: an assumption, not read from the listing.
    launches = [Launch("segment_kernel", 3 * runs, batch // segment, threads, 2048 // threads, 0, moved,
                       moved + 12 * 24 * batch, 12 * batch / 2 / 32 * 40)]
    if stages:
        launches.insert(0, Launch("stage_kernel", 3 * stages * runs, math.ceil(batch / 2 / 512), 512,
                                  4, (read + written) / (3 * stages * runs), moved + 4 * batch,
                                  moved + 4 * batch, batch / 2 / 32 * 40))
    return launches + joints(case, plan)


def tile_chunks(block, taps):
    """Chunks of 512 taps that each tile of 2,048 outputs walks: as in gpu_tiled.cu."""
    return [math.ceil(min(start + 2048, taps) / 512) - max(0, start - block + 1) // 512
            for start in range(0, block + taps - 1, 2048)]


def busiest_share(work):
    """Of the multiprocessor that gets most, where blocks are given out in turn."""
    count = CEILING["multiprocessors"]
    return max(sum(work[at::count]) for at in range(min(count, len(work)))) / sum(work)


def tiled(case, plan, _):
    _, samples, taps, clips = case
    runs = math.ceil(samples / plan["block_length"]) * clips
    block = min(samples, plan["block_length"])
    read, written = source_bytes(case, taps)
    chunks = tile_chunks(block, taps)  # of one side
    total = sum(chunks)
    products = total * 512 * 2048
    # 8 taps times 16 outputs of a thread: 128 multiply-adds, 10 reads of 128 bytes by a warp, and 16
    # other instructions; some 10 for each of the 24 samples that a thread stages for a chunk.
    return [Launch("tiled_kernel", 2 * runs, len(chunks), 128, 5, (read + written) / (2 * runs),
                   4 * total * (2048 + 2 * 512), products / 128 / 32 * 1280,
                   products / 128 / 32 * 144 + total * 4 * 24 * 10, CEILING["of one warp, tiled"],
                   busiest_share(chunks)), *joints(case, plan)]


MODELS = {"gpu-tiled": tiled, "gpu-radix2": radix2, "gpu-fourstep": fourstep, "gpu-fused": fused}


def measured(case, method, results=ROOT / "profiling/results"):
    _, samples, taps, clips = case
    for path in sorted(results.glob("*[hH]200*/*.json")):
        for row in json.loads(path.read_text()).get("rows", []):
            if (row.get("method"), row.get("samples"), row.get("taps"), row.get("clips")) == \
                    (method, samples, taps, clips) and row["is_right"] and \
                    not row["is_extrapolated"]:
                return duration(row["seconds"]["median"]) + (", noisy" if row["is_noisy"] else "")
    return ""


def span(seconds):
    return f"{duration(seconds[0])} to {duration(seconds[1])}"


def case_table(case, plans, table):
    title, samples, taps, clips = case
    size = f"{samples:,} samples x {taps:,} taps x 2 ears" + (f", {clips:,} clips" * (clips > 1))
    summary = ["| method | predicted | measured |", "|---|---|---|"]
    rows = ["| method, kernel | launches | blocks of threads | resident, waves | device | L2 | "
            "on chip | instructions | predicted, all launches |",
            "|---|---|---|---|---|---|---|---|---|"]
    for method in METHODS:
        if method not in plans:
            summary.append(f"| `{method}` | cannot: too many taps | |")
            continue
        launches = MODELS[method](case, plans[method], table)
        total = tuple(sum(launch.seconds()[end] for launch in launches) for end in (0, 1))
        summary.append(f"| `{method}` | {span(total)} | {measured(case, method)} |")
        for launch in launches:
            bounds = " | ".join(duration(seconds) for seconds in launch.bounds().values())
            rows.append(f"| `{method}` {launch.name} | {launch.times:,} | {launch.blocks:,} of "
                        f"{launch.threads} | {launch.resident}, {launch.waves()} | {bounds} | "
                        f"{span(launch.seconds())} |")
    return "\n".join([f"## Prediction: {title}", "", size, "", *summary, "",
                      "Of one launch, what each resource alone would take:", "", *rows, ""])


def mix_table():
    result = json.loads(SASS.read_text())
    lines = [f"## Instructions of {result['arch']}", "",
             f"Read from the machine code of nvcc {result['nvcc']} by profiling/sass.py: those that "
             "the busiest thread executes, with what only the ends of a signal need. No kernel "
             "touches local memory. Float instructions are the work; the rest is where elements "
             "stand, bounds, and moving them.", "",
             "| kernel | registers | executed | float | integer | control | moves | memory | "
             "loops for addresses | LDG, STG of 16 / 8 / 4 bytes | LDS, STS of 16 / 8 bytes |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in result["kernels"]:
        kernel = Kernel(row["kind"], row["lanes"], tuple(row["radices"]))
        if kernel.kind.endswith("spectrum"):
            continue  # once a plan
        classes, accesses = row["classes"], row["accesses"]

        def share(*names):
            return f"{sum(classes.get(name, 0) for name in names) / row['executed']:.0%}"

        def widths(operations, bits):
            return ", ".join(" / ".join(str(accesses.get(f"{operation}.{b}", 0)) for b in bits)
                             for operation in operations)

        lines.append(
            f"| {kernel.name} | {row['registers']} | {row['executed']:,} | {share('float')} | "
            f"{share('integer', 'special')} | {share('control')} | {share('move', 'constant')} | "
            f"{share('global', 'shared')} | {row['address_loops']} | "
            f"{widths(('LDG', 'STG'), (128, 64, 32))} | {widths(('LDS', 'STS'), (128, 64))} |")
    return "\n".join(lines + [""])


INTRODUCTION = """# Predictions for one NVIDIA H200

Written by profiling/predictions.py; do not edit. **Nothing on this page was measured** except where
a column says so: these are predictions, made before the kernels first ran, so that measuring can
prove them wrong.

A kernel cannot be faster than any of its resources: bytes of device memory, bytes through L2, bytes
through the shared memory and L1 of the multiprocessors, instructions that their schedulers issue.
The last two count for the busiest multiprocessor, which does a whole number of blocks, of gpu-tiled
some longer than others; few warps cannot keep its schedulers busy. Warps without a butterfly in a
stage issue none of its instructions. A prediction goes from "all of them overlap" (the largest) to "none
do" (the sum); to each launch a gap is added, and no kernel is shorter than the shortest. Between the
passes of gpu-fourstep, and between all launches of gpu-radix2, data stays in L2. Copies to and from
the host, and planning, are left out. The kernels of gpu-tiled and gpu-radix2 are not read from
machine code; their instructions are rough.
"""


def page(program):
    sizes = [f"{samples}x{taps}" for _, samples, taps, _ in CASES]
    plans = json.loads(subprocess.run([program, *sizes], capture_output=True, text=True,
                                      check=True).stdout)
    ceilings = ["## Ceilings and assumptions", "", "| what | value | from |", "|---|---|---|"]
    for name, (value, unit, source) in CEILINGS.items():
        number = f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
        ceilings.append(f"| {name} | {number} {unit} | {source} |".replace("  ", " "))
    table = kernels()
    return "\n".join([INTRODUCTION, *ceilings, ""] +
                     [case_table(case, plan, table) for case, plan in zip(CASES, plans)] +
                     [mix_table()])


def main():
    if json.loads(SASS.read_text())["sources"] != sass.digest():
        print("predictions.md is of earlier kernels: run profiling/sass.py", file=sys.stderr)
    text = page(sys.argv[1])
    if "--check" in sys.argv[2:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit("profiling/predictions.md is out of date: run profiling/predictions.py "
                     f"{sys.argv[1]}")
        return
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
