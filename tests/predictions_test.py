#!/usr/bin/env python3
"""What profiling/predictions.py and profiling/sass.py compute, on examples done by hand."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "profiling"))

import predictions  # noqa: E402
import sass  # noqa: E402
from block_shape import Kernel  # noqa: E402

COLUMNS = "_ZN7gpuconv12_GLOBAL__N_122columns_forward_kernelINS_10BlockShapeILi8EJLi8ELi16EEEEEEvi"


def listing(*operations):
    return "\n".join(f"        /*{16 * at:04x}*/  {operation} ;  /* 0x0 */"
                     for at, operation in enumerate(operations))


class NameOfAKernel(unittest.TestCase):
    def test_says_its_shape(self):
        kernel = Kernel.of(COLUMNS)
        self.assertEqual(kernel.name, "columns_forward<8, 8, 16>")
        self.assertEqual((kernel.length, kernel.threads, kernel.promised_blocks), (128, 64, 8))
        self.assertEqual([kernel.twiddles(0), kernel.twiddles(1)], [8, 0])
        self.assertIsNone(Kernel.of("_ZN7gpuconv12tiled_kernelEv"))


class WarpsOfABlock(unittest.TestCase):
    def test_issue_only_what_they_have_butterflies_for(self):
        kernel = Kernel("columns_forward", 8, (9, 16))  # 64 butterflies of 96 threads, then 72
        self.assertEqual([kernel.butterflies(stage) for stage in (0, 1)], [64, 72])
        self.assertEqual([kernel.rounds(stage) for stage in (0, 1)], [2, 3])
        longer = Kernel("columns_forward", 8, (4, 16, 16))  # 1,024 butterflies of 512 threads
        self.assertEqual((longer.repeats(0), longer.rounds(0)), (2, 32))

    def test_are_counted_together(self):
        kernel = Kernel("columns_forward", 8, (9, 16))
        row = sass.count(kernel, 84, listing("S2R R0, SR_TID.X", "LDG.E.64.CONSTANT R2, [R4.64]",
                                             "@P1 BRA 0x10", "STG.E.128 [R4.64], R4", "EXIT",
                                             "BRA 0x50"))
        self.assertEqual((row["executed"], row["issued"]), (5, 3 * 3 + 2 * 2))


class MachineCode(unittest.TestCase):
    def test_counts_loops_as_often_as_they_run(self):
        kernel = Kernel("columns_forward", 1, (2, 16, 16))  # 256 butterflies of 32 threads: 8 times
        text = listing("S2R R0, SR_TID.X", "LDG.E.64.CONSTANT R2, [R4.64]", "FADD R2, R2, R3",
                       "@!P0 STS.64 [R0], R2", "@P1 BRA 0x10", "LDS.64 R2, [R0]",
                       "STS.64 [R0], R2", "@P1 BRA 0x50", "STG.E.128 [R4.64], R4", "EXIT",
                       "BRA 0xa0", "NOP")
        row = sass.count(kernel, 84, text)
        self.assertEqual((row["instructions"], row["executed"]), (10, 1 + 4 * 8 + 3 + 2))
        self.assertEqual(row["classes"]["float"], 8)
        self.assertEqual(row["accesses"], {"LDG.64": 8, "LDS.64": 1, "STG.128": 1, "STS.64": 9})

    def test_refuses_local_memory_and_the_unknown(self):
        kernel = Kernel("columns_forward", 1, (16, 16))
        loop = ["LDS.64 R2, [R0]", "@P1 BRA 0x0"]
        end = ["STG.E [R4.64], R4", "BRA 0x40"]
        self.assertEqual(sass.count(kernel, 84, listing(*loop, "FADD R2, R2, R3", *end))["executed"],
                         4)
        for wrong in ("LDL R2, [R1]", "STL.64 [R1], R2", "NEVERHEARDOF R2", "@P1 BRA 0x0"):
            with self.assertRaises(SystemExit):
                sass.count(kernel, 84, listing(*loop, wrong, *end))


class Roofline(unittest.TestCase):
    def test_takes_the_busiest_multiprocessor(self):
        one = predictions.Launch("k", 1, 132, 1024, 1, 0, 0, 132 * 128 * 1.98e6, 0)
        self.assertAlmostEqual(one.bounds()["on chip"], 1e-3)
        more = predictions.Launch("k", 1, 133, 1024, 1, 0, 0, 133 * 128 * 1.98e6, 0)
        self.assertAlmostEqual(more.bounds()["on chip"], 2e-3)
        self.assertEqual((one.waves(), more.waves()), (1, 2))

    def test_goes_from_the_largest_to_the_sum(self):
        launch = predictions.Launch("k", 2, 132, 1024, 1, 4.3e9, 5.5e9, 0, 0)
        self.assertAlmostEqual(launch.seconds()[0], 2 * (1e-3 + 1e-6))
        self.assertAlmostEqual(launch.seconds()[1], 2 * (2e-3 + 1e-6))

    def test_knows_what_limits_resident_blocks(self):
        self.assertEqual(predictions.resident(512, 128, 0), 1)
        self.assertEqual(predictions.resident(512, 65, 0), 1)
        self.assertEqual(predictions.resident(512, 64, 0), 2)
        self.assertEqual(predictions.resident(32, 16, 113 * 1024), 1)
        self.assertEqual(predictions.resident(32, 16, 112 * 1024), 2)
        self.assertEqual(predictions.resident(32, 16, 0), 32)


    def test_knows_the_busiest_of_unequal_blocks(self):
        half = predictions.Launch("k", 1, 132, 1024, 1, 0, 0, 128 * 1.98e6, 0, uneven=0.5)
        self.assertAlmostEqual(half.bounds()["on chip"], 0.5e-3)
        # Given out in turn: the first multiprocessor gets two blocks.
        self.assertEqual(predictions.busiest_share([3] + [1] * 131 + [2]), 5 / 136)

    def test_tiles_walk_what_can_meet_a_sample(self):
        # Tiles have 2,048 outputs, chunks 512 taps. Where the source has ended, the first taps meet
        # nothing any more.
        self.assertEqual(predictions.tile_chunks(5000, 600), [2, 2, 2])
        self.assertEqual(predictions.tile_chunks(1, 4097), [4, 4, 1])
        chunks = predictions.tile_chunks(200_000, 70_000)
        self.assertEqual((len(chunks), max(chunks)), (132, 137))
        self.assertAlmostEqual(sum(chunks) / len(chunks), 102.5, 1)

    def test_blocks_are_joined_once_less_than_there_are(self):
        case = ("hour", 1000, 30, 2)
        [joint] = predictions.joints(case, {"block_length": 400})
        self.assertEqual((joint.name, joint.times), ("overlap_add_kernel", 2 * 2 * 2))
        self.assertEqual(predictions.joints(case, {"block_length": 1000}), [])
        self.assertEqual(predictions.joints(("one tap", 1000, 1, 2), {"block_length": 400}), [])


class Measured(unittest.TestCase):
    CASE = ("one shot", 200_000, 70_000, 1)

    def measured(self, **changes):
        """Of a report as profiling/gpu/session leaves it, in a folder of its own."""
        row = {"method": "gpu-tiled", "samples": 200_000, "taps": 70_000, "clips": 1,
               "seconds": {"median": 0.002}, "is_right": True, "is_extrapolated": False,
               "is_noisy": False}
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name) / "nvidia-h200"
            folder.mkdir()
            (folder / "bench.json").write_text(json.dumps({"rows": [{**row, **changes}]}))
            (folder / "session.json").write_text(json.dumps({"calls": {}}))
            return predictions.measured(self.CASE, "gpu-tiled", pathlib.Path(name))

    def test_is_what_a_session_measured(self):
        self.assertEqual(self.measured(), "2 ms")
        self.assertEqual(self.measured(is_noisy=True), "2 ms, noisy")
        self.assertEqual(self.measured(taps=7), "")

    def test_is_nothing_wrong_and_nothing_extrapolated(self):
        self.assertEqual(self.measured(is_right=False), "")
        self.assertEqual(self.measured(is_extrapolated=True), "")


if __name__ == "__main__":
    unittest.main()
