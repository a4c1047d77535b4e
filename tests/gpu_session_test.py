#!/usr/bin/env python3
"""profiling/gpu/session tells what it saw, whatever the machine and its tools do.

    tests/gpu_session_test.py

The programs are stand-ins that answer as gpuconv does on a GPU; FAKE names what goes wrong.
"""

import fnmatch
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest
import unittest.mock

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
GPU = ROOT / "profiling/gpu"
sys.path.insert(0, str(GPU))
import merge  # noqa: E402


def load(path, name):
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


session = load(GPU / "session", "gpu_session")
tests = load(GPU / "tests.py", "gpu_tests")

# Stands for all programs, by the name that it is called by.
FAKE = r"""#!/usr/bin/env python3
import json, os, pathlib, signal, sys, time
name, words = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
wrong = os.environ.get("FAKE", "").split(",")
def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
def spread(x):
    return {"median": x, "min": x / 2, "max": 2 * x}
def row(method, seconds):
    return {"problem": "p", "samples": 300, "taps": 40, "clips": 1, "method": method,
            "seconds": spread(seconds), "cold_seconds": spread(2 * seconds), "is_right": True,
            "is_extrapolated": False}
if name == "gpuconv" and words[0] == "devices":
    print("cuda:0  Imaginary 1, compute capability 9.0" if "no gpu" not in wrong else "no driver")
elif name == "gpuconv" and words[0] == "selftest":
    print("gpu-cufft  not here: cuFFT is not installed" if "no cufft" in wrong else
          "12 ok, 0 failed, 0 not here")
elif name == "gpuconv" and words[0] == "bench":
    absent = [{"method": "cufft-lean", "problem": "p", "kind": "error", "reason": "no memory"}]
    print(json.dumps({"peaks": {"upload_bytes_per_second": 1e9, "download_bytes_per_second": 2e9},
                      "rows": [row("gpu-fourstep", 0.001), row("cufft-lean", 0.004)],
                      "not_here": absent if "bench" in wrong else []}))
elif name == "gpuconv" and words[0] == "methods":
    print("method     place cost here idea\ngpu-tiled  GPU   N K  yes  tiles\n"
          "cpu-naive  CPU   N K  yes  none\n")
elif name == "gpuconv" and words[0] == "render":
    print(json.dumps({"gpuconv": "0", "device": {"name": "Imaginary 1"}, "convolve_seconds": 0.5,
                      "gpu_start_seconds": 0.25}))
elif name == "gpuconv_tests" and "Golden" in words[-1]:
    print("[ RUN      ] Golden.Bytes/gpu_fused")
    if "golden" in wrong:
        print("x.cpp:1: Failure\nother bytes; replay with --token=gpu-fused:3000:1000:9\n"
              "[  FAILED  ] Golden.Bytes/gpu_fused (3 ms)")
        sys.exit(1)
    print("[       OK ] Golden.Bytes/gpu_fused (3 ms)\n[       OK ] Golden.Bytes/gpu_tiled (3 ms)")
elif name == "gpuconv_tests":
    if "killed" in wrong:  # the call that runs the script that runs this one
        os.kill(parent(parent(os.getpid())), signal.SIGKILL)
        time.sleep(9)
    print("[ RUN      ] Suite.a\n[       OK ] Suite.a (3 ms)\n[ RUN      ] Suite.b")
    if "hang" in wrong:
        print("", flush=True, end="")
        time.sleep(60)
    if "crash" in wrong:
        sys.exit(9)
    bad = "test" in wrong
    print("[  FAILED  ] Suite.b (2 ms)" if bad else "[  SKIPPED ] Suite.b (0 ms)")
    skip = os.environ.get("SKIP", "no test data")
    report = [word.split(":", 1)[1] for word in words if "--gtest_output" in word][0]
    pathlib.Path(report).write_text(
        "<a><b><testcase/>" + ("" if bad else f'<testcase><skipped message="x.cpp:1&#10;{skip}"/>'
                               "</testcase>") + "</b></a>")
    sys.exit(bad)
elif name == "gpuconv_faults":
    print('{"device": "Imaginary 1"}')
    print("9 jobs done and 3 refused" + ("; 1 wrong, first: gpu-tiled" if "faults" in wrong else ""))
    sys.exit("faults" in wrong)
elif name == "ncu":
    print("==ERROR== ERR_NVGPUCTRPERM")
    sys.exit(1)
"""

