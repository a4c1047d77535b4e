#!/usr/bin/env python3
"""The scripts that measure peers: what is wrong or missing is never timed.

    tests/profiling_test.py
"""

import array
import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "profiling"))
import ladder
import peers
import programs

# Stands for a program: copies the file GOOD of its own folder to its last argument, or a bad one.
FAKE = "#!/bin/sh\nfor last; do :; done\ncp \"$(dirname \"$0\")/{}.wav\" \"$last\"\n"


class ProgramsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.good = [((7 * n) % 23 - 11) / 16 for n in range(20_000)]
        self.write("good", self.good)

    def write(self, name, samples):
        path = self.folder / f"{name}.wav"
        ladder.write_float_wav(path, 2, samples)
        return path

    def difference(self, samples):
        return programs.difference(self.write("other", samples), self.folder / "good.wav")

    def test_a_difference_is_seen_and_none_is_none(self):
        self.assertEqual(self.difference(self.good), 0)
        self.assertEqual(self.difference(self.good + [9.0, 9.0]), 0)  # a longer tail is no harm
        self.assertEqual(self.difference(self.good[:-2]), float("inf"))
        self.assertAlmostEqual(self.difference([2 * one for one in self.good]), 1, places=6)
        self.assertGreater(self.difference(self.good[1:] + [0.0]), 0.1)
        self.assertFalse(self.difference([float("nan")] * len(self.good)) <= programs.CLOSE)

    def test_files_hold_what_was_written(self):
        path = self.write("three", [0.5, -1.0, 0.25])
        self.assertEqual(programs.samples_of(path), array.array("f", [0.5, -1.0, 0.25]))

    def test_a_process_tells_its_time_and_its_memory_or_why_it_failed(self):
        seconds, mib = programs.run(["sh", "-c", "sleep 0.1"])
        self.assertGreaterEqual(seconds, 0.1)
        self.assertGreater(mib, 0)
        with self.assertRaisesRegex(RuntimeError, "no such luck"):
            programs.run(["sh", "-c", "echo no such luck >&2; exit 3"])

    def fake(self, name, what):
        path = self.folder / name
        path.write_text(FAKE.format(what))
        path.chmod(0o755)
        return path

    def test_what_is_wrong_or_missing_is_not_timed(self):
        self.write("bad", [1.01 * one for one in self.good])
        ours = self.fake("gpuconv", "good")
        self.fake("ffmpeg", "bad")
        with unittest.mock.patch.dict(os.environ, {"PATH": f"{self.folder}:/bin:/usr/bin"}), \
                unittest.mock.patch.dict(programs.PROBLEMS, {"tiny": (100, 9)}), \
                unittest.mock.patch.object(programs.shutil, "which",
                                           lambda name: None if name == "fconvolver" else name):
            rows = {row["program"]: row for row in programs.measure(ours, "tiny", 3)}
        self.assertEqual(rows["gpuconv"]["runs"], 3)
        self.assertEqual(rows["gpuconv"]["gpuconv_over_it"]["median"], 1)
        self.assertIn("differs from gpuconv's by 0.01", rows["ffmpeg afir"]["not_run"])
        self.assertIn("not installed", rows["fconvolver"]["not_run"])
        for row in rows.values():
            self.assertIn(row["program"], programs.line_of(row))


class PeersTest(unittest.TestCase):
    def test_a_fast_length_is_the_next_with_small_primes_only(self):
        for length, fast in ((1, 1), (11, 12), (269_999, 270_000), (270_001, 272_160)):
            self.assertEqual(peers.fast_length(length), fast)

    def test_a_library_that_is_not_there_is_said_not_to_be(self):
        def missing(_):
            raise ImportError("No module named 'nothing'")
            yield

        with unittest.mock.patch.object(peers, "LIBRARIES", {"nothing": missing}), \
                unittest.mock.patch.object(peers, "sounds", lambda *_: (None, None)), \
                unittest.mock.patch.object(peers, "gpuconv_rows", lambda *_: {"ours": 0.5}):
            rows = peers.measure(None, "gpuconv", "10x3", 2)
        self.assertEqual([row["method"] for row in rows], ["ours", "nothing"])
        self.assertEqual(rows[0]["seconds"]["median"], 0.5)
        self.assertIn("No module named", rows[1]["not_run"])
        for row in rows:
            self.assertIn(row["method"], peers.line_of(row))


if __name__ == "__main__":
    unittest.main()
