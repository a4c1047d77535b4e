#!/usr/bin/env python3
"""Writes the measured ladder into README.md, between its markers.

    profiling/table.py PROGRAM [--check]     with --check: only says whether README.md is up to date

Every number comes from profiling/results/*/ladder.json, every word from `PROGRAM methods`. What no
file holds is "not measured yet", or what a file says that a method cannot do.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- ladder begin: written by profiling/table.py -->", "<!-- ladder end -->"


def duration(seconds):
    for limit, unit, scale in ((1e-3, "µs", 1e6), (1, "ms", 1e3), (120, "s", 1),
                               (7200, "min", 1 / 60)):
        if seconds < limit:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds / 3600:.3g} h"


def methods(program):
    """name -> (cost, idea), in the order of the ladder."""
    lines = subprocess.run([program, "methods"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    columns = [lines[0].index(word) for word in ("method", "place", "cost", "here", "idea")]
    rows = {}
    for line in lines[1:lines.index("")]:
        rows[line.split()[0]] = (line[columns[2]:columns[3]].strip(), line[columns[4]:].strip())
    return rows


def measured():
    """method -> row of the results file that has it."""
    rows = {}
    for path in sorted(ROOT.glob("profiling/results/*/ladder.json")):
        result = json.loads(path.read_text())
        for row in result["rows"]:
            rows[row["method"]] = row
    return rows


def beyond():
    """method -> why it cannot do this job."""
    return {one["method"]: one["reason"] for path in sorted(ROOT.glob("profiling/results/*/ladder.json"))
            for one in json.loads(path.read_text()).get("not_run", []) if one["kind"] == "limit"}


def machines():
    lines = []
    for path in sorted(ROOT.glob("profiling/results/*/ladder.json")):
        result = json.loads(path.read_text())
        machine = f"{result['cpu']}, {result['cores']} cores"
        if result["gpu"]:
            machine += f", {result['gpu']}"
        lines.append(f"Measured on {machine} "
                     f"([ladder.json]({path.relative_to(ROOT)})).")
    return lines


def cell(row, key, reason=None):
    if row is None:
        return f"cannot: {reason}" if reason else "not measured yet"
    if key not in row:
        return "–"
    seconds = row[key]
    text = f"{duration(seconds['median'])} ({duration(seconds['min'])} to {duration(seconds['max'])})"
    return text + ", extrapolated" if row["extrapolated"] else text


def table(program):
    rows, reasons = measured(), beyond()
    lines = ["| method | idea | cost | convolving, both ears | whole program |", "|---|---|---|---|---|"]
    for name, (cost, idea) in methods(program).items():
        row, reason = rows.get(name), reasons.get(name)
        lines.append(f"| `{name}` | {idea} | {cost} | {cell(row, 'convolve_seconds', reason)} | "
                     f"{cell(row, 'program_seconds', reason)} |")
    return "\n".join(lines + [""] + machines())


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        sys.exit("README.md has no ladder markers")
    new = pattern.sub(lambda _: f"{BEGIN}\n{table(sys.argv[1])}\n{END}", text)
    if "--check" in sys.argv[2:]:
        if new != text:
            sys.exit("README.md differs from the results: run profiling/table.py PROGRAM")
        return
    readme.write_text(new)


if __name__ == "__main__":
    main()