# Stands for compute-sanitizer: what it says of the tests, of its planted bug, and where nothing is.
SANITIZER = r"""#!/usr/bin/env bash
summary() { echo "========= $([ $tool = racecheck ] && echo RACECHECK SUMMARY: $1 hazards displayed \
  || echo ERROR SUMMARY: $1 errors)"; }
tool=$2 case=${!#}
[ "$FAKE" != refused ] || { echo "Device not supported"; exit 1; }
case $case in
  none) [ "$FAKE" = noisy ] && { summary 1; exit 99; }; summary 0 ;;
  --gtest_filter*)
    case $FAKE in
      finds) echo "Invalid write at gpuconv::tiled_kernel"; summary 2; exit 99 ;;
      empty) summary 0 ;;
      skips) echo "[  PASSED  ] 3 tests."; echo "[  SKIPPED ] 1 test"; summary 0 ;;
      dies) exit 139 ;;
      *) echo "[  PASSED  ] 8 tests."; summary 0 ;;
    esac ;;
  *) [ "$FAKE" = blind ] && { summary 0; exit 0; }
     echo "Invalid write at gpuconv::planted_${tool}_kernel"; summary 1; exit 99 ;;
esac
"""


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


def is_alive(pid):
    """Whether it still is after some seconds: a busy machine takes its time to end a process."""
    for _ in range(100):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for name in ("gpuconv", "gpuconv_tests", "gpuconv_faults", "gpuconv_planted"):
            executable(self.programs / name, FAKE)
        self.tools = self.folder / "tools"
        self.tools.mkdir()

    def environment(self, **variables):
        path = f"{self.tools}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "FAKE": "", **variables}

    def run_script(self, *words, **variables):
        return subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              env=self.environment(**variables), timeout=110)


