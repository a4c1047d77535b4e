#!/usr/bin/env python3
"""Writes the measured ladder into README.md, between its markers.

    profiling/ladder/table.py PROGRAM [--check]     with --check: only says whether it is up to date

Times come from profiling/results/*/ladder.json, ideas from `PROGRAM methods`. The table has at most
six methods, in the order of the ladder: the first that was measured, where it begins, and the
fastest others. Extrapolated times are left out.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BEGIN, END = "<!-- ladder begin: written by profiling/ladder/table.py -->", "<!-- ladder end -->"
MOST_ROWS = 6


def duration(seconds):
    for limit, unit, scale in ((1e-3, "µs", 1e6), (1, "ms", 1e3), (120, "s", 1),
                               (7200, "min", 1 / 60)):
        if seconds < limit:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds / 3600:.3g} h"


def ideas(program):
    """Method -> idea, in the order of the ladder."""
    lines = subprocess.run([program, "methods"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    column = lines[0].index("idea")
    return {line.split()[0]: line[column:].strip() for line in lines[1:lines.index("")]}


def chosen(rows, order):
    """Those of the rows that stand in the table."""
    rows = sorted((row for row in rows if not row["extrapolated"]),
                  key=lambda row: order.index(row["method"]))
    fastest = sorted(rows[1:], key=lambda row: row["convolve_seconds"]["median"])[:MOST_ROWS - 1]
    return rows[:1] + [row for row in rows[1:] if row in fastest]


def cell(seconds):
    return f"{duration(seconds['median'])} ({duration(seconds['min'])} to {duration(seconds['max'])})"


def table(program, root=ROOT):
    words, rows, machines = ideas(program), {}, []
    for path in sorted(root.glob("profiling/results/*/ladder.json")):
        result = json.loads(path.read_text())
        rows.update({row["method"]: row for row in result["rows"]})
        gpu = f", {result['gpu']}" if result["gpu"] else ""
        machines.append(f"Measured on {result['cpu']}, {result['cores']} cores{gpu} "
                        f"([ladder.json]({path.relative_to(root)})).")
    lines = ["| method | idea | convolving, both ears | whole program |", "|---|---|---|---|"]
    lines += [f"| `{row['method']}` | {words[row['method']]} | {cell(row['convolve_seconds'])} | "
              f"{cell(row['program_seconds'])} |" for row in chosen(rows.values(), list(words))]
    return "\n".join(lines + [""] + machines)


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    new, count = re.subn(f"<!-- ladder begin.*?{re.escape(END)}",
                         lambda _: f"{BEGIN}\n{table(sys.argv[1])}\n{END}", text, flags=re.DOTALL)
    if count != 1:
        sys.exit("README.md has no ladder markers, or several")
    if "--check" not in sys.argv[2:]:
        readme.write_text(new)
    elif new != text:
        sys.exit("README.md differs from the results: run profiling/ladder/table.py PROGRAM")


if __name__ == "__main__":
    main()
