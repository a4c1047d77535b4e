#!/usr/bin/env python3
"""Plants one bug at a time into kernels and choreography: do the tests notice, without a GPU?

    mutants.py                 all of them; writes profiling/results/mutants.json and mutants.md
    mutants.py --new           only those whose result is not there yet
    mutants.py --sample 8      some, drawn by the number of commits; writes nothing
    mutants.py --only TEXT     those with TEXT in file, kind, name or words; writes nothing
    mutants.py --list          names them
    mutants.py --check         is there a result for each, and none for others?

Mutants are generated from the sources (generated.py) and made by hand (hand_made.toml). One that no
test can kill has to be listed in harmless.toml with the proof; it is run all the same, and must
survive. Each starts from the builds of the presets emulated and race, which are brought up to date
first; the checkout is not touched.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import queue
import random
import re
import subprocess
import sys
import time
import tomllib

import builds
import generated
from mutant import Mutant, name

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / "profiling" / "results" / "mutants.json"

# Changes nothing, so everything must let it pass: else the tests would kill whatever it is.
CONTROL = ("cuda/methods/gpu_direct.cu", "// no barrier below", "// no barrier anywhere")


@dataclasses.dataclass(frozen=True)
class Check:
    """Tests that a mutant has to pass. METHOD stands for each method that it may harm."""
    name: str
    build: str
    tests: str
    seconds: int
    order: str = "forward"
    streams: str = "lazy"
    needs_tests: bool = False  # whether test files that include the mutant are compiled, too

    def filter(self, methods):
        words = self.tests.split()
        return ":".join(dict.fromkeys(word.replace("METHOD", method)
                                      for word in words for method in methods))


# In order of cost.
CHECKS = (
    Check("blocks", "emulated", "*Blockwise.*/METHOD Cost.* GpuRenderer.* *Lengths.* NextSmooth.*",
          60),
    Check("every method", "emulated", "*EveryMethod.*/METHOD", 120),
    Check("golden bytes", "emulated", "*Golden.*/METHOD", 60),
    Check("reverse order", "emulated", "*Blockwise.*/METHOD *EveryMethod.Agrees*/METHOD", 180,
          order="reverse", streams="eager"),
    Check("random order", "emulated", "*Blockwise.*/METHOD *EveryMethod.Agrees*/METHOD", 180,
          order="warp:1", streams="random:1"),
    Check("race shadow", "race", "*Blockwise.*/METHOD *Golden.*/METHOD", 120),
    Check("transforms", "emulated", "*Radix2.*/? *Radix2.*/12 *Radix2.*/13 UnitRoots.* "
          "StageTwiddles.*", 120, needs_tests=True),
    Check("shapes", "emulated", "*Shapes.*/METHOD *Properties.*/METHOD", 400),
)

HOW = (
    ("race", r"\brace: "),
    ("divergent barrier", r"divergent (barrier|warp)|with a mask that"),
    ("memory guard", r"was overrun|bytes of shared memory, was granted|take different shared"),
    ("sanitizer", r"AddressSanitizer|LeakSanitizer|runtime error: "),
    ("other bytes", r"other bytes; replay"),
    ("less accurate", r"less accurate than before"),
    ("CUDA error", r"\(cudaError\w+ = \d+\) from"),
)


@dataclasses.dataclass(frozen=True)
class Killer:
    check: str
    test: str
    how: str


def load(root=ROOT):
    """All mutants, and the proofs of the harmless ones by name."""
    mutants = generated.generate(root)
    for entry in tomllib.loads((HERE / "hand_made.toml").read_text())["mutant"]:
        text = (root / entry["file"]).read_text()
        if text.count(entry["old"]) != 1:
            raise SystemExit(f"hand_made.toml: {entry['file']}: not exactly once: {entry['old']}")
        start = text.index(entry["old"])
        mutants.append(Mutant("hand-made", entry["file"], text, start, start + len(entry["old"]),
                              entry["new"], entry["what"]))
    name(mutants)
    proofs = {}
    for entry in tomllib.loads((HERE / "harmless.toml").read_text()).get("mutant", []):
        fitting = [mutant for mutant in mutants
                   if mutant.key() == (entry["file"], entry["old"], entry["new"])]
        if not fitting:
            raise SystemExit(f"harmless.toml: {entry['file']}: no such mutant: {entry['new']}")
        proofs.update({mutant.name: " ".join(entry["proof"].split()) for mutant in fitting})
    return mutants, proofs


def control():
    path, old, new = CONTROL
    text = (ROOT / path).read_text()
    start = text.index(old)
    mutant = Mutant("control", path, text, start, start + len(old), new, "a comment changed")
    return name([mutant])[0]


def methods_of(objects):
    """Names of the methods, as tests write them, that a change of these objects can harm."""
    found = [re.search(r"/methods/(gpu_\w+)\.cu\.o$", made) for made in objects]
    if found and all(found):
        return [match.group(1) for match in found]
    return ["gpu_*"]


def run_check(check, program, methods):
    """None if the mutant lives on."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("GPUCONV_", "GTEST_"))}
    environment.update(GPUCONV_EMULATED_ORDER=check.order, GPUCONV_EMULATED_STREAMS=check.streams)
    command = [str(program), f"--gtest_filter={check.filter(methods)}", "--gtest_fail_fast"]
    try:
        done = subprocess.run(command, env=environment, cwd=program.parent, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=check.seconds)
    except subprocess.TimeoutExpired as error:
        return judge(check, None, (error.stdout or b"").decode(errors="replace"))
    return judge(check, done.returncode, done.stdout)


