"""Merges the folders of the calls of profiling/gpu/session into one, with a page for people."""

import json
import pathlib
import re
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "ladder"))  # in the tree
from ladder import write_json  # noqa: E402

PASSED, FAILED, NOT_RUN, SKIPPED = "passed", "failed", "not run", "skipped"
KEPT = ("bench.json", "end_to_end.json", "chunks.json", "peers.json", "ladder.json", "ncu.txt")


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def build(report):
    return [report.get(key) for key in ("gpu", "commit", "dry_run")]


def read_calls(folders):
    """call -> (its report, its folder), the later of two. One that saw no GPU goes with all."""
    found = [(report, folder) for folder in folders if (report := read(folder / "session.json"))]
    builds = {json.dumps(build(report)) for report, _ in found if report["gpu"]}
    if not found or len(builds) > 1:
        sys.exit(f"session: no calls, or of several builds or GPUs: {', '.join(sorted(builds))}")
    return {report["call"]: (report, folder) for report, folder in
            sorted(found, key=lambda one: one[0]["date"])}


def exit_code(calls):
    reports = [report for report, _ in calls.values()]
    seen = {step["status"] for report in reports for step in report["steps"].values()}
    if FAILED in seen:
        return 1
    bad = {NOT_RUN} if reports and reports[0]["dry_run"] else {NOT_RUN, SKIPPED}
    return 2 if bad & seen or not reports or not all(one["finished"] for one in reports) else 0


def milliseconds(spread):
    return "–" if not spread else (f"{1e3 * spread['median']:.4g} ({1e3 * spread['min']:.4g} to "
                                   f"{1e3 * spread['max']:.4g})")


def table(*rows):
    cells = [[str(cell).replace("|", "/").replace("\n", " ") for cell in row] for row in rows]
    cells.insert(1, ["---"] * len(cells[0]))
    return [f"| {' | '.join(row)} |" for row in cells] + [""]


def times(rows):
    """Of bench and peers: each beside the fastest of cuFFT on the same problem."""
    lines, cufft = [("problem", "method", "warm, ms", "cold, ms", "of the fastest cuFFT")], {}
    for row in rows:
        row["problem"] = row.get("size") or f"{row['samples']}x{row['taps']}x{row['clips']}"
        row.setdefault("not_run", "a wrong result" if not row.get("is_right", True) else
                       "extrapolated" if row.get("is_extrapolated") else "")
        if "cufft" in row["method"] and not row["not_run"]:
            cufft.setdefault(row["problem"], []).append(row["seconds"]["median"])
    for row in rows:
        what = [f"not measured: {row['not_run']}"] + ["–"] * 2
        if not row["not_run"]:
            best = min(cufft.get(row["problem"], [0]))
            what = [milliseconds(row["seconds"]), milliseconds(row.get("cold_seconds")),
                    f"{row['seconds']['median'] / best:.3g}" if best else "–"]
        lines.append((row["problem"], f"`{row['method']}`", *what))
    return table(*lines)


def bytes_line(calls):
    return calls.get("measure", [{}])[0].get("golden", "not compared")


def page(calls, names, about):
    yield f"# gpuconv on {about['gpu'] or 'no GPU'}" + (
        " (dry run: nothing here is a measurement)" if about["dry_run"] else "")
    yield f"\n**Golden bytes: {bytes_line(calls)}.**\n"
    yield f"Driver {about['driver']}, toolkit {about['toolkit']}, commit {about['commit']}. " \
          "Times are medians (min to max). Written by profiling/gpu/session.\n"
    steps = [("call", "step", "status", "seconds", "what")]
    for name in names:
        report = calls[name][0] if name in calls else {"steps": {}, "finished": False}
        steps += [(name, step, one["status"], one.get("seconds", "–"), one["reason"])
                  for step, one in report["steps"].items()]
        if not report["finished"]:
            steps.append((name, "the whole", NOT_RUN, "–",
                          "was killed" if name in calls else "no folder of it"))
    yield from table(*steps)
    results = {file: result for _, folder in calls.values() for file in KEPT
               if (result := read(folder / file))}
    for file, title in (("bench.json", "Planned, inputs resident"), ("chunks.json", "Chunk sizes"),
                        ("peers.json", "Libraries")):
        if file in results:
            yield f"## {title}\n"
            yield from times(results[file]["rows"])
    if "end_to_end.json" in results:
        yield "## File to file\n"
        yield from table(("what", "ms"), *((one["what"], milliseconds(one["seconds"]))
                                           for one in results["end_to_end.json"]["times"]))


def merge(folders, results, names):
    """Writes results/<gpu>/; calls of the same build that lie there already are kept. Exit code."""
    calls = read_calls(folders)
    about = max((report for report, _ in calls.values()), key=lambda report: report["gpu"])
    about = {key: about[key] for key in ("gpu", "driver", "commit", "toolkit", "dry_run")}
    folder = results / (re.sub(r"[^a-z0-9]+", "-", (about["gpu"] or "no gpu").lower()).strip("-"))
    folder.mkdir(parents=True, exist_ok=True)
    old = read(folder / "session.json")
    if old and build(old) == build(about) and not about["commit"].endswith(("-dirty", "unknown")):
        calls = {**{name: (report, folder) for name, report in old["calls"].items()}, **calls}
    for file in KEPT:
        sources = [source / file for _, source in calls.values() if (source / file).exists()]
        if not sources:
            (folder / file).unlink(missing_ok=True)
        elif sources[-1] != folder / file:
            shutil.copyfile(sources[-1], folder / file)
    write_json(folder / "session.json",
               {**about, "calls": {name: report for name, (report, _) in calls.items()}})
    (folder / "session.md").write_text("\n".join(page(calls, names, about)) + "\n")
    print(f"golden bytes: {bytes_line(calls)}\nreport: {folder / 'session.md'}")
    return exit_code(calls) or (2 if set(names) - set(calls) else 0)
