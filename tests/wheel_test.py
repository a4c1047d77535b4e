#!/usr/bin/env python3
"""Installs the wheel into an empty environment, and uses what is in it.

    tests/wheel_test.py WHEEL [PYTHON]

Where namespaces are allowed, the program also runs in a root that holds nothing but what the wheel
brought, glibc and the libraries of the compiler.
"""

import email
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

WHEEL = None
PYTHON = sys.executable
HEAD = pathlib.Path("/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa")
OF_THE_SYSTEM = re.compile(r"(linux-vdso|ld-linux[-\w]*|lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s))\.so")


def output(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True, **options).stdout


def wav(path, channels, samples):
    data = struct.pack(f"<{len(samples)}f", *samples)
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3,
                         channels, 44100, 176400 * channels, 4 * channels, 32, b"data", len(data))
    path.write_bytes(header + data)
    return path


def frames_of(path):
    """The samples of a float WAV file."""
    data = path.read_bytes()
    begin = data.index(b"data") + 8
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


def is_elf(path):
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.venv = cls.folder / "venv"
        output(PYTHON, "-m", "venv", cls.venv)
        output(cls.venv / "bin/python", "-m", "pip", "install", "-q", WHEEL)
        cls.program = cls.venv / "bin/gpuconv"
        cls.voice = wav(cls.folder / "voice.wav", 1, [1.0, -0.5, 0.25])
        cls.room = wav(cls.folder / "room.wav", 2, [0.5, 0.25, 0.0, 0.125])
        # Neither the libraries nor the reader of a build of this machine.
        cls.clean = {"PATH": "/usr/bin:/bin", "HOME": str(cls.folder)}

    def elves(self):
        brought = [path for path in self.venv.rglob("*") if path.is_file() and is_elf(path)]
        return [path for path in brought if "gpuconv" in str(path.relative_to(self.venv))]

    def expect_right(self, wet):
        # h * x for h = (0.5, 0) and (0.25, 0.125), worked out by hand.
        for got, right in zip(frames_of(wet), [0.5, 0.25, -0.25, 0.0, 0.125, 0.0, 0.0, 0.03125]):
            self.assertAlmostEqual(got, right, delta=1e-6)
        self.assertEqual(len(frames_of(wet)), 8)

    def test_programs_are_programs(self):
        self.assertTrue(is_elf(self.program))
        readers = list(self.venv.rglob("gpuconv-sofa"))
        self.assertEqual(len(readers), 1)
        self.assertTrue(is_elf(readers[0]) and os.access(readers[0], os.X_OK))

    def test_libraries_are_the_wheels_or_the_systems(self):
        self.assertGreater(len(self.elves()), 10)
        for elf in self.elves():
            for line in output("ldd", elf, env=self.clean).splitlines():
                name, _, rest = line.strip().partition(" => ")
                if not rest or OF_THE_SYSTEM.match(pathlib.Path(name).name):
                    continue
                self.assertTrue(rest.startswith(str(self.venv.resolve())), f"{elf}: {line}")
        names = " ".join(path.name for path in self.elves())
        self.assertNotRegex(names, "curl|ssl|crypto|libhdf5")

    def test_the_program_renders_and_reads_sofa_files(self):
        page = output(self.program, "--version", env=self.clean)
        self.assertRegex(page, r"\Agpuconv \d+\.\d+\.\d+\n")
        self.assertRegex(page, r"(?m)^HDF5 +\d+\.\d+\.\d+$")
        wet = self.folder / "wet.wav"
        output(self.program, "render", self.voice, self.room, wet, env=self.clean)
        self.expect_right(wet)
        if HEAD.exists():
            said = output(self.program, "info", "--json", HEAD, env=self.clean)
            self.assertIn("710", said)
            json.loads(said)

    def test_the_module_is_that_of_the_wheel(self):
        said = output(self.venv / "bin/python", "-c",
                      "import gpuconv; print(gpuconv.__version__, gpuconv.__file__)",
                      env=self.clean, cwd=self.folder).split()
        self.assertEqual(said[0], output(self.program, "--version").split()[1])
        self.assertTrue(said[1].startswith(str(self.venv)), said)

    def test_the_module_convolves(self):
        said = output(self.venv / "bin/python", "-c", """if True:
            import numpy, gpuconv
            x = numpy.array([1, -0.5, 0.25], numpy.float32)
            h = numpy.array([[0.5, 0], [0.25, 0.125]], numpy.float32)
            print(*gpuconv.convolve(x, h).ravel().tolist())""", env=self.clean, cwd=self.folder)
        right = [0.5, -0.25, 0.125, 0.0, 0.25, 0.0, 0.0, 0.03125]
        for got, value in zip(map(float, said.split()), right, strict=True):
            self.assertAlmostEqual(got, value, delta=1e-6)

    def test_the_module_tests_itself(self):
        said = output(self.venv / "bin/python", "-m", "gpuconv.selftest", env=self.clean,
                      cwd=self.folder)
        self.assertRegex(said, r"cpu-vectorised .* ok")

    @unittest.skipUnless(HEAD.exists(), f"no {HEAD} here")
    def test_the_module_finds_the_reader_of_sofa_files(self):
        # The program is Python, which may lie anywhere.
        self.assertIn("measurement ", output(self.venv / "bin/python", "-c", f"""if True:
            import gpuconv
            print(gpuconv.Response.open({str(HEAD)!r}, azimuth=60).description)""",
                                             env=self.clean, cwd=self.folder))

    def test_it_brings_pages_and_licences(self):
        share = self.venv / "share"
        for page in ("man/man1/gpuconv-render.1", "bash-completion/completions/gpuconv",
                     "zsh/site-functions/_gpuconv", "fish/vendor_completions.d/gpuconv.fish"):
            self.assertTrue((share / page).exists(), page)
        notices, = self.venv.rglob("THIRD_PARTY")
        text = notices.read_text()
        for library in (path for path in self.elves() if ".so." in path.name):
            # libsndfile-gpuconv-1234abcd.so.1 is of libsndfile1.
            stem = library.name.split("-gpuconv-")[0].removeprefix("lib")
            self.assertRegex(text.lower(), rf"(?m)^(lib)?{re.escape(stem.lower())}[\w.-]* \(shared",
                             library)
        self.assertRegex(text, r"(?m)^nanobind\S* \(compiled in\)")
        self.assertRegex(text, r"(?m)^nanobind \(compiled in\): robin_map.h")
        self.assertIn("GNU LESSER GENERAL PUBLIC LICENSE", text)

    def test_it_has_the_tag_and_the_extras(self):
        self.assertRegex(WHEEL.name, r"-manylinux_2_3\d_(x86_64|aarch64)\.whl$")
        with zipfile.ZipFile(WHEEL) as archive:
            name, = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = email.message_from_bytes(archive.read(name))
        self.assertIn("cufft", metadata.get_all("Provides-Extra"))

    def test_it_runs_where_no_other_library_is(self):
        """In a root of its own: what is forgotten cannot be found."""
        root = self.folder / "root"
        for part in ("bin", "lib/gpuconv", "libexec"):
            source = self.venv / part
            if part == "bin":
                (root / "bin").mkdir(parents=True)
                shutil.copy(self.program, root / "bin")
            elif source.exists():
                shutil.copytree(source, root / part)
        for elf in self.elves():
            for path in re.findall(r"(/\S+)", output("ldd", elf)):
                if not OF_THE_SYSTEM.match(pathlib.Path(path).name):
                    continue
                target = root / path.lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
        (root / "proc").mkdir()
        (root / "dev").mkdir()
        (root / "dev/null").touch()
        (root / "sound").mkdir()
        for file in (self.voice, self.room, HEAD):
            if file.exists():
                shutil.copy(file, root / "sound")
        enter = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        mount = ("mount --rbind /proc root/proc && mount --bind /dev/null root/dev/null && "
                 "exec chroot root \"$@\"")
        enter += ["sh", "-c", mount, "sh"]
        tried = subprocess.run(["unshare", *enter[1:2], "sh", "-c", "mount --rbind /proc "
                                f"{root}/proc"], capture_output=True)
        if tried.returncode != 0:
            self.skipTest("no namespaces here")

        def inside(*command):
            return output(*enter, *command, cwd=self.folder, env={"PATH": "/usr/sbin:/usr/bin:/bin"})

        self.assertRegex(inside("/bin/gpuconv", "--version"), r"(?m)^HDF5 +\d+\.\d+\.\d+$")
        inside("/bin/gpuconv", "render", "/sound/voice.wav", "/sound/room.wav", "/sound/wet.wav")
        self.expect_right(root / "sound/wet.wav")
        if HEAD.exists():
            self.assertIn("710", inside("/bin/gpuconv", "info", "/sound/" + HEAD.name))


if __name__ == "__main__":
    arguments = sys.argv[1:3]
    if not arguments:
        sys.exit(__doc__)
    WHEEL = pathlib.Path(arguments[0]).resolve()
    PYTHON = arguments[1] if len(arguments) > 1 else PYTHON
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
