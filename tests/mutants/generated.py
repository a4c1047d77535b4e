"""Mutants that follow from the text of the sources: one small change each, found by its form.

barrier   a __syncthreads() or __syncwarp() is left out; a __syncthreads() becomes a __syncwarp()
event     an event is not recorded or not waited for, a stream not waited for
guard     a condition that keeps an index in its bounds is left out: each part of an if or of a
          ?: in device code, and each early return
boundary  a comparison in device code is off by one: < becomes <=, and so on
clamp     min(a, b) or max(a, b) becomes a, or b

Nothing is listed by hand: a new kernel file is found, and its mutants with it.
"""

import pathlib
import re

KERNELS = ("cuda/**/*.cu", "cuda/**/*.cuh")
CHOREOGRAPHY = ("cuda/**/*.cpp", "cuda/**/*.hpp", "host/render/block_queue.cpp",
                "host/render/gpu_renderer.cpp")


class Mutant:
    """One change to one source file: `text` of `path` with [start, end) replaced by `new`."""

    def __init__(self, kind, path, text, start, end, new, what):
        self.kind = kind
        self.path = path
        self.text = text[:start] + new + text[end:]
        line = text.count("\n", 0, start) + 1
        self.title = f"{path}:{line}: {what}"
        self.proof = None  # that nothing can kill it, where there is one
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        last = len(text) if last < 0 else last
        # The whole lines, so that a reader sees what is meant.
        self.old = " ".join(text[first:last].split())
        self.new = " ".join((text[first:start] + new + text[end:last]).split())


def end_of_bracket(code, start):
    """Where the bracket that opens at `start` has closed."""
    depth = 0
    for at in range(start, len(code)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(code[at], 0)
        if depth == 0:
            return at + 1
    raise ValueError(f"a bracket does not close: {code[start:start + 40]!r}")


def masked(text):
    """`text` with blanks for comments, literals and what the compiler decides, the rest where it
    was: a constexpr guards no index, and a wrong one may not compile."""
    pattern = (r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
               r"|\bstatic_assert\([^;]*;")
    code = re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.DOTALL)
    for match in re.finditer(r"\bconstexpr\b", code):
        end = match.end()
        if code[:match.start()].endswith("if "):
            end = end_of_bracket(code, end + 1)
        else:
            while code[end] not in ";{":
                end = end_of_bracket(code, end) if code[end] == "(" else end + 1
            end = end_of_bracket(code, end) if code[end] == "{" else end
        blank = re.sub(r"[^\n;{}]", " ", code[match.start():end])
        code = code[:match.start()] + blank + code[end:]
    return code


def device_code(code):
    """Bodies of the __global__ and __device__ functions, as (start, end)."""
    bodies = []
    for match in re.finditer(r"__(?:global|device)__", code):
        at = match.end()
        while code[at] not in ";{":
            at = end_of_bracket(code, at) if code[at] in "([" else at + 1
        if code[at] == "{" and (not bodies or at >= bodies[-1][1]):
            bodies.append((at, end_of_bracket(code, at)))
    return bodies


def split(code, start, end, separator):
    """The parts of code[start:end] between `separator` outside brackets, as (start, end)."""
    parts, at, begin = [], start, start
    while at < end:
        if code[at] in "([{":
            at = end_of_bracket(code, at)
        elif code.startswith(separator, at):
            parts.append((begin, at))
            at += len(separator)
            begin = at
        else:
            at += 1
    parts.append((begin, end))
    return [(a + len(code[a:b]) - len(code[a:b].lstrip()), a + len(code[a:b].rstrip()))
            for a, b in parts]


def start_of_condition(code, question):
    """Where the condition of the ?: at `question` begins."""
    before = re.compile(r"[,;?]|(?<!:):(?!:)|(?<![<>=!])=(?!=)|(?<=return)\s")
    depth = 0
    for at in range(question - 1, -1, -1):
        depth += {")": 1, "]": 1, "}": 1, "(": -1, "[": -1, "{": -1}.get(code[at], 0)
        if depth < 0 or depth == 0 and before.match(code, at):
            break
    return at + 1 + len(code[at + 1:question]) - len(code[at + 1:question].lstrip())


