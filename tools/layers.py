#!/usr/bin/env python3
"""Checks that #include lines run downwards only: a folder includes itself and those before it."""
import pathlib
import re
import sys

# In the order of a sample's road. The first folder that begins a file's path is its own.
ORDER = """
cuda/runtime cuda/fft cuda/methods cuda/blocks cuda/peers
host/base host/files host/read host/room host/methods host/write
host/render host/scene host/batch host/bench host/api host/cli host/python
profiling tests
""".split()
INCLUDE = re.compile(r'^#include "((?:cuda|host|tests|profiling|gpuconv)/[^"]+)"', re.M)


def level(path):
    return next((i for i, folder in enumerate(ORDER) if path.startswith(folder + "/")), None)


def main():
    root = pathlib.Path(__file__).parent.parent
    wrong = []
    for folder in ORDER:
        for path in sorted((root / folder).rglob("*.[chi]*")):
            name = str(path.relative_to(root))
            for included in INCLUDE.findall(path.read_text(errors="replace")):
                if included.startswith("gpuconv/"):  # the library's own headers
                    included = "host/api/" + included
                if level(included) is None or level(included) > level(name):
                    wrong.append(f"{name} includes {included}, which is above it")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    sys.exit(bool(wrong))


main()
