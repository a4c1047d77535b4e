#!/usr/bin/env python3
"""Plants one bug at a time into kernels and choreography: do the tests notice, without a GPU?

    mutants.py                 all of them; writes profiling/results/mutants.json and mutants.md
    mutants.py --new           only those whose result is not there yet, or after an interruption
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
import concurrent.futures
import json
import os
import pathlib
import queue
import random
import subprocess
import sys
import threading
import time
import tomllib

import builds
import generated
from checks import CHECKS, EVERY_METHOD, Killer, methods_of, run_check
from mutant import Mutant, name
from results import as_record, markdown, out_of_date, summary, with_proof

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = ROOT / "profiling" / "results" / "mutants.json"

# Changes nothing, so everything must let it pass: else the tests would kill whatever it is.
CONTROL = ("cuda/methods/gpu_direct.cu", "// no barrier below", "// no barrier anywhere")


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


# Of the objects that hold large transforms, the one that compiles quickest. Most mutants of what
# they share die of it alone, with the others as they were.
QUICK = "/gpu_fused.cu.o"


def attempts(checks, last):
    """Pairs of a check and one test of it, or None for all: the one that killed `last` comes first,
    as it saves the others."""
    return [(check, last["test"]) for check in checks if last and check.name == last["check"]] + [
        (check, None) for check in checks]


def quick_killer(mutant, tree, build, last, is_brief):
    """The first check of QUICK alone that kills, or None; also where QUICK is not affected."""
    objects, _ = build.objects(mutant.path)
    quick = [made for made in objects if made.endswith(QUICK)]
    if not quick or len(objects) == 1:
        return None
    methods = methods_of(quick)
    if last and not last["test"].endswith(tuple(f"/{method}" for method in methods)):
        return None  # what others killed it has survived
    program = build.make(quick, tree.sources, tree.objects, is_brief)
    checks = [check for check in CHECKS if "METHOD" in check.tests and check.build == "emulated"
              and check.order == "forward"]
    return next(filter(None, (run_check(check, program, methods, test)
                              for check, test in attempts(checks[:3], last))), None)


def run_mutant(mutant, tree, all_builds, last, is_brief):
    """The first check that kills it, or None. `last`: what killed it the last time, if known;
    `is_brief`: whether it is to be killed, and not to survive them all."""
    before = tree.put(mutant.path, mutant.text)
    try:
        killer = quick_killer(mutant, tree, all_builds["emulated"], last, is_brief)
        if killer is not None:
            return killer
        programs = {}
        for check, test in attempts(CHECKS, last):
            build = all_builds[check.build]
            objects, tests = build.objects(mutant.path)
            if not objects and not tests:
                raise SystemExit(f"{mutant.path}: nothing is compiled from it")
            methods = methods_of(objects) if objects else EVERY_METHOD
            if not check.filter(methods):
                continue
            if check.needs_tests and not tests and methods != EVERY_METHOD:
                continue  # a method's own file harms no other kernel
            # Tests take long to compile: only where they are needed, or all there is.
            compiled = objects + (tests if check.needs_tests or not objects else [])
            made = (check.build, len(compiled))
            if made not in programs:
                programs[made] = build.make(compiled, tree.sources, tree.objects, is_brief)
            killer = run_check(check, programs[made], methods, test)
            if killer is not None:
                return killer
        return None
    finally:
        tree.put(mutant.path, before)


def run_all(mutants, harmless, jobs, all_builds, note):
    """Each mutant with its killer, None if it lives on, or why it does not compile. Those whose
    names are in `harmless` come first, as they take longest."""
    last = {record["name"]: record.get("killer")
            for record in stored_results().get("mutants", [])}
    trees = queue.SimpleQueue()
    for number in range(jobs):
        trees.put(builds.Tree(ROOT, ROOT / "build" / "mutants" / str(number)))

    def work(mutant):
        tree = trees.get()
        start = time.monotonic()
        try:
            end = run_mutant(mutant, tree, all_builds, last.get(mutant.name),
                             mutant.name not in harmless)
        except builds.DoesNotCompile as error:
            end = error
        finally:
            trees.put(tree)
        note(mutant, end, time.monotonic() - start)
        return mutant, end

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(work, sorted(mutants, key=lambda mutant: mutant.name not in harmless)))


def run_baseline(jobs, all_builds):
    """Every check on the sources as they are: it must pass, or kills mean nothing."""
    def work(check):
        return run_check(check, all_builds[check.build].folder / "gpuconv_tests",
                         EVERY_METHOD)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for check, killer in zip(CHECKS, pool.map(work, CHECKS)):
            if killer is not None:
                raise SystemExit(f"without a mutant, {check.name} fails: {killer}")
            print(f"without a mutant, {check.name} passes", flush=True)


def stored_results():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def number_of_commits():
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True,
                          text=True)
    return int(done.stdout) if done.returncode == 0 else 0


def choose(arguments, mutants, proofs):
    """Those to run now, and records of the others that stay as they are."""
    if arguments.sample:
        # Those that a full run has seen die: whether they still do is the question.
        killed = {entry["name"] for entry in json.loads(RESULTS.read_text())["mutants"]
                  if entry.get("killer")}
        able = [mutant for mutant in mutants if mutant.name in killed]
        return random.Random(number_of_commits()).sample(able, arguments.sample), []
    if arguments.only:
        return [mutant for mutant in mutants if arguments.only in
                f"{mutant.path} {mutant.kind} {mutant.name} {mutant.what}"], []
    if arguments.new:
        names = {mutant.name for mutant in mutants}
        kept = [with_proof(record, proofs.get(record["name"]))
                for record in stored_results().get("mutants", [])
                if record["name"] in names and ("killer" in record) != (record["name"] in proofs)]
        done = {record["name"] for record in kept}
        return [mutant for mutant in mutants if mutant.name not in done], kept
    return mutants, []


def progress(total, keep):
    """A function that prints a line about every mutant that is done, and hands it to `keep`."""
    done = 0
    lock = threading.Lock()

    def note(mutant, end, seconds):
        nonlocal done
        with lock:
            done += 1
            keep(mutant, end)
        words = (f"killed by {end.check}, {end.test}: {end.how}" if isinstance(end, Killer)
                 else "lives on" if end is None else f"does not compile\n{end}")
        print(f"{done} of {total}: {mutant.name} {mutant.path}:{mutant.line}: {mutant.what}: "
              f"{words} ({seconds:.0f} s)", flush=True)

    return note


def faults(ends, proofs):
    """What is not as it must be, of (mutant, its killer or None or why it does not compile)."""
    for mutant, end in ends:
        where = f"{mutant.name} {mutant.path}:{mutant.line}: {mutant.what}"
        if isinstance(end, builds.DoesNotCompile):
            yield f"{where}: does not compile"
        elif mutant.kind == "control" and end is not None:
            yield f"{where}: killed, so these tests kill anything"
        elif mutant.name in proofs and end is not None:
            yield f"{where}: killed, so it is not harmless"
        elif mutant.kind != "control" and mutant.name not in proofs and end is None:
            yield f"{where}: lives on"


def run(arguments, mutants, proofs):
    """Runs those that are asked for; returns the results and what is wrong with them."""
    chosen, kept = choose(arguments, mutants, proofs)
    for preset in ("emulated", "race"):
        subprocess.run([ROOT / ".ci" / "build", preset, "gpuconv_tests"], check=True)
    all_builds = builds.builds(ROOT)
    is_partial = arguments.sample or arguments.only
    records = {record["name"]: record for record in kept}

    def results():
        return summary([records[mutant.name] for mutant in mutants if mutant.name in records])

    def keep(mutant, end):
        if mutant.kind != "control":
            killer = end if isinstance(end, Killer) else None
            records[mutant.name] = as_record(mutant, killer, proofs.get(mutant.name))
        if not is_partial:
            RESULTS.write_text(json.dumps(results(), indent=1) + "\n")
            RESULTS.with_suffix(".md").write_text(markdown(results()))

    if not is_partial and not arguments.known_good:
        run_baseline(arguments.jobs, all_builds)
    ends = run_all([control(), *chosen], proofs.keys(), arguments.jobs, all_builds,
                   progress(len(chosen) + 1, keep))
    return results(), list(faults(ends, proofs))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--known-good", action="store_true",
                        help="the sources as they are have passed these checks: do not run them")
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
        if reasons:
            print("\n".join([*reasons, "mutants.json is out of date: run make mutants"]))
        return 1 if reasons else 0
    results, wrong = run(arguments, mutants, proofs)
    print("\n".join([markdown(results), *wrong]))
    print(f"mutants: {results['killed']} of {results['total']} killed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
