#!/usr/bin/env python3
"""Checks that every test that these pages name, as `Suite.Test` or `Suite.*`, exists, and that every
line of code that docs/ladder.md quotes stands in the sources.

    tests/promises.py GPUCONV_TESTS...     programs of which at least one has each test
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ("docs/promises.md", "docs/ladder.md", "README.md")


def tests_of(program):
    """Names of its tests as Suite.Test, without instantiations and parameters."""
    listed = subprocess.run([program, "--gtest_list_tests"], check=True, capture_output=True,
                            text=True).stdout
    suite = None
    for line in listed.splitlines():
        if match := re.match(r"(?:\w*/)?(\w+)(?:/\w+)?\.", line):
            suite = match[1]
        elif match := re.match(r"  (\w+)", line):
            yield f"{suite}.{match[1]}"


def stale_quotes():
    """Lines of ```cpp blocks that no source has, white space squeezed."""
    known = {" ".join(line.split()) for folder in ("cuda", "host")
             for path in (ROOT / folder).rglob("*.[ch]*") for line in path.read_text().splitlines()}
    blocks = re.findall(r"```cpp\n(.*?)```", (ROOT / "docs/ladder.md").read_text(), re.S)
    return [line for block in blocks for line in block.splitlines()
            if " ".join(line.split()) not in known]


def main(programs):
    known = {test for program in programs for test in tests_of(program)}
    named = {(page, name) for page in PAGES
             for name in re.findall(r"`([A-Z]\w*\.[A-Z*][\w*]*)`", (ROOT / page).read_text())}
    missing = [pair for pair in sorted(named) if not fnmatch.filter(known, pair[1])]
    for page, name in missing:
        print(f"{page}: {name} is not a test", file=sys.stderr)
    stale = stale_quotes()
    for line in stale:
        print(f"docs/ladder.md: quotes a line that no source has: {line}", file=sys.stderr)
    sys.exit(bool(missing or stale) or not named)


if __name__ == "__main__":
    main(sys.argv[1:])
