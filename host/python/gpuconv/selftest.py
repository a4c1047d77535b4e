"""python -m gpuconv.selftest: every method that can run here, against double precision."""

import sys

from . import __version__, _gpuconv


def main():
    """Prints a line for each method and returns how many failed."""
    print(f"gpuconv {__version__}")
    failed = 0
    for test in _gpuconv.selftest():
        name = f"{test['method']:<18}"
        if test["not_here"]:
            print(f"{name}not here: {test['not_here']}")
            continue
        failed += bool(test["failure"])
        verdict = f"FAILED: {test['failure']}" if test["failure"] else "ok"
        print(
            f"{name}{test['problems']:>3} problems, E {test['error']:.3f} u "
            f"(bound {test['bound']:.3f} u)  {verdict}"
        )
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
