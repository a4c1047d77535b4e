#!/usr/bin/env python3
"""The story of the ladder says what the results say, and the check notices when it does not; the
page of the kernels and the recipe of Nsight Compute name what there is.

    tests/story_test.py
"""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "profiling"))
import kernels
import story
import table


class Story(unittest.TestCase):
    def test_takes_numbers_from_the_results(self):
        row = table.measured()["cpu-naive"]["convolve_seconds"]
        self.assertIn(table.duration(row["median"]), story.value("measured cpu-naive"))
        self.assertEqual(story.value("measured gpu-none"), "not measured yet")
        self.assertIn("extrapolated", story.value("measured cpu-dft"))
        self.assertEqual(story.value("operations cpu-naive"), "56 Gop")
        self.assertEqual(story.value("fewer cpu-naive cpu-threads"), "1 times")

    def test_predicts_by_operations(self):
        small = story.bench_row("cpu-naive", "notebook")
        factor = 200_000 * 70_000 / (5_000 * 5_000)
        self.assertAlmostEqual(story.predicted_seconds("cpu-naive"),
                               small["seconds"]["min"] * factor, delta=1e-9)
        self.assertRegex(story.value("predicted gpu-tiled"), r"^\S+ ms to \S+ ms$")
        self.assertNotEqual(story.value("predicted gpu-tiled batch"),
                            story.value("predicted gpu-tiled"))

    def test_notices_a_number_that_differs(self):
        text = story.TEXT.read_text()
        wrong = text.replace("-->" + story.value("median cpu-naive") + "<!--",
                             "-->1 ms<!--")
        wrong = wrong.replace(story.value("measured cpu-naive"), "1 ms")
        self.assertNotEqual(wrong, text)
        written = story.PAIR.sub(lambda pair: pair[1] + story.value(pair[2]) + pair[4], wrong)
        self.assertEqual(written, text)

    def test_refuses_numbers_that_nobody_vouches_for(self):
        for text in ("takes 2.84 s.", "in 5 ms", "1,000 times faster", "160 Gop/s", "212 minutes"):
            self.assertEqual(len(story.by_hand(text)), 1, text)
        for text in ("200,000 samples", "16 kHz", "rung 2", "<!--= median x -->2 s<!--/-->"):
            self.assertEqual(story.by_hand(text), [], text)

    def test_every_value_of_the_text_exists(self):
        pairs = story.PAIR.findall(story.TEXT.read_text())
        self.assertGreater(len(pairs), 50)
        for _, words, _, _ in pairs:
            self.assertTrue(story.value(words), words)
        # A comment that the pattern does not see would never be checked.
        self.assertEqual(story.TEXT.read_text().count("<!--="), len(pairs))


class Kernels(unittest.TestCase):
    ROOT = pathlib.Path(story.ROOT)

    def names(self):
        sources = "".join(path.read_text() for folder in ("methods", "fft")
                          for path in sorted((self.ROOT / "cuda" / folder).rglob("*.cu*")))
        return set(re.findall(r"\b([a-z0-9_]+_kernel)\(", sources))

    def test_ncu_filters_by_kernels_that_exist(self):
        script = (self.ROOT / "profiling/ncu.sh").read_text()
        wanted = set(re.findall(r"[a-z0-9_]+_kernel\b", script))
        self.assertGreaterEqual(len(wanted), 7)
        self.assertEqual(wanted - self.names(), set())

    def test_ncu_filters_by_ranges_that_exist(self):
        script = (self.ROOT / "profiling/ncu.sh").read_text()
        ranges = re.findall(r"range='([^']+)'", script)
        self.assertEqual(len(ranges), 3)
        sources = "".join(path.read_text() for path in (self.ROOT / "cuda").rglob("*.cu"))
        for name in ranges:
            self.assertIn(f'range("{name}"', sources)

    def test_the_page_has_every_kernel_with_its_figures(self):
        text = (self.ROOT / "profiling/kernels.md").read_text()
        for kernel in ("direct_kernel", "tiled_kernel", "stage_kernel", "piece_kernel",
                       "columns_forward", "rows_convolve", "columns_inverse", "fused_convolve"):
            self.assertIn(f"\n## `{kernel}`\n", text)
        self.assertEqual(text.count("| expected limit |"), 7)

    def test_wavefronts_are_those_of_each_width(self):
        counts = {"accesses": {"LDS.128": 2, "STS.64": 3, "LDS.32": 1, "LDG.128": 9}}
        self.assertEqual(kernels.wavefronts(counts), 2 * 4 + 3 * 2 + 1)


if __name__ == "__main__":
    unittest.main()