def judge(check, code, output):
    """What a run of tests says; `code` is None if it did not end in time."""
    if code == 0:
        if not re.search(r"^\[  PASSED  \] [1-9]", output, re.MULTILINE):
            raise SystemExit(f"{check.name}: no test ran\n{output[-2000:]}")
        return None
    tests = (re.findall(r"^\[  FAILED  \] ([^\s,]+)", output, re.MULTILINE)[:1] or
             re.findall(r"^\[ RUN      \] (\S+)", output, re.MULTILINE)[-1:] or ["?"])
    how = "does not end" if code is None else next(
        (words for words, pattern in HOW if re.search(pattern, output)),
        "wrong result" if "[  FAILED  ]" in output else "crash")
    return Killer(check.name, tests[0].split("/")[0] + "/" + tests[0].split("/")[-1]
                  if "/" in tests[0] else tests[0], how)


def run_mutant(mutant, tree, all_builds):
    """The first check that kills it, or None."""
    before = tree.put(mutant.path, mutant.text)
    try:
        programs = {}
        for check in CHECKS:
            build = all_builds[check.build]
            objects, tests = build.objects(mutant.path)
            if not objects:
                raise SystemExit(f"{mutant.path}: no object depends on it")
            if check.needs_tests:
                if not tests and not mutant.path.startswith("cuda/fft/"):
                    continue
                objects = objects + tests
            made = (check.build, tuple(objects))
            if made not in programs:
                programs[made] = build.make(objects, tree.sources, tree.objects)
            killer = run_check(check, programs[made], methods_of(build.objects(mutant.path)[0]))
            if killer is not None:
                return killer
        return None
    finally:
        tree.put(mutant.path, before)


def run_all(mutants, jobs, all_builds, note):
    """Killers by name; what does not compile is a mistake and stops everything."""
    trees = queue.SimpleQueue()
    for number in range(jobs):
        trees.put(builds.Tree(ROOT, ROOT / "build" / "mutants" / str(number)))

    def work(mutant):
        tree = trees.get()
        start = time.monotonic()
        try:
            killer = run_mutant(mutant, tree, all_builds)
        except builds.DoesNotCompile as error:
            killer = error
        finally:
            trees.put(tree)
        note(mutant, killer, time.monotonic() - start)
        return mutant.name, killer

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return dict(pool.map(work, mutants))


def run_baseline(all_builds):
    """Every check on the sources as they are: it must pass, or kills mean nothing."""
    for check in CHECKS:
        killer = run_check(check, all_builds[check.build].folder / "gpuconv_tests", ["gpu_*"])
        if killer is not None:
            raise SystemExit(f"without a mutant, {check.name} fails: {killer.test}, {killer.how}")
        print(f"mutants: without one, {check.name}: passed", flush=True)


def as_record(mutant, killer, proof):
    record = {"name": mutant.name, "kind": mutant.kind, "file": mutant.path, "line": mutant.line,
              "what": mutant.what, "old": mutant.old, "new": mutant.new}
    if killer is not None:
        record["killer"] = dataclasses.asdict(killer)
    if proof is not None:
        record["harmless"] = proof
    return record


def summary(records):
    counted = [record for record in records if "harmless" not in record]
    return {"killed": sum("killer" in record for record in counted), "total": len(counted),
            "harmless": len(records) - len(counted), "mutants": records}


def markdown(results):
    """The table of who killed whom."""
    lines = [f"# Mutants: {results['killed']} of {results['total']} killed",
             "", "Written by tests/mutants/mutants.py; no GPU was used. Each mutant meets the "
             "checks from left to right", "until one kills it.", ""]
    kinds = list(dict.fromkeys(record["kind"] for record in results["mutants"]))
    checks = [check.name for check in CHECKS]
    counts = collections.Counter((record["kind"], record["killer"]["check"])
                                 for record in results["mutants"] if "killer" in record)
    columns = ["kind", *checks, "harmless"]
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for kind in kinds:
        harmless = sum(record["kind"] == kind and "harmless" in record
                       for record in results["mutants"])
        cells = [str(counts[kind, check] or "") for check in checks] + [str(harmless or "")]
        lines.append("| " + " | ".join([kind, *cells]) + " |")
    lines += ["", "| mutant | where | what | killed by | how |", "|---|---|---|---|---|"]
    for record in results["mutants"]:
        killer = record.get("killer")
        killed = f"{killer['check']}: `{killer['test']}` | {killer['how']}" if killer else "– | "
        lines.append(f"| {record['name']} | {record['file']}:{record['line']} | "
                     f"{record['what'].replace('|', chr(92) + '|')} | {killed} |")
    harmless = [record for record in results["mutants"] if "harmless" in record]
    if harmless:
        lines += ["", "## Harmless", ""]
        lines += [f"- {record['name']}, {record['file']}: `{record['old']}` becomes "
                  f"`{record['new']}`. {record['harmless']}" for record in harmless]
    return "\n".join(lines) + "\n"