class WholeSession(WithFolder):
    def make(self, fake, *words, code):
        """A dry run of the stand-ins: (its report as JSON, as text)."""
        done = self.run_script(GPU / "session", "--dry-run", "--programs", self.programs, "--results",
                               self.folder / "results", *words, FAKE=fake)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        results = self.folder / "results/imaginary-1"
        self.assertEqual({path.name for path in (self.folder / "results/calls").iterdir()},
                         set(session.SECONDS))
        return json.loads((results / "session.json").read_text()), (results / "session.md").read_text()

    def test_all_is_well(self):
        report, page = self.make("", code=0)
        self.assertEqual(list(report["calls"]), list(session.SECONDS))
        for call in report["calls"].values():
            self.assertTrue(call["finished"])
            for step in call["steps"].values():
                self.assertIn(step["status"], ("passed", "skipped"), step)
        self.assertTrue(page.splitlines()[2].startswith("**Golden bytes: all agree, of gpu_fused"))
        self.assertIn("dry run: nothing here is a measurement", page)
        # Medians with their ends, beside cuFFT's of the same run.
        self.assertIn("| 300x40x1 | `gpu-fourstep` | 1 (0.5 to 2) | 2 (1 to 4) | 0.25 |", page)
        self.assertIn("| gpu-cufft, file to file |", page)
        self.assertIn("| copying the files |", page)
        files = {path.name for path in (self.folder / "results/imaginary-1").iterdir()}
        self.assertEqual(files, {"session.json", "session.md", "bench.json", "chunks.json",
                                 "end_to_end.json", "ladder.json"})
        ladder = json.loads((self.folder / "results/imaginary-1/ladder.json").read_text())
        self.assertEqual([row["method"] for row in ladder["rows"]], ["gpu-tiled"])

    def test_one_call_fails_one_is_killed_and_one_is_skipped(self):
        executable(self.tools / "ncu", FAKE)
        report, page = self.make("golden,faults,killed", code=1)
        self.assertEqual(page.splitlines()[2], "**Golden bytes: gpu-fused: other bytes at 3,000 "
                                               "samples x 1,000 taps.**")
        calls = report["calls"]
        self.assertEqual(calls["faults"]["steps"]["faults"]["status"], "failed")
        self.assertIn("1 wrong, first: gpu-tiled", calls["faults"]["steps"]["faults"]["reason"])
        self.assertEqual(calls["faults"]["steps"]["ladder"]["status"], "passed")
        self.assertFalse(calls["check"]["finished"])
        self.assertEqual(calls["check"]["steps"],
                         {"tests": {"status": "not run", "reason": "the call was ended here"}})
        skipped = calls["profile"]["steps"]["ncu, gpu-fused on b"]
        self.assertEqual(skipped["status"], "skipped")
        self.assertEqual(skipped["reason"], "ncu does not run here: ERR_NVGPUCTRPERM")
        self.assertEqual(calls["profile"]["steps"]["chunk sizes on b"]["status"], "passed")
        self.assertEqual(calls["measure"]["steps"].pop("golden bytes")["status"], "failed")
        for step in calls["measure"]["steps"].values():
            self.assertIn(step["status"], ("passed", "skipped"))
        self.assertIn("| check | the whole | not run | – | was killed |", page)

    def test_runs_from_the_folder_of_the_bundle(self):
        copy = re.search(r"^cp profiling/gpu/.*?\"\$bundle\"$", (GPU / "bundle").read_text(),
                         re.MULTILINE | re.DOTALL)[0]
        self.run_script("bash", "-c", f"cd {ROOT}; bundle={self.programs}; {copy}")
        (self.programs / "bundle.json").write_text('{"commit": "abc", "toolkit": "13"}')
        done = self.run_script(self.programs / "session", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads((self.programs / "gpu_session/imaginary-1/session.json").read_text())
        self.assertEqual((report["commit"], report["toolkit"]), ("abc", "13"))
        self.assertEqual(report["calls"]["faults"]["steps"]["ladder"]["status"], "passed")


class OneCall(WithFolder):
    def make(self, name, fake="", code=0, **variables):
        done = self.run_script(GPU / "session", name, "--dry-run", "--programs", self.programs, "--out",
                               self.folder / name, FAKE=fake, **variables)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads((self.folder / name / "session.json").read_text())

    def test_nothing_is_run_where_no_gpu_is(self):
        for step in self.make("measure", "no gpu", code=2)["steps"].values():
            self.assertEqual((step["status"], step["reason"]), ("not run", "no driver"))

    def test_rows_are_kept_of_a_benchmark_that_lacks_others(self):
        step = self.make("measure", "bench", code=2)["steps"]["bench, head"]
        self.assertEqual((step["status"], step["reason"]),
                         ("not run", "2 rows; cufft-lean: no memory"))
        self.assertEqual(len(json.loads((self.folder / "measure/bench.json").read_text())["rows"]), 10)

    def call(self):
        printing = unittest.mock.patch("builtins.print")
        printing.start()
        self.addCleanup(printing.stop)
        arguments = types.SimpleNamespace(dry_run=True, programs=self.programs,
                                          out=self.folder / "call")
        call = session.Call("measure", arguments)
        call.report["gpu"], call.no_gpu = "Imaginary 1", ""
        return call

    def test_a_machine_without_cufft_is_reported(self):
        call = self.call()
        call.dry = False
        call.step("there", session.selftest)
        with unittest.mock.patch.dict(os.environ, {"FAKE": "no cufft"}):
            call.step("not there", session.selftest)
        steps = call.report["steps"]
        self.assertEqual((steps["there"]["status"], steps["there"]["reason"]),
                         ("passed", "12 ok, 0 failed, 0 not here"))
        self.assertEqual(steps["not there"]["status"], "not run")
        self.assertIn("cuFFT is not installed", steps["not there"]["reason"])

    def test_what_does_not_end_is_ended_with_all_that_it_started(self):
        call = self.call()
        script = "sleep 61 & echo $!; echo $$; wait"
        call.step("hangs", lambda one: one.run(["sh", "-c", script], 1))
        step = call.report["steps"]["hangs"]
        self.assertEqual(step["status"], "failed")
        pids = re.findall(r"^\d+$", (self.folder / "call/log.txt").read_text(), re.MULTILINE)
        self.assertEqual(len(pids), 2)
        for pid in pids:
            self.assertFalse(is_alive(pid), pid)

    def test_no_step_outlasts_its_call(self):
        call = self.call()
        call.deadline = time.monotonic() + 0.3
        begin = time.monotonic()
        call.step("long", lambda one: one.run(["sleep", "60"], 50))
        call.step("late", lambda one: one.run(["sleep", "60"], 50))
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(call.report["steps"]["late"]["reason"], "no time was left in this call")

    def test_a_bug_of_its_own_costs_one_step(self):
        call = self.call()
        call.step("bug", lambda one: {}["nothing"])
        self.assertEqual(call.report["steps"]["bug"]["status"], "failed")
        self.assertIn("session itself: KeyError", call.report["steps"]["bug"]["reason"])

    def test_large_files_stay_behind(self):
        call = self.call()
        for number in range(9):
            (call.out / f"{number}").write_bytes(bytes(number << 20))
        with unittest.mock.patch.dict(session.STEPS, {"measure": []}):
            call.make()
        files = list(call.out.iterdir())
        self.assertLessEqual(len(files), 8)
        self.assertLess(sum(path.stat().st_size for path in files), 16 << 20)
        self.assertEqual(call.report["left_out"], ["8", "7", "6", "5"])
        self.assertTrue((call.out / "session.json").exists())

    def test_one_that_is_stopped_leaves_no_process(self):
        hanging = executable(self.programs / "gpuconv_tests", "#!/bin/sh\n"
                             f"echo $$ > {self.folder}/pid\nsleep 60\n")
        process = subprocess.Popen([GPU / "session", "measure", "--dry-run", "--programs",
                                    hanging.parent, "--out", self.folder / "measure"],
                                   env=self.environment())
        for _ in range(200):
            if (self.folder / "pid").exists() and (self.folder / "pid").read_text().strip():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 128 + signal.SIGTERM)
        self.assertFalse(is_alive((self.folder / "pid").read_text().strip()))
        report = json.loads((self.folder / "measure/session.json").read_text())
        self.assertFalse(report["finished"])


