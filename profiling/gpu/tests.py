#!/usr/bin/env python3
"""Runs all tests beside each other on one machine, and says what failed or was skipped.

    profiling/gpu/tests.py FOLDER [--shapes 1000] [--seconds 150] [--filter FILTER]

FOLDER holds gpuconv_tests. Left out are those that need the machine for themselves and those by
which no GPU fails. A test that is skipped for want of a GPU, a driver or cuFFT was not run: exit
code 77, and the last line says why. It is 1 if a test failed or did not end in time.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

# tools/tests.sh reads both: what is timed, and how well the cost model fits this machine.
TIMED_TESTS = "BenchTest.MeasuresThePeaks*:VerificationCost.*:Calibration.*:TimerTest.*"
ADVISORY_TESTS = "Auto.*:*FftwTest.*:FirstCall.*"
# Reasons to skip a test that say nothing of the GPU, its driver or cuFFT. Every other one does, or
# is not known.
HARMLESS_SKIPS = (
    "no test data", "no test cases",  # recordings do not travel in the bundle
    "built without MP3", "no lame here",
    "fuzz/corpus",  # nor do broken files
    ".sofa is not installed",
    "with GPUCONV_LONG=1",
    "launches are counted in the emulation",
    "sanitizers slow down this more than that",
    "taps are beyond it", "taps are hopeless at any length",
    "of shared memory per block",  # why_too_much(): the size is beyond the method on this card
    "mounting needs root", "root may read everything", "root may write everything",
    "this disk does not count",
    "no file of 5 GB here", "no sparse file of 8 TiB can be made here",
    "no sparse file of 1 GiB can be made here",
)


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def run_shard(arguments, report, index, count):
    """(exit code or None at the end of its time, what it printed)."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            [arguments.folder / "gpuconv_tests", f"--gtest_output=xml:{report}",
             f"--gtest_filter={arguments.filter}"],
            stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=arguments.folder,
            env={**os.environ, "GTEST_TOTAL_SHARDS": str(count), "GTEST_SHARD_INDEX": str(index),
                 "GPUCONV_SHAPES": str(arguments.shapes)})
        try:
            code = process.wait(arguments.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
        out.seek(0)
        return code, out.read().decode(errors="replace")


def read_shard(report, code, text):
    """(how many passed, what failed, why others were skipped)."""
    passed = len(re.findall(r"^\[       OK \]", text, re.MULTILINE))
    failed = re.findall(r"^\[  FAILED  \] ([^\s,]+).* \(\d+ ms\)$", text, re.MULTILINE)
    try:
        cases = list(xml.etree.ElementTree.parse(report).iter("skipped"))
    except (OSError, xml.etree.ElementTree.ParseError):
        begun = (re.findall(r"^\[ RUN      \] (\S+)", text, re.MULTILINE) or ["no test"])[-1]
        how = "did not end in time" if code is None else f"exit code {code} and no report"
        return passed, [*failed, f"{begun}: {how}"], []
    if code != 0 and not failed:
        failed.append(f"exit code {code}")
    return passed, failed, [last_line(one.get("message") or one.text or "") for one in cases]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shapes", type=int, default=1000, help="random ones")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--filter", default=f"-{TIMED_TESTS}:{ADVISORY_TESTS}")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    count = max(1, min(8, os.cpu_count() or 1))
    passed, failed, skipped = 0, [], []
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(count) as pool:
        def shard(index):
            report = pathlib.Path(folder) / f"{index}.xml"
            return read_shard(report, *run_shard(arguments, report, index, count))

        for one in concurrent.futures.as_completed([pool.submit(shard, i) for i in range(count)]):
            ok, bad, absent = one.result()
            passed, failed, skipped = passed + ok, failed + bad, skipped + absent
            for name in bad:
                print(f"failed: {name}", flush=True)
    for reason in sorted(set(skipped)):
        print(f"skipped {skipped.count(reason)}: {reason}")
    if failed or not passed:
        print(f"{len(failed)} failed, first {(failed or ['none'])[0]}; {passed} passed")
        sys.exit(1)
    telling = [one for one in skipped if not any(harmless in one for harmless in HARMLESS_SKIPS)]
    if telling:
        print(f"tests were skipped: {telling[0]}; {passed} passed")
        sys.exit(77)
    print(f"{passed} passed, {len(skipped)} skipped")


if __name__ == "__main__":
    main()
