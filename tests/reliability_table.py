#!/usr/bin/env python3
"""Checks tests/reliability_table.md: every row is there, and every test that it names.

usage: reliability_table.py GPUCONV_TESTS...   programs of which at least one has each test
"""

import pathlib
import re
import subprocess
import sys

TABLE = pathlib.Path(__file__).with_suffix(".md")
ROWS = range(1, 66)


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


def rows_of(table):
    """Number of each row -> its last column."""
    rows = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not cells[0].isdigit():
            continue
        number = int(cells[0])
        if number in rows:
            raise ValueError(f"row {number} is there twice")
        rows[number] = cells[3]
    return rows


def problems_of(rows, known):
    """What is wrong with the table, in words."""
    problems = [f"row {number} is missing" for number in ROWS if number not in rows]
    problems += [f"row {number} is none of the survey" for number in rows if number not in ROWS]
    for number, tests in rows.items():
        named = re.findall(r"`(\w+\.\w+)`", tests)
        if not named or re.sub(r"`\w+\.\w+`", "", tests).strip():
            problems.append(f"row {number} names no tests, but: {tests}")
        problems += [f"row {number} names {test}, which is no test" for test in named
                     if test not in known]
    return problems


def main(programs):
    if not programs:
        sys.exit(__doc__)
    known = {test for program in programs for test in tests_of(program)}
    rows = rows_of(TABLE.read_text())
    problems = problems_of(rows, known)
    for problem in problems:
        print(f"{TABLE.name}: {problem}", file=sys.stderr)
    print(f"{TABLE.name}: {len(rows)} rows have tests")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main(sys.argv[1:])