def out_of_date(mutants, proofs, results):
    """Why the stored results do not fit the sources; empty if they do."""
    stored = {record["name"]: record for record in results.get("mutants", [])}
    names = {mutant.name for mutant in mutants}
    missing = [mutant for mutant in mutants if mutant.name not in stored]
    reasons = [f"{mutant.path}:{mutant.line}: {mutant.what}: not run" for mutant in missing]
    reasons += [f"{record['file']}: {record['what']}: no longer there"
                for stored_name, record in stored.items() if stored_name not in names]
    reasons += [f"{record['file']}: {record['what']}: not killed"
                for stored_name, record in stored.items()
                if "killer" not in record and stored_name not in proofs]
    return reasons


def stored_results():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def number_of_commits():
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True,
                          text=True)
    return int(done.stdout) if done.returncode == 0 else 0


def choose(arguments, mutants, proofs):
    """Those to run now, and records of the others that stay as they are."""
    if arguments.sample:
        able = [mutant for mutant in mutants if mutant.name not in proofs]
        return random.Random(number_of_commits()).sample(able, arguments.sample), []
    if arguments.only:
        return [mutant for mutant in mutants if arguments.only in
                f"{mutant.path} {mutant.kind} {mutant.name} {mutant.what}"], []
    if arguments.new:
        names = {mutant.name for mutant in mutants}
        kept = [record for record in stored_results().get("mutants", [])
                if record["name"] in names and ("killer" in record) != (record["name"] in proofs)]
        done = {record["name"] for record in kept}
        return [mutant for mutant in mutants if mutant.name not in done], kept
    return mutants, []


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--new", action="store_true")
    which.add_argument("--sample", type=int)
    which.add_argument("--only")
    which.add_argument("--list", action="store_true")
    which.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    mutants, proofs = load()
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name} {mutant.path}:{mutant.line}: {mutant.kind}: {mutant.what}")
        return 0
    if arguments.check:
        reasons = out_of_date(mutants, proofs, stored_results())
        print("\n".join(reasons))
        if reasons:
            print("mutants.json is out of date: run make mutants")
        return 1 if reasons else 0

    chosen, kept = choose(arguments, mutants, proofs)
    for preset in ("emulated", "race"):
        subprocess.run([ROOT / ".ci" / "build", preset, "gpuconv_tests"], check=True)
    all_builds = builds.builds(ROOT)
    writes = not (arguments.sample or arguments.only)
    if writes:
        run_baseline(all_builds)
    done = 0

    def note(mutant, killer, seconds):
        nonlocal done
        done += 1
        words = ("SURVIVED" if killer is None else f"{killer.check}, {killer.test}, {killer.how}"
                 if isinstance(killer, Killer) else f"DOES NOT COMPILE\n{killer}")
        print(f"{done} of {len(chosen) + 1}: {mutant.name} {mutant.path}:{mutant.line}: "
              f"{mutant.what}: {words} ({seconds:.0f} s)", flush=True)

    dummy = control()
    killers = run_all([dummy, *chosen], arguments.jobs, all_builds, note)
    faults = [f"{mutant.name}: does not compile" for mutant in chosen
              if isinstance(killers[mutant.name], builds.DoesNotCompile)]
    if killers[dummy.name] is not None:
        faults.append("a changed comment was killed: these tests kill anything")
    faults += [f"{mutant.name}: killed, so it is not harmless" for mutant in chosen
               if mutant.name in proofs and killers[mutant.name] is not None]
    faults += [f"{mutant.name} {mutant.path}:{mutant.line}: {mutant.what}: survived"
               for mutant in chosen if mutant.name not in proofs and killers[mutant.name] is None]
    records = {record["name"]: record for record in kept}
    records.update({mutant.name: as_record(
        mutant, killers[mutant.name] if isinstance(killers[mutant.name], Killer) else None,
        proofs.get(mutant.name)) for mutant in chosen})
    results = summary([records[mutant.name] for mutant in mutants if mutant.name in records])
    if writes:
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        RESULTS.with_suffix(".md").write_text(markdown(results))
    print(markdown(results))
    print("\n".join(faults))
    print(f"mutants: {results['killed']} of {results['total']} killed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
