#!/usr/bin/env python3
"""Makes the Debian package, unpacks it, and runs the program from there. Checks CITATION.cff.

    tests/package_test.py BUILD

BUILD is a build folder in which everything is built. lintian, where it is installed, must find no
error.
"""

import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
HEAD = pathlib.Path("/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa")


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def wav(path, channels, samples):
    data = struct.pack(f"<{len(samples)}h", *samples)
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1,
                         channels, 44100, 88200 * channels, 2 * channels, 16, b"data", len(data))
    path.write_bytes(header + data)


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "no dpkg-shlibdeps here (Debian's dpkg-dev)")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run(["cpack", "-G", "DEB", "-B", cls.folder], check=True, cwd=BUILD,
                       stdout=subprocess.DEVNULL)
        cls.package, = cls.folder.glob("*.deb")
        cls.root = cls.folder / "root"
        output("dpkg", "-x", cls.package, cls.root)
        cls.program = cls.root / "usr/bin/gpuconv"

    def field(self, name):
        return output("dpkg-deb", "--field", self.package, name).strip()

    def test_it_says_what_it_is(self):
        version = output(BUILD / "gpuconv", "--version").split()[1]
        self.assertEqual(self.field("Package"), "gpuconv")
        self.assertEqual(self.field("Version"), version + "-1")
        self.assertEqual(self.field("Architecture"),
                         output("dpkg", "--print-architecture").strip())

    def test_it_depends_on_what_its_programs_load(self):
        depends = {name.split()[0] for name in self.field("Depends").split(", ")}
        loaded = set()
        for program in ("bin/gpuconv", "libexec/gpuconv/gpuconv-sofa"):
            dynamic = output("readelf", "-d", self.root / "usr" / program)
            paths = output("ldd", self.root / "usr" / program)
            for name in re.findall(r"NEEDED.*\[(.*?)\]", dynamic):
                path = re.search(rf"{re.escape(name)} => (\S+)", paths)
                if path:
                    # Older packages name files without the /usr that they have got.
                    whole = os.path.realpath(path.group(1))
                    owner = subprocess.run(["dpkg", "-S", whole, whole.removeprefix("/usr")],
                                           capture_output=True, text=True).stdout
                    loaded.add(owner.split(":")[0])
        self.assertEqual(depends, loaded)
        self.assertTrue({"libc6", "libsndfile1", "libsoxr0"} <= depends, depends)
        # libcurl and OpenSSL come with Debian's shared HDF5.
        self.assertEqual([name for name in depends if "hdf5" in name or "curl" in name], [])

    def test_it_holds_programs_pages_and_licences_and_no_more(self):
        files = {str(path.relative_to(self.root / "usr"))
                 for path in self.root.rglob("*") if path.is_file()}
        commands = re.findall(r"^  (\w+)  ", output(BUILD / "gpuconv", "--help"), re.M)
        self.assertEqual(files, {
            "bin/gpuconv", "libexec/gpuconv/gpuconv-sofa", "share/man/man1/gpuconv.1.gz",
            "share/bash-completion/completions/gpuconv", "share/zsh/vendor-completions/_gpuconv",
            "share/fish/vendor_completions.d/gpuconv.fish", "share/doc/gpuconv/copyright",
            "share/doc/gpuconv/changelog.gz", "share/doc/gpuconv/changelog.Debian.gz",
            "share/gpuconv/scene.schema.json",
            *(f"share/man/man1/gpuconv-{command}.1.gz" for command in commands)})

    def test_it_tells_the_licences_of_all_that_is_compiled_in(self):
        text = (self.root / "usr/share/doc/gpuconv/copyright").read_text()
        self.assertTrue(text.startswith((ROOT / "LICENSE").read_text()))
        for package in ("libcli11-dev", "nlohmann-json3-dev", "libfmt-dev", "libhwy-dev",
                        "libxxhash-dev", "libhdf5-dev"):
            self.assertIn(pathlib.Path(f"/usr/share/doc/{package}/copyright").read_text().strip(),
                          text, package)
        changes = gzip.decompress((self.root / "usr/share/doc/gpuconv/changelog.gz").read_bytes())
        self.assertEqual(changes, (ROOT / "CHANGELOG.md").read_bytes())

    def test_the_program_runs_where_it_was_unpacked(self):
        page = output(self.program, "--version")
        self.assertRegex(page, r"(?m)^HDF5 +\d+\.\d+\.\d+$")
        wav(self.folder / "voice.wav", 1, [1000, -2000, 3000] * 100)
        wav(self.folder / "room.wav", 2, [16384, 8192, 0, 4096])
        wet = self.folder / "wet.wav"
        output(self.program, "render", self.folder / "voice.wav", self.folder / "room.wav", wet)
        # 301 frames of two floats.
        self.assertGreater(wet.stat().st_size, 301 * 8)

    @unittest.skipUnless(HEAD.exists(), f"no {HEAD} here")
    def test_it_finds_its_reader_of_sofa_files(self):
        # Not the one that was built beside it.
        reader = self.root / "usr/libexec/gpuconv/gpuconv-sofa"
        self.assertIn("710", output(self.program, "info", HEAD))
        hidden = reader.with_name("hidden")
        reader.rename(hidden)
        try:
            refused = subprocess.run([self.program, "info", HEAD], capture_output=True, text=True)
        finally:
            hidden.rename(reader)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("cannot be started", refused.stderr)

    @unittest.skipUnless(shutil.which("lintian"), "no lintian here")
    def test_lintian_finds_no_error(self):
        said = subprocess.run(["lintian", "--allow-root", "--fail-on", "none", "--tag-display-limit",
                               "0", self.package], capture_output=True, text=True).stdout
        self.assertEqual([line for line in said.splitlines() if line.startswith("E: ")], [])


class Citation(unittest.TestCase):
    def test_it_has_what_the_format_requires_and_agrees_with_the_licence(self):
        text = (ROOT / "CITATION.cff").read_text()
        keys = dict(re.findall(r"^([a-z-]+): *(.*)$", text, re.M))
        self.assertTrue({"cff-version", "message", "title", "authors"} <= set(keys), keys)
        self.assertEqual(keys["cff-version"], "1.2.0")
        licence = (ROOT / "LICENSE").read_text()
        self.assertTrue(licence.startswith(keys["license"] + " License"))
        holder = re.search(r"^Copyright \(c\) \d+ (.*)$", licence, re.M).group(1)
        self.assertEqual(re.findall(r"^  - name: (.*)$", text.split("authors:")[1].split(
            "license:")[0], re.M), [holder])
        # CMake has the version; a second place would be forgotten.
        self.assertNotIn("version", keys)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
