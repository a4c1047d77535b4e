#!/usr/bin/env python3
"""Draws the measured ladder as profiling/results/*/ladder.svg, the picture of README.md.

    profiling/picture.py PROGRAM [--check]     with --check: only says whether they are up to date

One picture for each folder with a ladder.json; the double loop in Python is on it where there is a
double_loop.json. Ideas come from `PROGRAM methods`. No numbers stand here.
"""

import html
import json
import math
import sys

from table import ROOT, duration, methods

WIDTH, ROW, TOP, LEFT, RIGHT = 960, 34, 58, 385, 110

STYLE = """<style>
text { font: 13px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; fill: #1b1d21; }
.name { font-weight: 600; } .soft, .idea { fill: #5d636d; } .idea { font-size: 11.5px; }
.head { font-size: 15px; font-weight: 600; } .time { font-weight: 600; }
.grid { stroke: #e0e2e0; } .track { stroke: #0072b2; stroke-width: 6; stroke-linecap: round; opacity: .16; }
.dot { fill: #0072b2; stroke: #0072b2; stroke-width: 2; } .spread { stroke: #0072b2; stroke-width: 2; }
.hollow { fill: #ffffff; } .guess { stroke-dasharray: 1 9; opacity: .45; }
.paper { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
text { fill: #eceef1; } .soft, .idea { fill: #a2a9b4; } .grid { stroke: #30353d; }
.track, .dot, .spread { stroke: #4aa3df; } .dot { fill: #4aa3df; } .hollow { fill: #0d1117; }
.paper { fill: #0d1117; } }
</style>"""


def rows_of(folder, program):
    """(name, idea, seconds, extrapolated) from the slowest idea to the last rung."""
    rows = []
    loop = folder / "double_loop.json"
    result = json.loads((folder / "ladder.json").read_text())
    if loop.exists():
        small = json.loads(loop.read_text())
        # Both ears, by the product of the lengths.
        factor = 2 / small["ears"] * (result["samples"] * result["taps"]) / (
            small["samples"] * small["taps"])
        seconds = {key: factor * small["python_seconds"]["min"] for key in ("median", "min", "max")}
        rows.append((f"Python {small['python']}", "the double loop of the definition", seconds, True))
    ideas = methods(program)
    for row in result["rows"]:
        rows.append((row["method"], ideas[row["method"]][1], row["convolve_seconds"],
                     row["extrapolated"]))
    return rows, result


def picture(folder, program):
    rows, result = rows_of(folder, program)
    here = {row[0] for row in rows}
    beyond = [one["method"] for one in result.get("not_run", []) if one["kind"] == "limit"]
    absent = [name for name in methods(program) if name not in here and name not in beyond]
    low = min(row[2]["min"] for row in rows) / 2
    high = max(row[2]["max"] for row in rows)
    x = lambda seconds: LEFT + (WIDTH - LEFT - RIGHT) * math.log(seconds / low) / math.log(high / low)
    bottom = TOP + ROW * len(rows) + 8
    height = bottom + (62 if absent or beyond else 40)
    where = f"{result['cpu']}, {result['cores']} cores"
    where += f", {result['gpu']}" if result["gpu"] else ""
    title = (f"{result['samples']:,} samples in a room of {result['taps']:,} taps, both ears: "
             f"time by method")
    words = "; ".join(f"{name} {duration(seconds['median'])}" + (", extrapolated" if guess else "")
                      for name, _, seconds, guess in rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
           f'height="{height}" role="img">', f"<title>{html.escape(title)}</title>",
           f"<desc>{html.escape(words)}</desc>", STYLE,
           f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
           f'<text class="head" x="16" y="26">{html.escape(title)}</text>']
    for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        at = x(10 ** power)
        out.append(f'<path class="grid" d="M{at:.1f} {TOP - 8}V{bottom}"/>')
        label = duration(10 ** power * (1 + 1e-9)) if power < 1 else f"{10 ** power:,} s"
        out.append(f'<text class="soft" x="{at:.1f}" y="{bottom + 18}" '
                   f'text-anchor="middle">{label}</text>')
    for index, (name, idea, seconds, guess) in enumerate(rows):
        y = TOP + ROW * index + ROW / 2
        at = x(seconds["median"])
        out += [f'<text class="name" x="16" y="{y - 2:.1f}">{html.escape(name)}</text>',
                f'<text class="idea" x="16" y="{y + 12:.1f}">{html.escape(idea)}</text>',
                f'<path class="track{" guess" if guess else ""}" d="M{LEFT} {y:.1f}H{at:.1f}"/>',
                f'<path class="spread" d="M{x(seconds["min"]):.1f} {y:.1f}H{x(seconds["max"]):.1f}"/>',
                f'<circle class="dot{" hollow" if guess else ""}" cx="{at:.1f}" cy="{y:.1f}" r="5.5"/>',
                f'<text class="time" x="{max(at, x(seconds["max"])) + 12:.1f}" y="{y + 4.5:.1f}">'
                f'{duration(seconds["median"])}</text>']
    out.append(f'<text class="soft" x="16" y="{bottom + 18}">{html.escape(where)}</text>')
    notes = [f"{words}: {', '.join(names)}" for words, names in
             (("Not measured yet", absent), ("Cannot do it", beyond)) if names]
    if notes:
        out.append(f'<text class="soft" x="16" y="{bottom + 44}">Hollow: extrapolated. '
                   f'{html.escape(". ".join(notes))}</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    program = sys.argv[1]
    for ladder in sorted(ROOT.glob("profiling/results/*/ladder.json")):
        path = ladder.with_suffix(".svg")
        new = picture(ladder.parent, program)
        if "--check" not in sys.argv[2:]:
            path.write_text(new)
        elif not path.exists() or path.read_text() != new:
            sys.exit(f"{path.relative_to(ROOT)} differs from the results: run profiling/picture.py "
                     "PROGRAM")


if __name__ == "__main__":
    main()
