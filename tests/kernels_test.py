#!/usr/bin/env python3
"""The tools of profiling/kernels, on examples done by hand.

    tests/kernels_test.py
"""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "profiling/kernels"))
import expected  # noqa: E402
import sass  # noqa: E402
from block_shape import Kernel  # noqa: E402

COLUMNS = "_ZN7gpuconv12_GLOBAL__N_122columns_forward_kernelINS_15SizedBlockShapeILi8ELi16EJLi8ELi16EEEEEEvi"


def listing(*operations):
    return "\n".join(f"        /*{16 * at:04x}*/  {operation} ;  /* 0x0 */"
                     for at, operation in enumerate(operations))


class Shapes(unittest.TestCase):
    def test_the_name_of_a_kernel_says_its_shape(self):
        kernel = Kernel.of(COLUMNS)
        self.assertEqual(kernel.name, "columns_forward<8, 8, 16>")
        self.assertEqual((kernel.length, kernel.threads, kernel.promised_blocks), (128, 64, 8))
        self.assertEqual([kernel.twiddles(0), kernel.twiddles(1)], [8, 0])
        self.assertIsNone(Kernel.of("_ZN7gpuconv12tiled_kernelEv"))

    def test_blocks_of_more_lanes_do_rows_of_several_segments(self):
        group = Kernel.of("_ZN7gpuconv15convolve_kernelINS_15SizedBlockShapeILi8ELi16EJLi8ELi8ELi8EEEEvi")
        self.assertEqual((group.name, group.together), ("groups_convolve<8, 8, 8, 8>", 4))
        self.assertEqual([group.twiddles(stage) for stage in (0, 1, 2)], [4, 4, 0])
        alone = Kernel("rows_convolve", 2, (8, 8, 8))
        (l2, _), (of_four, _) = (expected.block_bytes(kernel, 2) for kernel in (alone, group))
        table = 8 * 4 * (64 + 8)
        self.assertEqual((l2, of_four), (table + 2 * 8 * 1024, table + 2 * 8 * 1024))

    def test_warps_issue_only_what_they_have_butterflies_for(self):
        kernel = Kernel("columns_forward", 8, (9, 16))  # 64 butterflies of 96 threads, then 72
        self.assertEqual([kernel.butterflies(stage) for stage in (0, 1)], [64, 72])
        self.assertEqual([kernel.rounds(stage) for stage in (0, 1)], [2, 3])
        longer = Kernel("columns_forward", 8, (4, 16, 16))  # 1,024 butterflies of 512 threads
        self.assertEqual((longer.repeats(0), longer.rounds(0)), (2, 32))


class MachineCode(unittest.TestCase):
    def test_counts_warps_together(self):
        kernel = Kernel("columns_forward", 8, (9, 16))
        row = sass.count(kernel, 84, listing("S2R R0, SR_TID.X", "LDG.E.64.CONSTANT R2, [R4.64]",
                                             "@P1 BRA 0x10", "STG.E.128 [R4.64], R4", "EXIT",
                                             "BRA 0x50"))
        self.assertEqual((row["executed"], row["issued"]), (5, 3 * 3 + 2 * 2))

    def test_counts_loops_as_often_as_they_run(self):
        # 256 butterflies of 32 threads: 8 times; then 32: no loop.
        kernel = Kernel("columns_forward", 1, (2, 16, 16))
        text = listing("S2R R0, SR_TID.X", "LDG.E.64.CONSTANT R2, [R4.64]", "FADD R2, R2, R3",
                       "@!P0 STS.64 [R0], R2", "@P1 BRA 0x10", "LDS.64 R2, [R0]",
                       "STS.64 [R0], R2", "STG.E.128 [R4.64], R4", "EXIT", "BRA 0x90", "NOP")
        row = sass.count(kernel, 84, text)
        self.assertEqual(row["executed"], 1 + 4 * 8 + 2 + 2)
        self.assertEqual(row["classes"]["float"], 8)
        self.assertEqual(row["accesses"], {"LDG.64": 8, "LDS.64": 1, "STG.128": 1, "STS.64": 9})
        self.assertEqual(sass.cells(row)[:5], ("columns_forward<1, 2, 16, 16>", 84, 37, 37, "22%"))

    def test_counts_half_of_what_a_mirrored_stage_has_twice(self):
        kernel = Kernel("fused_items_spectrum", 1, (8, 1024))  # 1,024 butterflies of 512 threads
        row = sass.count(kernel, 84, listing("S2R R0, SR_TID.X", "LDG.E R2, [R4.64]", "@P0 BRA 0x50",
                                             "FADD R2, R2, R3", "BRA 0x60", "FMUL R2, R2, R3",
                                             "STS.64 [R0], R2", "@P1 BRA 0x10", "EXIT", "BRA 0x90"))
        self.assertEqual((row["executed"], row["classes"]["float"]), (1 + 4 * 2 + 3 + 1, 2))

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
        row = {"kernel": Kernel("rows_convolve", 2, (8, 16)), "registers": 84, "issued": 1000}
        one, more = (expected.Launch(row, 1, blocks, 4.3e9, 0) for blocks in (132, 133))
        self.assertAlmostEqual(one.bounds["device"], 1e-3)
        self.assertAlmostEqual(more.bounds["on chip"], 2 * one.bounds["on chip"])
        self.assertAlmostEqual(one.seconds()[0], 1e-3 + expected.GAP)
        self.assertAlmostEqual(one.seconds()[1], sum(one.bounds.values()) + expected.GAP)

    def test_twiddles_come_again_if_l1_has_no_room(self):
        fused = Kernel("fused_convolve", 1, (16, 8, 8, 16))  # 128 KiB of shared memory
        table, spectra = 8 * (16 * 513 + 4 * 128 + 4 * 16), 2 * 8 * 16384
        self.assertEqual(expected.block_bytes(fused, 1)[0], table + spectra)
        self.assertEqual(expected.block_bytes(fused, 2)[0], 3 * table + spectra)
        short = Kernel("fused_convolve", 1, (16, 16, 16))
        self.assertEqual(expected.block_bytes(short, 2)[0], 8 * (4096 + 8 * 16) + 2 * 8 * 4096)

    def test_knows_what_limits_resident_blocks(self):
        for threads, registers, shared_bytes, blocks in (
                (512, 128, 0, 1), (512, 65, 0, 1), (512, 64, 0, 2), (32, 16, 113 * 1024, 1),
                (32, 16, 112 * 1024, 2), (32, 16, 0, 32)):
            self.assertEqual(expected.resident(threads, registers, shared_bytes), blocks)


class Ncu(unittest.TestCase):
    def test_filters_by_kernels_and_ranges_that_exist(self):
        script = (ROOT / "profiling/kernels/ncu.sh").read_text()
        sources = "".join(path.read_text() for path in (ROOT / "cuda").rglob("*.cu*"))
        kernels = set(re.findall(r"\b([a-z0-9_]+_kernel)\(", sources))
        wanted = set(re.findall(r"[a-z0-9_]+_kernel\b", script))
        self.assertGreaterEqual(len(wanted), 7)
        self.assertEqual(wanted - kernels, set())
        ranges = re.findall(r"range='([^']+)'", script)
        self.assertEqual(len(ranges), 3)
        for name in ranges:
            self.assertIn(f'range("{name}"', sources)


if __name__ == "__main__":
    unittest.main()
