#!/usr/bin/env python3
"""Tests what the mutants rest on: that they are found, built, and judged rightly."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import builds
import checks
import generated
import mutants
from generated import Mutant

KERNEL = """
// A comment with __syncthreads(); and x < y in it.
__global__ void one_kernel(const float* from, int length, float* to) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const float value = n >= 0 && n < length ? from[n] : 0.0f;
  __syncthreads();  // all have read
  if (n >= length || value == 7) return;
  if (n < length) to[n] = value;
}
__device__ constexpr int at_compile_time(int n) { return n < 3 ? n : 3; }
template <int kStage>
__device__ void stage() {
  constexpr int kFrom = kStage > 2 ? 1 : 0;
  if constexpr (kStage < 4) stage<kStage + 1>();
}
int on_the_host(int a, int b) { return a < b ? std::min(a, 1) : b; }
constexpr int kMost = std::numeric_limits<int>::max();
"""
RENDERER = """
void queue() {
  slot.ready.record(upload_);
  wait(streams_[side].compute, slot.ready);
  for (const Side side : kSides) ears[side].done.synchronize();
}
void wait(const Stream& stream, const Event& event);
"""


class Generated(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def generate(self, kernel=KERNEL, renderer=RENDERER):
        for path, text in (("cuda/methods/gpu_new.cu", kernel),
                           ("host/render/gpu_renderer.cpp", renderer)):
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        return generated.generate(self.root)

    def changes(self, kind):
        return [mutant.new for mutant in self.generate() if mutant.kind == kind]

    def test_barriers(self):
        self.assertEqual(self.changes("barrier"),
                         ["; // all have read", "__syncwarp(); // all have read"])

    def test_events(self):
        self.assertEqual(self.changes("event"), [
            ";", ";", "for (const Side side : kSides) ;"])

    def test_guards(self):
        self.assertEqual(self.changes("guard"), [
            "if (false || value == 7) return;",
            "if (n >= length || false) return;",
            "if (true) to[n] = value;",
            "const float value = true && n < length ? from[n] : 0.0f;",
            "const float value = n >= 0 && true ? from[n] : 0.0f;"])

    def test_boundaries_in_device_code_only(self):
        self.assertEqual(self.changes("boundary"), [
            "const float value = n > 0 && n < length ? from[n] : 0.0f;",
            "const float value = n >= 0 && n <= length ? from[n] : 0.0f;",
            "if (n > length || value == 7) return;",
            "if (n <= length) to[n] = value;"])

    def test_clamps(self):
        self.assertEqual(self.changes("clamp"), [
            "int on_the_host(int a, int b) { return a < b ? (a) : b; }",
            "int on_the_host(int a, int b) { return a < b ? (1) : b; }"])

    def test_no_barrier_and_no_event_of_the_sources_is_overlooked(self):
        barriers = events = 0
        for path in (mutants.ROOT / "cuda").rglob("*"):
            if path.suffix in (".cu", ".cuh"):
                code = re.sub(r"//.*", "", path.read_text())
                barriers += code.count("__syncthreads();") * 2 + len(re.findall(
                    r"__syncwarp\(.*\);", code))
        for name in ("block_queue", "gpu_renderer"):
            code = (mutants.ROOT / f"host/render/{name}.cpp").read_text()
            events += len(re.findall(r"(?:\.|->)record\(|\bwait\(|synchronize\(\)", code))
        found = mutants.load()
        self.assertEqual(sum(mutant.kind == "barrier" for mutant in found), barriers)
        self.assertEqual(sum(mutant.kind == "event" and "host/render" in mutant.path
                             for mutant in found), events)
        self.assertGreaterEqual(sum(mutant.kind == "hand-made" for mutant in found), 40)


class Built(unittest.TestCase):

    def test_what_was_changed_runs_and_not_what_an_unchanged_object_has_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            root, changed, made = (pathlib.Path(folder) / name for name in ("a", "b", "c"))
            for tree, value in ((root, 1), (changed, 2)):
                for path, text in (
                        ("cuda/value.hpp", f"inline int value() {{ return {value}; }}"),
                        ("cuda/device.cpp",
                         '#include "cuda/value.hpp"\nint device() { return value(); }'),
                        ("tests/main.cpp", '#include "cuda/value.hpp"\nint device();\n'
                         "int main() { return 10 * device() + value(); }")):
                    (tree / path).parent.mkdir(parents=True, exist_ok=True)
                    (tree / path).write_text(text + "\n")
            made.mkdir()
            build = root / "build"
            objects = {"CMakeFiles/gpuconv_tests.dir/tests/main.cpp.o": "tests/main.cpp",
                       "CMakeFiles/gpuconv_device.dir/cuda/device.cpp.o": "cuda/device.cpp"}
            commands = []
            for path, source in objects.items():
                (build / path).parent.mkdir(parents=True)
                command = f"c++ -I{root} -O0 -o {path} -c {root}/{source}"
                subprocess.run(f"{command} -MD -MF {path}.d", shell=True, check=True, cwd=build)
                commands.append({"command": command, "file": f"{root}/{source}"})
            (build / "compile_commands.json").write_text(json.dumps(commands))
            main, device = objects
            subprocess.run(["ar", "rc", "libgpuconv_device.a", device], check=True, cwd=build)
            (build / "CMakeFiles/gpuconv_tests.dir/link.txt").write_text(
                f"c++ {main} -o gpuconv_tests libgpuconv_device.a\n")
            program = builds.Build(root, build).make([device], changed, made)
            self.assertEqual(subprocess.run([program], check=False).returncode, 22)


class Judged(unittest.TestCase):

    def judge(self, code, output):
        return checks.judge(checks.CHECKS[0], code, output)

    def test_what_passes_survives(self):
        self.assertIsNone(self.judge(0, "[  PASSED  ] 3 tests.\n"))

    def test_no_test_is_no_judgement(self):
        with self.assertRaises(SystemExit):
            self.judge(0, "[  PASSED  ] 0 tests.\n")

    def test_no_test_of_kernels_is_overlooked(self):
        kernels = next(check for check in checks.CHECKS if check.needs_tests)
        suites = {re.sub(r"[*./]", "", word) for word in kernels.tests.split()}
        for path in (mutants.ROOT / "tests" / "cuda").glob("*.cu"):
            for macro, suite in re.findall(r"^(\w*TEST(?:_[FP])?)\((\w+),", path.read_text(),
                                           re.MULTILINE):
                self.assertIn(suite, suites, f"{path.name}: {macro}")
        self.assertIn("ButterflyOf/*.*", kernels.tests.split())  # one suite for each type

    def test_killers(self):
        failed = "[ RUN      ] S.T\n{}\n[  FAILED  ] S.T (1 ms)\n"
        for output, how in (("race: thread 1 wrote", "race"),
                            ("kernel fault: divergent barrier: thread 0", "divergent barrier"),
                            ("shared array 0 of 8 bytes was overrun", "memory guard"),
                            ("ERROR: AddressSanitizer: heap-buffer-overflow", "sanitizer"),
                            ("other bytes; replay with --token=x", "other bytes"),
                            ("expected 1, saw 2", "wrong result")):
            killer = self.judge(1, failed.format(output))
            self.assertEqual((killer.test, killer.how), ("S.T", how))
        self.assertEqual(self.judge(-11, "[ RUN      ] All/S.T/12\n").test, "S.T/12")
        self.assertEqual(self.judge(-11, "[ RUN      ] S.T\n").how, "crash")
        self.assertEqual(self.judge(None, "[ RUN      ] S.T\n").how, "does not end")

    def test_what_should_not_live_or_die_is_a_fault(self):
        ends = []
        for kind, proof in (("guard", None), ("guard", "it changes nothing"), ("control", None)):
            mutant = Mutant(kind, "a.cu", "x", 0, 1, "y", "y for x")
            mutant.proof = proof
            ends += [(mutant, None), (mutant, checks.Killer("blocks", "S.T", "race")),
                     (mutant, builds.DoesNotCompile("no such y"))]
        killed, no_mutant = "killed by blocks, S.T: race", "does not compile\nno such y"
        self.assertEqual(list(mutants.faults(ends)), ["a.cu:1: y for x: " + words for words in (
            "lives on", no_mutant, *2 * (f"should live on, but: {killed}",
                                         f"should live on, but: {no_mutant}"))])


if __name__ == "__main__":
    unittest.main()