class Merging(WithFolder):
    def folder_of(self, name, call="measure", **changes):
        folder = self.folder / name
        folder.mkdir()
        report = {"call": call, "date": "2030-01-01", "gpu": "Imaginary 1", "driver": "1",
                  "commit": "abc", "toolkit": "13", "dry_run": False, "finished": True,
                  "steps": {"s": {"status": "passed", "reason": "fine"}}, **changes}
        (folder / "session.json").write_text(json.dumps(report))
        return folder

    def merge(self, *folders):
        with unittest.mock.patch("builtins.print"):
            code = merge.merge(folders, self.folder / "results", ["measure", "check"])
        return code, (self.folder / "results/imaginary-1/session.md").read_text()

    def test_what_is_missing_was_not_run(self):
        code, page = self.merge(self.folder_of("a"))
        self.assertEqual(code, 2)
        self.assertIn("| check | the whole | not run | – | no folder of it |", page)
        self.assertIn("**Golden bytes: not compared.**", page)
        code, page = self.merge(self.folder_of("b", "check"))
        self.assertEqual(code, 0)  # the first one is still there
        self.assertNotIn("no folder of it", page)

    def test_a_call_of_another_build_does_not_mix(self):
        with self.assertRaisesRegex(SystemExit, "several builds or GPUs: .*abc.*def"):
            self.merge(self.folder_of("a"), self.folder_of("b", "check", commit="def"))
        self.merge(self.folder_of("c"))
        (self.folder / "results/imaginary-1/bench.json").write_text("{}")
        _, page = self.merge(self.folder_of("d", "check", commit="def"))
        self.assertIn("| measure | the whole | not run | – | no folder of it |", page)
        self.assertFalse((self.folder / "results/imaginary-1/bench.json").exists())

    def test_a_call_that_saw_no_gpu_goes_with_the_others(self):
        lost = {"s": {"status": "not run", "reason": "no driver"}}
        code, page = self.merge(self.folder_of("a"), self.folder_of(
            "b", "check", gpu="", driver="unknown", steps=lost))
        self.assertEqual(code, 2)
        self.assertIn("# gpuconv on Imaginary 1", page)
        self.assertIn("| check | s | not run | – | no driver |", page)
        with self.assertRaisesRegex(SystemExit, "no calls"):
            self.merge(self.folder / "nothing")

    def test_the_later_of_two_counts(self):
        late = {"s": {"status": "failed", "reason": "worse"}}
        code, page = self.merge(self.folder_of("a", date="2030-01-02", steps=late),
                                self.folder_of("b"), self.folder_of("c", "check"))
        self.assertEqual(code, 1)
        self.assertIn("| measure | s | failed | – | worse |", page)

    def test_what_was_not_measured_has_no_figure(self):
        folder = self.folder_of("a")
        row = {"samples": 3, "taps": 2, "clips": 1, "seconds": {"median": 1, "min": 1, "max": 1},
               "cold_seconds": None, "is_right": True, "is_extrapolated": False}
        rows = [{**row, "method": "gpu-direct", "is_extrapolated": True},
                {**row, "method": "gpu-tiled", "is_right": False},
                {**row, "method": "gpu-fused"}]
        (folder / "bench.json").write_text(json.dumps({"rows": rows, "not_here": []}))
        (folder / "peers.json").write_text(json.dumps({"rows": [
            {"size": "3x2", "method": "cupy", "not_run": "no | module"}]}))
        _, page = self.merge(folder)
        self.assertIn("| 3x2x1 | `gpu-direct` | not measured: extrapolated | – | – |", page)
        self.assertIn("| 3x2x1 | `gpu-tiled` | not measured: a wrong result | – | – |", page)
        self.assertIn("| 3x2x1 | `gpu-fused` | 1000 (1000 to 1000) | – | – |", page)
        self.assertIn("| 3x2 | `cupy` | not measured: no / module | – | – |", page)