class Source:
    """One file, and what is found in it."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text()
        self.code = masked(self.text)
        self.bodies = device_code(self.code)
        self.mutants = []

    def is_device_code(self, at):
        return any(start <= at < end for start, end in self.bodies)

    def add(self, kind, start, end, new, what):
        self.mutants.append(Mutant(kind, self.path, self.text, start, end, new, what))

    def leave_out(self, kind, start, end):
        call = " ".join(self.text[start:end].split()).rstrip(";")
        self.add(kind, start, end, ";", f"without {call}")

    def barriers(self):
        for match in re.finditer(r"__sync(threads|warp)\([^()]*\);", self.code):
            self.leave_out("barrier", match.start(), match.end())
            if match.group(1) == "threads":
                self.add("barrier", match.start(), match.end(), "__syncwarp();",
                         "__syncwarp() for __syncthreads()")

    def events(self):
        call = (r"(?:[\w.\]]|\[\w+\]|\(\w*\)|->)+(?:\.|->)(?:record|synchronize)\(|\bwait\("
                r"|\bGPUCONV_CUDA\(cuda(?:Event|Stream)(?:Record|WaitEvent|Synchronize)\w*\(")
        for match in re.finditer(call, self.code):
            end = end_of_bracket(self.code, match.end() - 1)
            before = self.code[:match.start()].rstrip()
            if before.endswith((";", "{", "}", ")", ":", "else")) and self.code[end] == ";":
                self.leave_out("event", match.start(), end + 1)

    def parts_of_guard(self, start, end, kept):
        """Each part of a condition in turn as if it were `kept`: true or false."""
        for a, b in split(self.code, start, end, "&&" if kept == "true" else "||"):
            self.add("guard", a, b, kept, f"without the guard {' '.join(self.text[a:b].split())}")

    def guards(self):
        for match in re.finditer(r"\bif \(", self.code):
            start = match.end()
            end = end_of_bracket(self.code, start - 1) - 1
            is_early_return = re.match(r"\s*(return|continue|break)\b", self.code[end + 1:])
            if is_early_return:
                self.parts_of_guard(start, end, "false")
            elif self.is_device_code(start):
                self.parts_of_guard(start, end, "true")
        for match in re.finditer(r" \? ", self.code):
            if not self.is_device_code(match.start()):
                continue
            start = start_of_condition(self.code, match.start())
            if not re.search(r"[<>]|[!=]=", self.code[start:match.start()]):
                continue  # a choice, not a guard
            self.parts_of_guard(start, match.start(), "true")
            otherwise = re.match(r"[^?;]*? : (.*?)[;,)}]", self.code[match.end():], re.DOTALL)
            if otherwise and not re.fullmatch(r"[\d.]+f?", otherwise.group(1)):
                self.add("guard", start, match.start(), "false",
                         f"{' '.join(self.text[start:match.start()].split())} is taken as false")

    def boundaries(self):
        swapped = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
        for match in re.finditer(r"(?<= )(<|<=|>|>=)(?= )", self.code):
            if self.is_device_code(match.start()):
                old = match.group()
                self.add("boundary", match.start(), match.end(), swapped[old],
                         f"{swapped[old]} for {old}")

    def clamps(self):
        for match in re.finditer(r"(?:std::|\b)f?(?:min|max)f?(?:<[^<>()]*>)?\(", self.code):
            end = end_of_bracket(self.code, match.end() - 1)
            if not self.code[match.end():end - 1].strip():
                continue  # numeric_limits<>::max()
            for a, b in split(self.code, match.end(), end - 1, ","):
                only = self.text[a:b]
                self.add("clamp", match.start(), end, f"({only})",
                         f"only {' '.join(only.split())} of {match.group()[:-1]}()")


def find(root, patterns):
    return sorted({str(path.relative_to(root)) for pattern in patterns
                   for path in pathlib.Path(root).glob(pattern)})


def generate(root):
    """All mutants of the sources under `root`."""
    root = pathlib.Path(root)
    mutants = []
    for path in find(root, KERNELS):
        source = Source(root, path)
        for search in (source.barriers, source.events, source.guards, source.boundaries,
                       source.clamps):
            search()
        mutants += source.mutants
    for path in find(root, CHOREOGRAPHY):
        source = Source(root, path)
        source.events()
        mutants += source.mutants
    return mutants
