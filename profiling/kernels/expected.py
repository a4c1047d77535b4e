#!/usr/bin/env python3
"""Prints what a profile of the large transforms should show on an NVIDIA H200: a roofline.

    profiling/kernels/expected.py LENGTHS_PROGRAM [SAMPLESxTAPS[xCLIPS|vVOICES]...]

LENGTHS_PROGRAM is build/gpuconv_lengths, which plans; registers and instructions are read from the
machine code (sass.py), which takes minutes. Nothing here is a measurement: ncu.sh measures.

For each launch it prints what each resource alone would take. The largest is the limit: Speed Of
Light should show that unit near its ceiling. Shared memory and instructions count for the busiest
multiprocessor, which does a whole number of blocks. The time goes from "all phases overlap" (the
largest) to "none do" (the sum). Copies and planning are left out.
profiles.md says what else to look at.

With vVOICES it is a scene: so many sources, all heard from beginning to end, each with a response of
its own. The upload of their samples is printed, too.
"""

import json
import math
import subprocess
import sys

import sass

# Of the data sheet and the CUDA programming guide (compute capability 9.0).
MULTIPROCESSORS, CLOCK = 132, 1.98e9
REGISTERS, SHARED_BYTES, WARPS = 65536, 227 * 1024, 64  # of a multiprocessor
L1_BYTES = 256 * 1024  # of which shared memory is a part
ON_CHIP_BYTES = 128  # a clock and multiprocessor: 32 banks of 4 bytes; hits of L1 share them
# Assumptions.
DEVICE_BYTES, L2_BYTES = 4.3e12, 5.5e12  # a second
L2_SIZE = 60 * 2**20
ISSUE, OF_ONE_WARP = 4 * 0.7, 0.4  # instructions a clock: four schedulers with barriers; one warp
CLUSTER_BYTES = 2.7e12  # a second, between the blocks of clusters of four
ALONE = 1.25  # of the time of instructions, for a block without another on its multiprocessor
UPLOAD_BYTES = 50e9  # a second, of page-locked memory over PCIe 5.0 x16
# Seconds between two launches, the second of which starts early (cuda/runtime/launch.cuh), and of the
# shortest kernel. Without an early start the gap is about 1e-6.
GAP, SHORTEST = 0.1e-6, 2e-6


