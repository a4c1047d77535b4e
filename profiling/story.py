#!/usr/bin/env python3
"""Writes the numbers of profiling/ladder.md, and says whether they are up to date.

    profiling/story.py [--check]

A number in the text stands between two comments, which name what it is:

    <!--= median cpu-naive -->2.84 s<!--/-->

It comes from profiling/results/ or from the committed predictions; a time or a rate that stands
outside such a pair is refused, so that nobody writes one by hand.
"""

import json
import pathlib
import re
import sys

from table import ROOT, duration, measured as ladder_rows

TEXT = ROOT / "profiling/ladder.md"
RESULTS = ROOT / "profiling/results/amd-epyc-2core"
PAIR = re.compile(r"(<!--= (.*?) -->)(.*?)(<!--/-->)", re.DOTALL)
BY_HAND = re.compile(r"\d[\d.,]*\s?(?:ns|µs|ms|s|min|minutes|h|hours|GB/s|Gop/s|Gop|times)\b")

# Stated in the notebook itself.
NOTEBOOK = {"double-loop": "22.8 s", "claim": "212 min", "cuda-copies": "1.92 s",
            "cpp-debug": "72.65 s", "ratio": "37.78 times", "naive-dft-1024": "8.62 s"}


def read(name):
    return json.loads((RESULTS / name).read_text())


def interval(seconds):
    return f"{duration(seconds['median'])} ({duration(seconds['min'])} to {duration(seconds['max'])})"


def bench_row(method, problem):
    return next(row for row in read("bench.json")["rows"]
                if row["method"] == method and row["problem"] == problem)


def operations(method):
    """Of both ears, counted."""
    return bench_row(method, "head")["operations"]


def ladder_row(method):
    return ladder_rows().get(method)


def predicted_seconds(method):
    """The shortest run of the notebook's small job, 5,000 x 5,000, by the ratio of operations."""
    small = bench_row(method, "notebook")
    return small["seconds"]["min"] * operations(method) / small["operations"]


def gpu_prediction(method, job):
    """A cell of profiling/predictions.md."""
    text = (ROOT / "profiling/predictions.md").read_text()
    section = text.split(f"## Prediction: {job}\n")[1].split("\n## ")[0]
    return re.search(rf"^\| `{re.escape(method)}` \| ([^|]*?) \|", section, re.MULTILINE)[1]


class Values:
    """One function for each word that may stand in a comment."""

    def measured(self, method):
        row = ladder_row(method)
        if row is None:
            return "not measured yet"
        return interval(row["convolve_seconds"]) + (", extrapolated" if row["extrapolated"] else "")

    def median(self, method):
        return duration(ladder_row(method)["convolve_seconds"]["median"])

    def predicted(self, method, job="one shot"):
        return gpu_prediction(method, job) if method.startswith("gpu-") else duration(
            predicted_seconds(method))

    def operations(self, method):
        return f"{float(f'{operations(method) / 1e9:.3g}'):,g} Gop"

    def planned(self, method):
        """The shortest run that was planned before, and so leaves out planning."""
        return duration(bench_row(method, "head")["seconds"]["min"])

    def share(self, method):
        """Of this machine's multiply-adds, by the quiet measurement of the ladder."""
        seconds = ladder_row(method)["convolve_seconds"]["median"]
        return f"{100 * operations(method) / seconds / read('bench.json')['cpu_peaks']['flops']:.2g} %"

    def rate(self, method):
        seconds = ladder_row(method)["convolve_seconds"]["median"]
        return f"{operations(method) / seconds / 1e9:.3g} Gop/s"

    def times(self, slow, fast):
        ratio = (ladder_row(slow)["convolve_seconds"]["median"] /
                 ladder_row(fast)["convolve_seconds"]["median"])
        return f"{float(f'{ratio:.3g}'):,g} times"

    def fewer(self, many, few):
        return f"{float(f'{operations(many) / operations(few):.3g}'):,g} times"

    def peak(self, what):
        peaks = read("bench.json")["cpu_peaks"]
        return {"flops": f"{peaks['flops'] / 1e9:.3g} Gop/s",
                "copy": f"{peaks['bytes_per_second'] / 1e9:.3g} GB/s"}[what]

    def error(self, method):
        row = bench_row(method, "notebook")
        return f"{row['error'] * 2 ** 24:.2g} u"

    def bound(self, method):
        row = bench_row(method, "notebook")
        return f"{row['error_bound'] * 2 ** 24:.2g} u"

    def python(self, what):
        loop = read("double_loop.json")
        python, cpp = loop["python_seconds"], loop["cpp_seconds"]
        if what == "version":
            return loop["python"]
        if what == "ratio":
            ratio = python["min"] / cpp["min"]
            return f"{float(f'{ratio:.2g}'):,g} times"
        if what == "full":
            factor = 200_000 * 70_000 / (loop["samples"] * loop["taps"])
            return duration(factor * python["min"])
        return duration({"python": python, "cpp": cpp}[what]["min"])

    def notebook(self, what):
        return NOTEBOOK[what]

    def machine(self):
        result = read("ladder.json")
        return f"{result['cpu']}, {result['cores']} cores"


def value(words):
    name, *arguments = [word.replace("_", " ") for word in words.split()]
    return getattr(Values(), name)(*arguments)


def by_hand(text):
    """Times and rates that no comment vouches for."""
    return BY_HAND.findall(PAIR.sub("", text))


def main():
    text = TEXT.read_text()
    new = PAIR.sub(lambda pair: pair[1] + value(pair[2]) + pair[4], text)
    found = by_hand(text)
    if found:
        sys.exit(f"profiling/ladder.md: numbers that come from no results file: {found}")
    if sys.argv[1:] == ["--check"]:
        if new != text:
            sys.exit("profiling/ladder.md differs from the results: run profiling/story.py")
        return
    TEXT.write_text(new)


if __name__ == "__main__":
    main()
