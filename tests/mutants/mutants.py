#!/usr/bin/env python3
"""Plants one bug at a time into kernels and choreography: do the tests notice, without a GPU?

    mutants.py                 all of them, which takes hours
    mutants.py --sample 4      some that can be killed, drawn by the number of commits from files that
                               no other file includes, so that each compiles in a minute
    mutants.py --only TEXT     those with TEXT in file, kind or words
    mutants.py --list          names them

Prints for each mutant the check and the test that killed it; at the end how many each check killed,
and what lives on. Exit code 1 if a mutant lives on that should not.

Mutants are generated from the sources (generated.py) and made by hand (hand_made.toml). One that no
test can kill has to be listed in harmless.toml with the proof; it is run all the same, and must
survive. Each starts from the builds of the presets emulated and race, which are brought up to date
first; the checkout is not touched.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import queue
import random
import subprocess
import sys
import time
import tomllib

import builds
import generated
from checks import CHECKS, EVERY_METHOD, Killer, methods_of, run_check
from generated import Mutant

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Changes nothing, so everything must let it pass: otherwise the tests would kill anything.
CONTROL = ("cuda/methods/gpu_direct.cu", "// no barrier below", "// no barrier anywhere")


def by_hand(kind, path, old, new, what):
    text = (ROOT / path).read_text()
    if text.count(old) != 1:
        raise SystemExit(f"mutants.py: {path}: not exactly once: {old}")
    start = text.index(old)
    return Mutant(kind, path, text, start, start + len(old), new, what)


def load():
    """All mutants, the harmless ones with their proofs."""
    mutants = generated.generate(ROOT)
    for path, changes in tomllib.loads((HERE / "hand_made.toml").read_text()).items():
        mutants += [by_hand("hand-made", path, old, new, what)
                    for what, (old, new) in changes.items()]
    for entry in tomllib.loads((HERE / "harmless.toml").read_text())["mutant"]:
        for path in entry["files"]:
            fitting = [mutant for mutant in mutants if
                       (mutant.path, mutant.old, mutant.new) == (path, entry["old"], entry["new"])]
            if not fitting:
                raise SystemExit(f"harmless.toml: {path}: no such mutant: {entry['new']}")
            for mutant in fitting:
                mutant.proof = entry["proof"]
    return mutants


# Of the objects that hold large transforms, the one that compiles quickest. Most mutants of what
# they share die of it alone, with the others as they were.
QUICK = "/gpu_fused.cu.o"


def quick_killer(mutant, tree, build):
    """The first check of QUICK alone that kills, or None; also where QUICK is not affected."""
    objects, _ = build.objects(mutant.path)
    quick = [made for made in objects if made.endswith(QUICK)]
    if not quick or len(objects) == 1:
        return None
    program = build.make(quick, tree.sources, tree.objects, mutant.proof is None)
    checks = [check for check in CHECKS if "METHOD" in check.tests and check.build == "emulated"
              and check.order == "forward"]
    return next(filter(None, (run_check(check, program, methods_of(quick))
                              for check in checks[:3])), None)


def first_killer(mutant, tree, all_builds):
    """The first check that kills it, or None."""
    killer = quick_killer(mutant, tree, all_builds["emulated"])
    if killer is not None:
        return killer
    programs = {}
    for check in CHECKS:
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
            # One that will soon be killed is compiled in haste.
            programs[made] = build.make(compiled, tree.sources, tree.objects, mutant.proof is None)
        killer = run_check(check, programs[made], methods)
        if killer is not None:
            return killer
    return None


def run_mutant(mutant, tree, all_builds):
    """Its killer, None if it lives on, or why it does not compile."""
    before = tree.put(mutant.path, mutant.text)
    try:
        return first_killer(mutant, tree, all_builds)
    except builds.DoesNotCompile as error:
        return error
    finally:
        tree.put(mutant.path, before)


def words_of(end):
    return (f"killed by {end.check}, {end.test}: {end.how}" if isinstance(end, Killer) else
            "lives on" if end is None else f"does not compile\n{end}")


def run_all(mutants, jobs, all_builds):
    """Each mutant with its end, as run_mutant() returns it. Those with a proof come first, as they
    take longest."""
    trees = queue.SimpleQueue()
    for number in range(jobs):
        trees.put(builds.Tree(ROOT, ROOT / "build" / "mutants" / str(number)))

    def work(mutant):
        tree = trees.get()
        start = time.monotonic()
        try:
            end = run_mutant(mutant, tree, all_builds)
        finally:
            trees.put(tree)
        print(f"{mutant.title}: {words_of(end)} ({time.monotonic() - start:.0f} s)", flush=True)
        return mutant, end

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(work, sorted(mutants, key=lambda mutant: mutant.proof is None)))


def run_baseline(jobs, all_builds):
    """Every check on the sources as they are: it must pass, or kills mean nothing."""
    def work(check):
        return run_check(check, all_builds[check.build].folder / "gpuconv_tests", EVERY_METHOD)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for check, killer in zip(CHECKS, pool.map(work, CHECKS)):
            if killer is not None:
                raise SystemExit(f"without a mutant, {check.name} fails: {killer}")
            print(f"without a mutant, {check.name} passes", flush=True)


def number_of_commits():
    done = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True,
                          text=True)
    return int(done.stdout) if done.returncode == 0 else 0


def choose(arguments, mutants):
    if arguments.sample:
        # Those of headers compile all kernels, and those of the renderer run the tests of all
        # methods: minutes each. tools/test-long runs them.
        able = [mutant for mutant in mutants
                if mutant.proof is None and not mutant.path.endswith((".cuh", ".hpp"))
                and mutant.path.startswith("cuda/")]
        return random.Random(number_of_commits()).sample(able, arguments.sample)
    return [mutant for mutant in mutants
            if (arguments.only or "") in f"{mutant.kind} {mutant.title}"]


def faults(ends):
    """What is not as it must be, of pairs of a mutant and its end."""
    for mutant, end in ends:
        must_live = mutant.kind == "control" or mutant.proof is not None
        if must_live and end is not None:
            yield f"{mutant.title}: should live on, but: {words_of(end)}"
        elif not must_live and not isinstance(end, Killer):
            yield f"{mutant.title}: {words_of(end)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--sample", type=int)
    which.add_argument("--only")
    which.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    mutants = load()
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.kind}: {mutant.title}" + (" (harmless)" if mutant.proof else ""))
        return 0
    chosen = choose(arguments, mutants)
    for preset in ("emulated", "race"):
        subprocess.run([ROOT / "tools" / "build", preset, "gpuconv_tests"], check=True)
    all_builds = builds.builds(ROOT)
    if not arguments.sample and not arguments.only:
        run_baseline(arguments.jobs, all_builds)
    ends = run_all([by_hand("control", *CONTROL, "a comment changed"), *chosen], arguments.jobs,
                   all_builds)
    for check, count in collections.Counter(end.check for _, end in ends
                                            if isinstance(end, Killer)).items():
        print(f"{check} killed {count}")
    wrong = list(faults(ends))
    print("\n".join(wrong + [f"mutants: {len(chosen)} planted, {len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
