"""How a mutant becomes a test program: only what depends on its file is compiled, then linked with
what an unchanged build left behind. The checkout is not touched."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess

# Most useful if it is ccache: a mutant is compiled again and again.
LAUNCHER = shlex.split(os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", ""))
SOURCES = ("cuda", "host", "profiling", "tests")


class DoesNotCompile(Exception):
    """No mutant at all: a mistake of whoever made it."""


class Build:
    """A finished build of gpuconv_tests in `folder`: commands and dependencies of its objects."""

    def __init__(self, root, folder):
        self.root = root
        self.folder = folder
        link = (folder / "CMakeFiles/gpuconv_tests.dir/link.txt").read_text()
        # Without the whole libraries that are linked first to count lines: unchanged ones.
        self.link = shlex.split(re.sub(r"-Wl,--whole-archive .*-Wl,--no-whole-archive ", "", link))
        libraries = {match[1] for word in self.link
                     if (match := re.search(r"lib(gpuconv_\w+)\.a$", word))}
        self.compilers = {}  # of each object: its command
        self.users = {}  # of each file of ours: the objects that include it
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            command = shlex.split(entry["command"])
            made = command[command.index("-o") + 1]
            target = re.search(r"(\w+)\.dir/", made)[1]
            if made in self.link or target in libraries:
                self.compilers[made] = command
                for path in self.includes(folder / f"{made}.d"):
                    self.users.setdefault(path, []).append(made)

    def includes(self, dependencies):
        """Files of ours that the compiler read, relative to the root."""
        words = dependencies.read_text().replace("\\\n", " ").split(":", 1)[1].split()
        paths = {(self.folder / word).resolve() for word in words}
        return {str(path.relative_to(self.root)) for path in paths
                if path.is_relative_to(self.root)}

    def objects(self, path):
        """(objects of the program, objects of its tests) that depend on `path`."""
        users = self.users.get(path, [])
        tests = [user for user in users if "gpuconv_tests.dir" in user]
        return [user for user in users if user not in tests], tests

    def make(self, objects, tree, folder, is_brief=True):
        """Compiles `objects` from the sources in `tree`; returns the test program, in `folder`.
        `is_brief`: whether it will soon be killed, so that compiling takes longer than running."""
        ours = {}
        for made in objects:
            ours[made] = str(folder / made.replace("/", "_"))
            command = [self.moved(word, tree) for word in self.compilers[made]]
            command[command.index("-o") + 1] = ours[made]
            # A mutant may leave a variable unused; its sums are the same however it is compiled, and
            # optimising large transforms takes longer than running them. But the race shadow would
            # then watch every local variable.
            haste = ["-O0"] if is_brief and "-fsanitize=thread" not in command else []
            self.run([*LAUNCHER, *command, "-w", *haste])
        program = folder / f"{self.folder.name}_tests"
        link = [ours.get(word, word) for word in self.link]
        link[link.index("-o") + 1] = str(program)
        # First, so that neither a member of a library nor what an unchanged object has of the same
        # inline function is taken in their place.
        first = next(i for i, word in enumerate(link) if word.endswith(".o"))
        link[first:first] = [path for made, path in ours.items() if made not in self.link]
        self.run(link)
        return program

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise DoesNotCompile(done.stderr.strip())

    def moved(self, word, tree):
        """Sources and include folders in `tree` instead of the root; -D stays as it is."""
        for prefix in ("", "-I"):
            for folder in ("", *(f"/{name}" for name in SOURCES)):
                start = f"{prefix}{self.root}{folder}"
                if word == start or folder and word.startswith(f"{start}/"):
                    return f"{prefix}{tree}{word[len(prefix) + len(str(self.root)):]}"
        return word


class Tree:
    """A copy of the sources, in which one mutant at a time stands."""

    def __init__(self, root, folder):
        self.sources = folder / "sources"
        self.objects = folder / "objects"
        shutil.rmtree(folder, ignore_errors=True)
        self.objects.mkdir(parents=True)
        for name in SOURCES:
            shutil.copytree(root / name, self.sources / name)

    def put(self, path, text):
        """Returns what stood there."""
        before = (self.sources / path).read_text()
        (self.sources / path).write_text(text)
        return before


def builds(root):
    root = pathlib.Path(root).resolve()
    return {name: Build(root, root / "build" / name) for name in ("emulated", "race")}
