#!/usr/bin/env python3
"""Runs the examples of docs/scenes.md as they stand, on sounds of Debian's packages.

    tests/scenes_page_test.py BUILD

An example is a block of sh. One whose packages are not installed is skipped.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path("build")
PAGE = pathlib.Path(__file__).parent.parent / "docs/scenes.md"


def examples():
    """The blocks of sh, by the headings that they stand under."""
    found = {}
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
        if blocks:
            found[section.split("\n", 1)[0]] = "".join(blocks)
    return found


class Examples(unittest.TestCase):
    def run_example(self, heading, folder):
        text = examples()[heading]
        for path in re.findall(r"/usr/share/(?:[\w.-]+/)*[\w.-]+", text):
            near = pathlib.Path(path)
            if not near.exists() and not list(near.parent.glob(near.name + "*")):
                self.skipTest(f"{path} is not installed")
        path = f"{BUILD.resolve()}:{os.environ['PATH']}"
        ended = subprocess.run(["sh", "-eu", "-c", text], cwd=folder, capture_output=True,
                               text=True, env=dict(os.environ, PATH=path))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stderr

    def test_each_example_has_a_test(self):
        tested = {"True stereo, from two loudspeakers at a head", "Three talkers",
                  "A source that walks round a head"}
        self.assertEqual(set(examples()), tested)

    def test_true_stereo(self):
        with tempfile.TemporaryDirectory() as folder:
            said = self.run_example("True stereo, from two loudspeakers at a head", folder)
            self.assertIn("true stereo (LL LR RL RR): 1 to 1,2; 2 to 3,4", said)
            self.assertIn("converted from 44100 to 16000 Hz", said)
            self.assertTrue((pathlib.Path(folder) / "loudspeakers.wav").stat().st_size > 100_000)

    def test_three_talkers(self):
        with tempfile.TemporaryDirectory() as folder:
            said = self.run_example("Three talkers", folder)
            self.assertIn("3 voices", said)
            names = {path.name for path in pathlib.Path(folder).glob("talkers*.wav")}
            self.assertEqual(names, {"talkers.wav", "talkers.stem-left.wav",
                                     "talkers.stem-front.wav", "talkers.stem-right.wav"})
            self.assertEqual(len({(pathlib.Path(folder) / name).stat().st_size for name in names}),
                             1)

    def test_a_source_that_walks(self):
        with tempfile.TemporaryDirectory() as folder:
            said = self.run_example("A source that walks round a head", folder)
            self.assertIn("directions of 710 measurements, from azimuth 0.0, elevation 0.0", said)
            self.assertNotIn("warning", said)
            walk, turn = ((pathlib.Path(folder) / name).read_bytes()
                          for name in ("walk.wav", "turn.wav"))
            self.assertGreater(len(walk), 500_000)
            self.assertNotEqual(walk, turn)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1))
    unittest.main()
