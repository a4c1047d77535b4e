#!/usr/bin/env python3
"""Counts the machine instructions of the large transforms: what share of them is arithmetic?

    profiling/kernels/sass.py [--arch 90]

Prints a table. Needs nvcc, cuobjdump and nvdisasm on the PATH (of the toolkit, or "pip install
nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm"); without them it says "not run". Takes minutes. Fails if
a kernel touches local memory, or is not of the form that the counts rely on.

Counted are the instructions of the busiest thread, where a stage's loop counts as often as the shape
says, with what only the ends of a signal need. "issued" are those of all warps of a block together,
of which some have nothing to do in some stages. Float instructions are the work; the rest computes
where elements stand, checks bounds, and moves them.
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from block_shape import Kernel

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = [path for path in sorted((ROOT / "cuda").rglob("*.cu"))
           if re.search("ColumnShapes|RowShapes|FusedShapes", path.read_text())]
FLAGS = ("-std=c++20", "-O3", "-fmad=false", "-I.")  # of CMakeLists.txt

CLASSES = {
    "float": "FADD FMUL FFMA FADD2 FMUL2 FFMA2",
    "shared": "LDS STS",
    "global": "LDG STG",
    "local": "LDL STL",
    "constant": "LDC ULDC LDCU",
    "special": "MUFU I2F F2I POPC S2R S2UR",
    "move": "MOV UMOV HFMA2 CS2R SEL USEL FSEL PRMT R2UR",
    "integer": "IADD3 IADD UIADD3 VIADD LEA ULEA IMAD UIMAD LOP3 ULOP3 SHF USHF ISETP UISETP PLOP3 "
               "UPLOP3 IABS VIMNMX IMNMX VIADDMNMX R2P FLO SGXT FSETP",
    "control": "BRA BSSY BSYNC EXIT BAR NOP WARPSYNC CALL RET PREEXIT ACQBULK",
}
CLASS_OF = {name: kind for kind, names in CLASSES.items() for name in names.split()}


def class_of(operation):
    if operation.startswith("IMAD.MOV"):
        return "move"
    name = operation.split(".")[0]
    if name not in CLASS_OF:
        sys.exit(f"instruction {operation}: of no known class")
    return CLASS_OF[name]


def instructions(text):
    """(operation, target of a branch or None) in the order of a function's listing."""
    found = []
    for operation, operands in re.findall(
            r"/\*[0-9a-f]{4,5}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)([^;]*);", text):
        target = re.search(r"0x([0-9a-f]+)", operands) if operation.startswith("BRA") else None
        found.append((operation, int(target[1], 16) // 16 if target else None))
    return found


def halves(code, begin, end):
    """Of a loop with one condition: what either side of it executes, of which each trip takes one."""
    for at in range(begin, end):
        other = code[at][1]
        if other is not None and at < other <= end:
            operation, join = code[other - 1]
            if operation == "BRA" and join is not None and other < join <= end:
                return [*range(at + 1, other), *range(other, join)]
    sys.exit("no condition in the loop of a mirrored stage")


def trips(kernel, code):
    """How often the busiest thread executes each instruction, how often all warps of a block do, and
    how many loops only compute where an element stands."""
    loops = [(target, at) for at, (_, target) in enumerate(code)
             if target is not None and target < at]
    memory = [class_of(operation) in ("shared", "global") for operation, _ in code]
    stages = sorted(loop for loop in loops if any(memory[loop[0]:loop[1] + 1]))
    last = len(kernel.radices) - 1
    order = [stage for is_forward in kernel.passes()
             for stage in (range(last) if is_forward else reversed(range(last)))
             if kernel.butterflies(stage) != kernel.threads]  # the others are not loops
    if len(stages) != len(order):
        sys.exit(f"{kernel.name}: {len(stages)} loops over shared memory, expected {len(order)}")
    counts, issued = [1] * len(code), [kernel.threads // 32] * len(code)
    for (begin, end), stage in zip(stages, order):
        for at in range(begin, end + 1):
            counts[at], issued[at] = kernel.repeats(stage), kernel.rounds(stage)
        if kernel.is_mirrored(stage):
            for at in halves(code, begin, end):
                counts[at] //= 2
                issued[at] //= 2
    # One for each digit but the first, of the longest number in the warp (BlockShape::place).
    digits = (kernel.length - 1).bit_length()
    base = max(2, 16 // kernel.lanes).bit_length() - 1
    others = [loop for loop in loops if loop not in stages]
    for begin, end in others:
        for at in range(begin, end + 1):
            counts[at] *= -(-digits // base) - 1
            issued[at] *= -(-digits // base) - 1
    return counts, issued, len(others)


def width(operation):
    """LDG.E.128.CONSTANT -> LDG.128"""
    bits = re.search(r"\.(64|128)\b", operation)
    return f"{operation[:3]}.{bits[1] if bits else 32}"


def count(kernel, registers, text):
    code = instructions(text)
    # The listing ends in a branch to itself and padding.
    end = next(at for at, (_, target) in enumerate(code) if target == at)
    code = code[:end]
    executed, issued, address_loops = trips(kernel, code)
    total, classes, accesses = 0, collections.Counter(), collections.Counter()
    for (operation, _), times in zip(code, executed):
        name = class_of(operation)
        if name == "local":
            sys.exit(f"{kernel.name}: local memory")
        total += times
        classes[name] += times
        if name in ("shared", "global"):
            accesses[width(operation)] += times
    return {"kernel": kernel, "registers": registers, "executed": total, "issued": sum(issued),
            "address_loops": address_loops, "classes": classes, "accesses": accesses}


def read(source, arch, folder):
    cubin = pathlib.Path(folder) / "kernels.cubin"
    report = subprocess.run(["nvcc", *FLAGS, f"-arch=sm_{arch}", "-Xptxas=-v", "-cubin", "-o",
                             str(cubin), source], cwd=ROOT, capture_output=True, text=True,
                            check=True).stderr
    registers = dict(re.findall(r"entry function '(\w+)'.*?Used (\d+) registers", report, re.S))
    listing = subprocess.run(["cuobjdump", "-sass", str(cubin)], capture_output=True, text=True,
                             check=True).stdout
    rows = []
    for text in listing.split("Function : ")[1:]:
        mangled = text.split("\n", 1)[0].strip()
        kernel = Kernel.of(mangled)
        if kernel is not None:
            rows.append(count(kernel, int(registers[mangled]), text))
    return rows


def read_all(arch="90"):
    """A row for each kernel of the large transforms that runs more than once a plan."""
    missing = [tool for tool in ("nvcc", "cuobjdump", "nvdisasm")
               if shutil.which(tool) is None]
    if missing:
        sys.exit(f"not run: no {', no '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for source in SOURCES for row in read(source, arch, folder)]
    return sorted((row for row in rows if row["kernel"].kind != "fused_spectrum"),
                  key=lambda row: (row["kernel"].kind, row["kernel"].length))


def cells(row):
    def share(*names):
        return f"{sum(row['classes'][name] for name in names) / row['executed']:.0%}"

    def widths(operations, bits):
        return ", ".join("/".join(str(row["accesses"][f"{operation}.{b}"]) for b in bits)
                         for operation in operations)

    return (row["kernel"].name, row["registers"], row["executed"], row["issued"], share("float"),
            share("integer", "special"), share("control"), share("move", "constant"),
            share("global", "shared"), row["address_loops"], widths(("LDG", "STG"), (128, 64, 32)),
            widths(("LDS", "STS"), (128, 64)))


def show(*rows):
    """Columns as wide as their widest cell."""
    widths = [max(len(str(row[at])) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="90")
    show(("kernel", "registers", "executed", "issued", "float", "integer", "control", "moves", "memory",
          "address loops", "LDG, STG of 16/8/4 bytes", "LDS, STS of 16/8 bytes"),
         *map(cells, read_all(parser.parse_args().arch)))


if __name__ == "__main__":
    main()