def resident(threads, registers, shared_bytes):
    """Blocks on a multiprocessor at the same time."""
    warps = threads // 32
    # Registers are given out to warps in units of 256, shared memory with 1 KiB on top.
    return min(REGISTERS // (math.ceil(registers / 8) * 8 * 32 * warps),
               SHARED_BYTES // (shared_bytes + 1024), WARPS // warps, 32)


def block_bytes(kernel, blocks):
    """L2 bytes and on-chip bytes of one block of so many on a multiprocessor, without samples and
    scratch."""
    elements, stages = kernel.elements, len(kernel.radices)
    transforms = len(kernel.passes())
    shared = transforms * 2 * (stages - 1) * 8 * elements
    # Loaded by each butterfly; each entry of the table comes from L2 once a block, or once a
    # transform, if L1 has no room for it.
    loaded = transforms * sum(8 * elements * kernel.twiddles(stage) / kernel.radices[stage]
                              / kernel.width(stage) for stage in range(stages - 1))
    l2 = 8 * sum(kernel.twiddles(stage) * kernel.offsets(stage) for stage in range(stages - 1))
    l2 *= transforms if l2 > L1_BYTES - blocks * (kernel.shared_bytes + 1024) else 1
    if kernel.kind.startswith("columns"):
        last = kernel.radices[-1]
        # Bases and steps between the passes: a step for two elements.
        l2 += 8 * elements / last + 8 * last / 2 * kernel.lanes
        loaded += 8 * elements / last + 8 * elements / 2
    if not kernel.kind.startswith("columns"):
        # Responses' spectra, read or written; of an item or a sum, one. One for a group of segments.
        spectra = (2 if "convolve" in kernel.kind else 1) / kernel.together
        l2 += spectra * 8 * elements
        loaded += spectra * 8 * elements
    return l2, shared + loaded


class Launch:
    """`times` launches of a kernel, each of `blocks`; each moves `device` bytes of device memory,
    and each block `moved` bytes of samples and scratch."""

    def __init__(self, row, times, blocks, device, moved):
        self.kernel, self.times, self.blocks = row["kernel"], times, blocks
        self.name, self.threads, self.issued = self.kernel.name, self.kernel.threads, row["issued"]
        self.resident = resident(self.kernel.threads, row["registers"], self.kernel.shared_bytes)
        l2, on_chip = block_bytes(self.kernel, self.resident)
        of_busiest = math.ceil(blocks / MULTIPROCESSORS)
        warps = min(self.resident, of_busiest) * self.kernel.threads // 32
        self.bounds = {
            "device": device / DEVICE_BYTES,
            "L2": blocks * (l2 + moved) / L2_BYTES,
            "on chip": of_busiest * (on_chip + moved) / ON_CHIP_BYTES / CLOCK,
            "instructions": of_busiest * row["issued"] / min(ISSUE, OF_ONE_WARP * warps) / CLOCK}

    def seconds(self):
        """From "all phases overlap" to "none do", of all launches."""
        return [self.times * (GAP + max(SHORTEST, seconds))
                for seconds in (max(self.bounds.values()), sum(self.bounds.values()))]

    def cells(self):
        return (self.name, self.times, self.blocks, self.threads, self.resident,
                f"{self.resident * self.threads // 32 / WARPS:.0%}",
                *(f"{1e6 * seconds:.3g}" for seconds in self.bounds.values()),
                max(self.bounds, key=self.bounds.get),
                " to ".join(f"{1e6 * seconds:.3g}" for seconds in self.seconds()))


class Sums(Launch):
    """`times` launches of voice_sums_kernel, of `blocks` blocks, which reads and writes `device` bytes
    of device memory and `l2` bytes of its cache. A warp takes `steps` steps, an item each."""

    each = 71  # instructions of a step: of the loop, in the machine code, without three segments of four

    def __init__(self, times, blocks, device, l2, steps):
        self.name, self.threads, self.times, self.blocks = "voice_sums", 256, times, blocks
        self.resident = resident(256, 74, 0)
        self.bounds = {"device": device / DEVICE_BYTES, "L2": l2 / L2_BYTES,
                       "on chip": l2 / MULTIPROCESSORS / ON_CHIP_BYTES / CLOCK,
                       "instructions": steps * self.each / MULTIPROCESSORS / ISSUE / CLOCK}


class Clusters(Launch):
    """What nobody has built: each segment stays in the shared memory of four blocks, which exchange it
    three times. `passes` are the launches of gpu-fourstep, whose scratch memory that replaces."""

    def __init__(self, plan, samples, taps, clips, passes):
        M = plan["complex_length"]
        self.name, self.threads, self.times, self.resident = "clusters of 4", 512, 1, 1
        self.blocks = 4 * clips
        moved = 4 * samples + 2 * 4 * (samples + taps - 1)  # of a clip
        on_chip = sum(launch.times * launch.bounds["on chip"] for launch in passes)
        issued = sum(launch.times * launch.blocks * launch.issued for launch in passes)
        busy = MULTIPROCESSORS // 4 - 1  # clusters: not all groups of multiprocessors have 4 n
        self.bounds = {"device": clips * moved / DEVICE_BYTES,
                       "L2": clips * (moved + 2 * 8 * M) / L2_BYTES,  # and spectra
                       "on chip": on_chip + clips * 3 * 0.75 * 8 * M / CLUSTER_BYTES,
                       "instructions": ALONE * math.ceil(clips / busy) * issued / clips / 4 / ISSUE
                       / CLOCK}


def scene_of(method, plan, samples, taps, voices, rows):
    """The launches of voices that are all heard from beginning to end (spectral_voices.cu)."""
    runs = math.ceil(samples / plan["block_length_with_tail"])
    segments, M = plan["segments"], plan["complex_length"]
    tile, many_sums = 4, 2**18
    batch = max(1, min(L2_SIZE // 2, 64 * 2**20) // (8 * M))  # items
    together = min(segments, tile * max(1, many_sums // M))  # segments whose batches follow each other
    of_each = batch / together  # voices of a batch
    times = runs * math.ceil(segments * voices / batch)
    items = runs * segments * voices / times  # of a launch, on average
    tiles = math.ceil(together / tile)
    spectra = 8 * M * items
    responses = of_each * 2 * 8 * M  # of each tile; from device memory once
    sums = 2 * 2 * 2 * 8 * M * together  # with their errors, both sides, in and out
    is_cached = 2 * 2 * 8 * M * segments <= L2_SIZE // 2  # beside the spectra
    read = 4 * samples * voices / times
    written = 2 * 4 * (samples + taps - 1)
    adding = Sums(times, tiles * math.ceil(M / 256), responses + (0 if is_cached else sums),
                  spectra + responses * tiles + sums, items * M / 32)
    if method == "gpu-fused":
        return [Launch(rows["fused_items_spectrum", M, 16], voices, 2, 2 * 4 * taps,
                       8 * M),  # responses
                Launch(rows["fused_items_spectrum", M, 16], times, math.ceil(items), read, 8 * M),
                adding,
                Launch(rows["fused_inverse", M, 16], runs, 2 * segments, written / runs, 8 * M)]
    down, across = plan["rows"], plan["columns"]
    pairs, columns = down // 2, across // 8
    return [Launch(rows["columns_forward", down, 16], voices, 2 * columns, 2 * 4 * taps,
                   16 * 8 * down),  # responses
            Launch(rows["rows_spectrum", across, 16], voices, 2 * pairs, 0, 8 * 2 * across),
            Launch(rows["columns_forward", down, 16], times, math.ceil(items * columns), read,
                   16 * 8 * down),
            Launch(rows["rows_spectrum", across, 16], times, math.ceil(items * pairs), 0,
                   8 * 2 * across),
            adding,
            Launch(rows["rows_inverse", across, 16], runs, 2 * segments * pairs, 0, 8 * 2 * across),
            Launch(rows["columns_inverse", down, 16], runs, 2 * segments * columns, written / runs,
                   16 * 8 * down)]


def launches_of(method, plan, samples, taps, clips, with_response, rows):
    """`rows` by kind, length and elements of a thread."""
    runs = samples // plan["block_length"]  # of the renderer, full
    segments, M = plan["segments"] * clips, plan["complex_length"]
    total = plan["all_segments"] * clips
    last = total - runs * segments  # segments of a last one
    read, written = 4 * samples * clips, 2 * 4 * (samples + taps - 1) * clips
    # Of the samples of a segment, those that are read, and those that are written for each side.
    is_whole = plan["segments"] == 1
    in_, out = (samples / (2 * M), (samples + taps - 1) / (2 * M)) if is_whole else \
        (1, plan["advance"] / (2 * M))
    parts = [(times, count) for times, count in ((runs, segments), (1, last)) if times * count > 0]
    if method == "gpu-fused":
        return [Launch(rows["fused_convolve", M, 16], times, count,
                       (read + written) * count / total, (in_ + 2 * out) * 8 * M)
                for times, count in parts]
    down, across = plan["rows"], plan["columns"]
    pairs, columns = down // 2, across // 8  # of a segment
    together = min(4, max(1, 4096 // (2 * across)))  # as in rows.cu
    chunk = max(1, min(L2_SIZE // 2, 64 * 2**20) // (16 * M))  # as in gpu_fourstep.cu
    chunk -= chunk % together if chunk >= together else 0
    kind = "rows_convolve_with_responses" if with_response else "rows_convolve"
    pieces = 3 if with_response else 1
    in_ = (in_ + (pieces - 1) * taps / (2 * M)) / pieces
    launches = []
    for times, count in [(times * share, count) for times, part in parts
                         for share, count in ((part // chunk, chunk), (1, part % chunk))]:
        if count * times == 0:
            continue
        share = count / total
        grouped = count // together * together if together > 1 else 0
        if grouped // together * pairs < 2 * MULTIPROCESSORS:
            grouped = 0
        rest = count - grouped
        launches.append(Launch(rows["columns_forward", down, 16], times, pieces * count * columns,
                               (read + (pieces - 1) * 4 * taps) * share,
                               (in_ + 1) * 8 * 8 * down))
        if grouped > 0:
            launches.append(Launch(rows["groups_convolve", across, 16], times,
                                   grouped // together * pairs, 0, 3 * together * 8 * 2 * across))
        if rest > 0:
            per_thread = 8 if rest * pairs <= MULTIPROCESSORS or with_response else 16
            launches.append(Launch(rows[kind, across, per_thread], times, rest * pairs, 0,
                                   (2 + pieces) * 8 * 2 * across))
        launches.append(Launch(rows["columns_inverse", down, 16], times, 2 * count * columns,
                               written * share, (1 + out) * 8 * 8 * down))
    return launches


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sizes = [size_of(word) for word in sys.argv[2:] or ("200000x70000", "160000x16000x1024")]
    plans = json.loads(subprocess.run(
        [sys.argv[1], *(f"{samples}x{taps}" for samples, taps, _, _ in sizes)],
        stdout=subprocess.PIPE, text=True, check=True).stdout)
    rows = {(row["kernel"].kind, row["kernel"].length, row["kernel"].per_thread): row
            for row in sass.read_all()}
    for (samples, taps, clips, voices), plan in zip(sizes, plans):
        print(f"\n{samples:,} samples x {taps:,} taps x {voices or clips:,} "
              f"{'voices' if voices else 'clips'}; times in microseconds")
        job = samples, taps, clips
        for method in ("gpu-fourstep", "gpu-fused"):
            if method not in plan:
                continue
            of = plan[method]
            if voices:
                upload = f"; upload {1e6 * 4 * samples * voices / UPLOAD_BYTES:.3g}"
                show(method, scene_of(method, of, samples, taps, voices, rows), upload)
                continue
            passes = launches_of(method, of, *job, False, rows)
            show(method, passes)
            if method != "gpu-fourstep" or of["segments"] > 1:
                continue
            if clips == 1:
                show(f"{method}, with another response", launches_of(method, of, *job, True, rows))
            if SHARED_BYTES < 8 * of["complex_length"] <= 4 * SHARED_BYTES:
                show("not built: clusters of four blocks", [Clusters(of, *job, passes)])


def show(title, launches, more=""):
    least, most = map(sum, zip(*(launch.seconds() for launch in launches)))
    print(f"{title}: {1e6 * least:.3g} to {1e6 * most:.3g}{more}")
    sass.show(("kernel", "launches", "blocks", "threads", "resident", "occupancy",
               *launches[0].bounds, "limit", "all launches"),
              *(launch.cells() for launch in launches))


def size_of(word):
    """SAMPLESxTAPS[xCLIPS|vVOICES] -> samples, taps, clips, voices (0: no scene)"""
    size, _, voices = word.partition("v")
    samples, taps, clips = map(int, (size + "x1").split("x")[:3])
    return samples, taps, clips, int(voices or 0)


if __name__ == "__main__":
    main()