class Tests(WithFolder):
    def run_tests(self, fake="", skip="no test data", *words):
        done = self.run_script(GPU / "tests.py", self.programs, *words, FAKE=fake, SKIP=skip)
        return done.returncode, done.stdout.splitlines()[-1]

    def test_pass_and_may_be_skipped_for_harmless_reasons(self):
        code, line = self.run_tests()
        self.assertEqual(code, 0)
        self.assertRegex(line, r"^\d+ passed, \d+ skipped$")

    def test_skipped_for_another_reason_were_not_run(self):
        for reason in ("gpu-tiled: no NVIDIA GPU is visible", "cuFFT is not installed", "whatever"):
            code, line = self.run_tests(skip=reason)
            self.assertEqual(code, 77)
            self.assertIn(f"tests were skipped: {reason}", line)

    def test_fail_crash_and_hang_by_name(self):
        self.assertEqual(self.run_tests("test")[0], 1)
        self.assertIn("failed, first Suite.b; ", self.run_tests("test")[1])
        self.assertIn("first Suite.b: exit code 9 and no report", self.run_tests("crash")[1])
        code, line = self.run_tests("hang", "", "--seconds", "1")
        self.assertEqual(code, 1)
        self.assertIn("first Suite.b: did not end in time", line)

    def test_what_is_timed_has_the_machine_for_itself(self):
        chosen = f"{tests.TIMED_TESTS}:{tests.ADVISORY_TESTS}".split(":")
        for name, is_timed in (("Golden.Bytes/gpu_tiled", False), ("Auto.Costs", True),
                               ("VerificationCost.Stays", True), ("Cpu/FftwTest.Is/head", True)):
            self.assertEqual(any(fnmatch.fnmatchcase(name, one) for one in chosen), is_timed, name)
        line = re.search(r"^timed=.*$", (ROOT / "tools/tests.sh").read_text(), re.MULTILINE)[0]
        done = self.run_script("bash", "-c", f"cd {ROOT} && {line}; echo $timed")
        self.assertEqual(done.stdout.strip().split(":"), chosen)

    def test_every_reason_to_skip_is_judged_on_purpose(self):
        """Those that say something of the GPU, and those of the emulation; a new one fails here."""
        telling = ("why_none", "why_no_cufft", "reason", "error.what()", "GPUCONV_PRELOADED",
                   "AddressSanitizer", "race_test.cpp", "beyond;", "path <<")
        for path in (ROOT / "tests").rglob("*.[ch][pu]*"):
            for line in re.findall(r"GTEST_SKIP\(\) <<[^;]*;", path.read_text(errors="replace")):
                self.assertTrue(any(word in line for word in telling + tests.HARMLESS_SKIPS)
                                or "kCorpus" in path.read_text(), line)


class Sanitizers(WithFolder):
    def sanitize(self, fake, tool="memcheck"):
        executable(self.tools / "compute-sanitizer", SANITIZER)
        done = self.run_script(GPU / "sanitize.sh", tool, self.programs, FAKE=fake)
        return done.returncode, (done.stdout.splitlines() or [done.stderr])[-1]

    def test_silence_counts_after_the_planted_bug_was_found(self):
        for tool in ("memcheck", "racecheck", "initcheck", "synccheck"):
            self.assertEqual(self.sanitize("", tool),
                             (0, "no findings in 8 tests; the planted bug is reported"))
        for fake, line in (("blind", "memcheck does not report its planted bug"),
                           ("noisy", "memcheck reports 1 findings where nothing is wrong"),
                           ("finds", "memcheck: 2 findings in the tests, exit code 99"),
                           ("dies", "memcheck gave no summary of the tests, exit code 139"),
                           ("empty", "memcheck: no test ran"),
                           ("skips", "memcheck: tests were skipped")):
            self.assertEqual(self.sanitize(fake), (1, line))

    def test_a_host_may_refuse_it(self):
        self.assertEqual(self.sanitize("refused"),
                         (77, "compute-sanitizer does not run here: Device not supported"))


if __name__ == "__main__":
    unittest.main()
