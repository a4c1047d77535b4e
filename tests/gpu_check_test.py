#!/usr/bin/env python3
"""profiling/gpu_check reaches the right verdict, whatever the machine and its tools do."""

import importlib.machinery
import importlib.util
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

sys.dont_write_bytecode = True
PROFILING = pathlib.Path(__file__).resolve().parent.parent / "profiling"
sys.path.insert(0, str(PROFILING))
import gpu_check_samples as samples  # noqa: E402


def load(path):
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(path))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("gpu_check", loader))
    sys.modules["gpu_check"] = module
    loader.exec_module(module)
    return module


gpu_check = load(PROFILING / "gpu_check")
Outcome = gpu_check.Outcome

DEVICES = "cuda:0  NVIDIA Imaginary 1, compute capability 9.0, 7 multiprocessors, 8.0 GiB\n"


def gtest_xml(ran=3, failed=0, skip=None, name="Suite"):
    cases = "".join(f'<testcase name="t{i}" classname="{name}" status="run">'
                    f'{"<failure message=" + chr(34) + "no" + chr(34) + "/>" if i < failed else ""}'
                    '</testcase>' for i in range(ran))
    if skip:
        cases += ('<testcase name="s" classname="Suite" status="run">'
                  f'<skipped message="{skip}"/></testcase>')
    cases += ('<testcase name="r" classname="Cufft" status="run"><properties>'
              '<property name="error" value="0.6"/></properties></testcase>' if ran else "")
    cases += '<testcase name="filtered" classname="Suite" status="notrun"/>'
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


def faults_report(**changes):
    step = {"method": "gpu-tiled", "leave_bytes": 1 << 20, "free_bytes": 1 << 20,
            "outcome": "refused", "error": "GPU: out of memory", "stale_error": "cudaSuccess",
            "afterwards": "right bytes", "stale_error_afterwards": "cudaSuccess"}
    repeated = {"jobs": 10000, "done": 10000, "wrong": 0, "free_bytes_before": 1 << 30,
                "free_bytes_halfway": 1 << 30, "free_bytes_after": 1 << 30,
                "stale_error": "cudaSuccess"}
    example = {"method": "gpu-tiled", "leave_bytes": None, "outcome": "right bytes"}
    for key, value in changes.items():
        (step if key in step else repeated)[key] = value
    return {"device": "x", "not_here": [], "starved": [example, step], "repeated": repeated}


def lines_of(report):
    """As gpuconv_faults print it."""
    parts = [{key: report[key] for key in ("device", "not_here")},
             *({"starved": step} for step in report["starved"]), {"repeated": report["repeated"]}]
    return "".join(json.dumps(part) + "\n" for part in parts)


def ladder_report(**not_run):
    """Keyword: kind of a method that gave no result."""
    return {"rows": [{"method": "gpu-tiled"}],
            "not_run": [{"method": "gpu-fused", "kind": kind.replace("_", " "), "reason": reason}
                        for kind, reason in not_run.items()]}


def bench_report(is_right=True, is_extrapolated=False):
    seconds = {"median": 2e-3, "min": 1e-3, "max": 3e-3, "runs": 25}
    row = {"problem": "short", "method": "gpu-cufft", "samples": 10, "taps": 3, "clips": 1,
           "is_right": is_right, "is_noisy": False, "is_extrapolated": is_extrapolated, "seconds": seconds, "cold_seconds": seconds,
           "operations": 1e9, "bytes": 5e8, "launches": 1}
    return {"gpu": "x", "peaks": {"flops": 1e12, "bytes_per_second": 1e12}, "rows": [row],
            "not_here": []}


class Machine:
    """A machine on which everything is well, until a test changes an answer."""

    def __init__(self):
        self.answers = {"devices": Outcome(0, DEVICES), "selftest": Outcome(0, "all ok\n"),
                        "tests": Outcome(0, ""), "xml": gtest_xml(),
                        "timed": Outcome(0, ""), "timed xml": gtest_xml(name="VerificationCost"),
                        "advisory": Outcome(0, ""), "advisory xml": gtest_xml(name="Auto"),
                        "gpuconv_faults": Outcome(0, lines_of(faults_report())),
                        "bench": Outcome(0, json.dumps(bench_report())),
                        "ladder": Outcome(0, "measured\n"), "ladder.json": ladder_report(), "nvidia-smi": Outcome(0, "570.1\n"),
                        "git": Outcome(0, "abc123\n"), "nvcc": Outcome(0, "release 13.0\n")}
        for tool in gpu_check.TOOLS:
            self.answers[tool] = {"none": Outcome(0, samples.clean(tool)),
                                  "tests": Outcome(0, samples.TESTS_PASSED + samples.clean(tool)),
                                  "planted": Outcome(99, samples.finding(
                                      tool, f"planted_{tool}_kernel"))}

    def run(self, command, seconds, environment=None, folder=None):
        self.seconds = seconds
        words = [str(word) for word in command]
        name = os.path.basename(words[0])
        if name == "compute-sanitizer":
            return self.sanitize(words)
        if name == "gpuconv" and words[1] == "bench":
            key = " ".join(word for word in words[2:] if word in self.answers)
            return self.answers.get(key, self.answers["bench"])
        if name == "gpuconv":
            return self.answers[words[1]]
        if name == "gpuconv_tests":
            return self.test(words)
        if words[0] == sys.executable:
            return self.measure_ladder(words)
        return self.answers[name]

    def sanitize(self, words):
        answers = self.answers[words[words.index("--tool") + 1]]
        if any("gpuconv_tests" in word for word in words):
            return answers["tests"]
        return answers["none" if words[-1] == "none" else "planted"]

    def test(self, words):
        report = next(word.split(":", 1)[1] for word in words if "--gtest_output" in word)
        chosen = next(word.split("=", 1)[1] for word in words if "--gtest_filter" in word)
        kind = {gpu_check.TIMED_TESTS: "timed", gpu_check.ADVISORY_TESTS: "advisory"}.get(chosen)
        xml = self.answers[f"{kind} xml" if kind else "xml"]
        if xml is not None:
            pathlib.Path(report).write_text(xml)
        return self.answers[kind or "tests"]

    def measure_ladder(self, words):
        if self.answers["ladder.json"] is not None:
            text = json.dumps(self.answers["ladder.json"])
            (pathlib.Path(words[5]) / "ladder.json").write_text(text)
        return self.answers["ladder"]


def is_chosen(name, chosen):
    """As Google Test reads --gtest_filter."""
    positive, _, negative = chosen.partition("-")
    fits = lambda patterns: any(fnmatch.fnmatchcase(name, one) for one in patterns.split(":"))
    return fits(positive or "*") and not (negative and fits(negative))


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class GpuCheckTest(unittest.TestCase):
    def setUp(self):
        self.machine = Machine()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.results = pathlib.Path(self.folder.name) / "results"
        self.sanitizer = "compute-sanitizer"

    def check(self, *stages):
        check = gpu_check.Check(pathlib.Path("/programs"), self.results, run=self.machine.run,
                                sanitizer=self.sanitizer)
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
        try:
            return gpu_check.run_stages(check, stages or gpu_check.STAGES)
        finally:
            sys.stdout.close()
            sys.stdout = stdout

    def expect(self, stage, status, words, code):
        report = self.check()
        seen = report["stages"][stage]
        self.assertEqual(seen["status"], status, seen)
        self.assertIn(words, seen["reason"])
        self.assertEqual(gpu_check.exit_code(report), code)
        for other, verdict in report["stages"].items():
            if other != stage:
                self.assertEqual(verdict["status"], gpu_check.PASSED, (other, verdict))
        self.assertEqual(json.loads((self.results / "gpu_check.json").read_text()), report)
        self.assertIn(f"| {stage} | {status} |", (self.results / "gpu_check.md").read_text())

    def failed(self, stage, words):
        self.expect(stage, gpu_check.FAILED, words, 1)

    def not_run(self, stage, words):
        self.expect(stage, gpu_check.NOT_RUN, words, 2)

    def test_all_is_well(self):
        report = self.check()
        self.assertEqual({stage["status"] for stage in report["stages"].values()},
                         {gpu_check.PASSED}, report)
        self.assertEqual(gpu_check.exit_code(report), 0)
        self.assertEqual([report[key] for key in ("gpu", "driver", "commit", "toolkit")],
                         ["NVIDIA Imaginary 1", "570.1", "abc123", "release 13.0"])
        text = (self.results / "gpu_check.md").read_text()
        self.assertIn("| short, 1 x 10 x 3 | `gpu-cufft` | 2 (1 to 3) | 2 (1 to 3) | 1 | 50 % | 25 % | no |",
                      text)

    # tests

    def test_a_failing_test(self):
        self.machine.answers.update(tests=Outcome(1, "[ FAILED ]"), xml=gtest_xml(failed=1))
        self.failed("tests", "Suite.t0")

    def test_a_failing_test_although_the_program_says_it_is_well(self):
        self.machine.answers.update(xml=gtest_xml(failed=1))
        self.failed("tests", "Suite.t0")

    def test_tests_that_die(self):
        self.machine.answers.update(tests=Outcome(-11, ""), xml=None)
        self.failed("tests", "code -11")

    def test_tests_that_leave_no_report_or_half_of_one(self):
        for text in (None, "<testsuites><testsuite>"):
            self.machine.answers["xml"] = text
            self.failed("tests", "no report")

    def test_tests_that_hang(self):
        self.machine.answers["tests"] = Outcome(124, "", timed_out=True)
        self.failed("tests", "did not end in time")

    def test_no_test_at_all(self):
        self.machine.answers["xml"] = gtest_xml(ran=0)
        self.failed("tests", "no test ran")

    def test_skipped_tests_that_say_nothing_of_the_gpu(self):
        for reason in ("no test data (speech.wav)", "launches are counted in the emulation",
                       "gpu-radix2: transform lengths 1048576 with GPUCONV_LONG=1",
                       "root may write everything", "mounting needs root: Operation not permitted",
                       "gpu-fused: 70,000 taps are beyond it",
                       "no ./tests/fuzz/corpus/audio",
                       "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa is not installed"):
            self.machine.answers["xml"] = gtest_xml(skip=f"x.cpp:1&#10;{reason}")
            stage = self.check("tests")["stages"]["tests"]
            self.assertEqual(stage["status"], gpu_check.PASSED, reason)
            self.assertIn("skipped", stage["reason"])
            self.assertIn(reason, stage["details"]["skipped"])

    def test_skipped_tests_that_do_or_for_an_unknown_reason(self):
        for reason in ("gpu-tiled: no NVIDIA GPU is visible", "cuFFT is not installed",
                       "no ./libgpuconv_preloaded.so", "whatever"):
            self.machine.answers["xml"] = gtest_xml(skip=f"x.cpp:1&#10;{reason}")
            self.not_run("tests", reason)

    def test_every_reason_to_skip_that_the_tests_have_is_judged_on_purpose(self):
        """Those that say something of the GPU, and those of the emulation; a new one fails here."""
        telling = ("why_none", "why_no_cufft", "reason", "error.what()", "GPUCONV_PRELOADED",
                   "AddressSanitizer", "race_test.cpp", "beyond;", "path <<")
        for path in (PROFILING.parent / "tests").rglob("*.[ch][pu]*"):
            for line in re.findall(r"GTEST_SKIP\(\) <<[^;]*;", path.read_text(errors="replace")):
                self.assertTrue(any(word in line for word in telling + gpu_check.HARMLESS_SKIPS)
                                or "kCorpus" in path.read_text(), line)

    def test_what_the_tests_measured_is_kept(self):
        self.assertEqual(self.check("tests")["stages"]["tests"]["details"]["recorded"],
                         {"Cufft.r": {"error": "0.6"}})

    def test_tests_that_are_ended_tell_how_far_they_came(self):
        text = ("[ RUN      ] A.a\n[       OK ] A.a (3 ms)\n[ RUN      ] A.b/gpu_tiled\n"
                "[  SKIPPED ] A.b/gpu_tiled (0 ms)\n[ RUN      ] A.c/gpu_fused\n")
        self.machine.answers.update(tests=Outcome(124, text, timed_out=True), xml=None)
        self.failed("tests", "did not end in time (in A.c/gpu_fused, after")
        self.machine.answers["tests"] = Outcome(
            124, text + "[  FAILED  ] A.c/gpu_fused, where GetParam() = 1 (2 ms)\n", timed_out=True)
        self.failed("tests", "first A.c/gpu_fused")

    def test_what_is_timed_has_the_machine_for_itself(self):
        check = gpu_check.Check(pathlib.Path("/programs"), self.results)
        chosen = gpu_check.shard_filter(check, has_cufft=True)
        for name, is_shared in (("Golden.Bytes/gpu_tiled", True), ("Auto.Costs", False),
                                ("VerificationCost.Stays", False), ("Cpu/FftwTest.Is/head", False),
                                ("Radix2.IsAsAccurateAsCufft", True)):
            self.assertEqual(is_chosen(name, chosen), is_shared, name)
        self.assertFalse(is_chosen("Radix2.IsAsAccurateAsCufft",
                                   gpu_check.shard_filter(check, has_cufft=False)))

    # timing

    def test_a_promised_time_that_is_not_kept(self):
        self.machine.answers.update({"timed": Outcome(1, ""), "timed xml": gtest_xml(failed=1)})
        self.failed("timing", "Suite.t0")

    def test_estimates_that_are_wrong_gate_nothing_but_are_told(self):
        self.machine.answers.update({"advisory": Outcome(1, "auto: 1.3 of the best by the sum"),
                                     "advisory xml": gtest_xml(failed=1, name="Auto")})
        stage = self.check("timing")["stages"]["timing"]
        self.assertEqual(stage["status"], gpu_check.PASSED)
        self.assertIn("3 within their limits, beyond theirs Auto.t0", stage["reason"])
        self.assertIn("1.3 of the best", stage["details"]["advisory"]["output"])

    def test_estimates_that_take_too_long_to_judge_are_not_passed(self):
        self.machine.answers.update({
            "advisory": Outcome(124, "[ RUN      ] Auto.Costs\n", timed_out=True),
            "advisory xml": None})
        stage = self.check("timing")["stages"]["timing"]
        self.assertEqual(stage["status"], gpu_check.PASSED)
        self.assertIn("did not end in time (in Auto.Costs)", stage["reason"])
        self.machine.answers["advisory"] = Outcome(-11, "")
        self.assertIn("ended with code -11", self.check("timing")["stages"]["timing"]["reason"])

    def test_a_selftest_that_fails(self):
        self.machine.answers["selftest"] = Outcome(3, "gpu-tiled FAILED\n")
        self.failed("tests", "code 3")

    def test_no_cufft_to_compare_with(self):
        self.machine.answers["selftest"] = Outcome(0, "gpu-cufft  not here: cuFFT is not installed")
        self.not_run("tests", "cuFFT")

    # sanitizers

    def test_kernels_of_cufft_are_not_ours_to_check(self):
        for name, is_ours in (("EveryMethod.GivesEachEarItsOwnResponse/gpu_tiled", True),
                              ("EveryMethod.GivesEachEarItsOwnResponse/gpu_fused", True),
                              ("EveryMethod.KeepsASilentEarExactlySilent/gpu_cufft", False),
                              ("EveryMethod.KeepsASilentEarExactlySilent/cpu_dft", False),
                              ("Lengths2To/Radix2.ForwardAgreesWithTheDefinition/8", True)):
            self.assertEqual(is_chosen(name, gpu_check.SANITIZED_TESTS), is_ours, name)

    def test_each_tool_has_its_share_of_the_time(self):
        seen = []

        def run(command, seconds, *rest):
            seen.append(seconds)
            return Machine.run(self.machine, command, seconds, *rest)
        check = gpu_check.Check(pathlib.Path("/programs"), self.results, run=run,
                                sanitizer="compute-sanitizer",
                                deadline=time.monotonic() + gpu_check.STAGE_SECONDS)
        gpu_check.stage_sanitizers(check)
        self.assertLess(max(seen[:3]), gpu_check.STAGE_SECONDS / 4 + 1)

    def test_findings_are_seen_in_either_output(self):
        self.machine.answers["memcheck"]["tests"] = Outcome(
            99, samples.TESTS_PASSED, samples.finding("memcheck", "tiled_kernel"))
        self.failed("sanitizers", "memcheck: 1 findings")

    def test_a_finding_of_each_tool(self):
        for tool in gpu_check.TOOLS:
            self.machine.answers[tool]["tests"] = Outcome(99, samples.finding(tool, "tiled_kernel"))
            self.failed("sanitizers", f"{tool}: 1 findings")
            self.machine = Machine()

    def test_a_finding_with_exit_code_0(self):
        self.machine.answers["racecheck"]["tests"] = Outcome(0, samples.finding("racecheck", "k"))
        self.failed("sanitizers", "racecheck: 1 findings")

    def test_failing_tests_without_findings(self):
        self.machine.answers["memcheck"]["tests"] = Outcome(1, samples.clean("memcheck"))
        self.failed("sanitizers", "exit code 1")

    def test_a_filter_that_fits_no_test_or_skips_some(self):
        for text in ("[  PASSED  ] 0 tests.\n", "[  PASSED  ] 7 tests.\n[  SKIPPED ] 1 test.\n"):
            self.machine.answers["memcheck"]["tests"] = Outcome(0, text + samples.clean("memcheck"))
            self.not_run("sanitizers", "memcheck: not all tests ran")

    def test_a_tool_without_summary(self):
        self.machine.answers["initcheck"]["tests"] = Outcome(0, "Killed")
        self.failed("sanitizers", "no summary")

    def test_a_planted_bug_that_is_not_reported(self):
        for tool in gpu_check.TOOLS:
            self.machine.answers[tool]["planted"] = Outcome(0, samples.clean(tool))
            self.failed("sanitizers", f"{tool} does not report its planted bug")
            self.machine = Machine()

    def test_a_report_of_something_else_than_the_planted_bug(self):
        self.machine.answers["memcheck"]["planted"] = Outcome(99, samples.finding("memcheck", "k"))
        self.failed("sanitizers", "memcheck does not report its planted bug")

    def test_a_tool_that_complains_about_everything(self):
        self.machine.answers["synccheck"]["none"] = Outcome(99, samples.finding("synccheck", "k"))
        self.failed("sanitizers", "synccheck complains where nothing is wrong")

    def test_a_tool_that_hangs(self):
        self.machine.answers["racecheck"]["tests"] = Outcome(124, "", timed_out=True)
        self.failed("sanitizers", "racecheck did not end in time")

    def test_no_sanitizer(self):
        self.sanitizer = None
        self.not_run("sanitizers", "compute-sanitizer is not here")

    def test_a_sanitizer_that_does_not_start(self):
        for outcome in (Outcome(127, "no such file", missing=True),
                        Outcome(1, "Error: device not supported")):
            self.machine.answers["memcheck"]["none"] = outcome
            self.not_run("sanitizers", "memcheck does not run here")

    # faults

    def test_faults(self):
        for changes, words in (({"outcome": "wrong bytes"}, "wrong bytes"),
                               ({"outcome": "other error"}, "other error"),
                               ({"stale_error": "cudaErrorMemoryAllocation"}, "stale error"),
                               ({"afterwards": "GPU: out of memory"}, "afterwards"),
                               ({"free_bytes": 1 << 30}, "not filled"),
                               ({"wrong": 1}, "1 of 10000 jobs"),
                               ({"free_bytes_halfway": (1 << 30) - (4 << 20),
                                 "free_bytes_after": (1 << 30) - (8 << 20)},
                                "4194304 bytes of device memory lost")):
            report = faults_report(**changes)
            self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(report))
            self.failed("faults", words)

    def test_a_job_that_ends_all_jobs(self):
        report = faults_report(done=7)
        report["repeated"]["error"] = "GPU: no"
        self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(report))
        self.failed("faults", "after 7 of 10000 jobs: GPU: no")

    def test_memory_that_is_lost_once_is_no_leak_and_is_told(self):
        for changes in ({"free_bytes_halfway": 1000 << 20, "free_bytes_after": 1000 << 20},
                        {"free_bytes_after": 1000 << 20},
                        {"free_bytes_halfway": (1 << 30) - 1, "free_bytes_after": (1 << 30) - 2}):
            self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(faults_report(**changes)))
            stage = self.check("faults")["stages"]["faults"]
            self.assertEqual(stage["status"], gpu_check.PASSED, stage["reason"])
            free = [f"{changes.get(key, 1 << 30) / (1 << 20):.1f}"
                    for key in ("free_bytes_before", "free_bytes_halfway", "free_bytes_after")]
            self.assertIn(", ".join(free), stage["reason"])

    def test_a_method_that_gives_no_example_with_all_memory(self):
        report = faults_report()
        report["starved"].append({"method": "gpu-fused", "leave_bytes": None, "outcome": "no example",
                                  "error": "no transform of this length",
                                  "stale_error": "cudaSuccess"})
        self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(report))
        self.failed("faults", "gpu-fused with all memory: no example no transform of this length")

    def test_faults_that_end_early_are_kept_as_far_as_they_came(self):
        text = lines_of(faults_report(outcome="wrong bytes"))
        done = "".join(text.splitlines(True)[:3]) + '{"starved": {"meth'
        for outcome, words in ((Outcome(124, done, timed_out=True), "did not end in time; before: 1"),
                               (Outcome(70, done, "error: internal error: no\n"), "error: no; before: 1"),
                               (Outcome(0, "".join(text.splitlines(True)[:2])), "stopped before")):
            self.machine.answers["gpuconv_faults"] = outcome
            self.failed("faults", words)
            report = json.loads((self.results / "gpu_check.json").read_text())
            self.assertTrue(report["stages"]["faults"]["details"]["starved"])

    def test_own_methods_must_be_there_and_cufft_is_missed(self):
        report = faults_report()
        report["not_here"] = [{"method": "gpu-cufft", "reason": "cuFFT is not installed"}]
        self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(report))
        self.not_run("faults", "cuFFT is not installed")
        report["not_here"] = [{"method": "gpu-tiled", "reason": "launch failed"}]
        self.machine.answers["gpuconv_faults"] = Outcome(0, lines_of(report))
        self.failed("faults", "launch failed")

    def test_a_program_that_is_missing_or_talks_nonsense(self):
        self.machine.answers["gpuconv_faults"] = Outcome(127, "no such file", missing=True)
        self.not_run("faults", "gpuconv_faults is not here")
        self.machine.answers["gpuconv_faults"] = Outcome(0, "Segmentation")
        self.failed("faults", "no JSON")

    # bench and ladder

    def test_a_benchmark_of_wrong_results(self):
        report = bench_report(is_right=False)
        self.machine.answers["bench"] = Outcome(0, json.dumps(report))
        self.failed("bench", "a wrong result")

    def test_a_benchmark_without_the_yardstick(self):
        report = bench_report()
        report["not_here"] = [{"method": "gpu-cufft", "problem": "short", "kind": "error",
                               "reason": "cuFFT is not installed"}]
        self.machine.answers["bench"] = Outcome(0, json.dumps(report))
        self.not_run("bench", "cuFFT is not installed")

    def test_a_method_with_a_limit_is_no_shortcoming_of_the_benchmark(self):
        report = bench_report()
        report["not_here"] = [{"method": "gpu-fused", "problem": "head", "kind": "limit",
                               "reason": "70000 taps are too many (limit 16384)"}]
        self.machine.answers["bench"] = Outcome(0, json.dumps(report))
        stage = self.check("bench")["stages"]["bench"]
        self.assertEqual(stage["status"], gpu_check.PASSED)
        self.assertIn("gpu-fused, head: 70000 taps are too many", stage["reason"])

    def test_what_is_far_behind_is_not_beyond_a_method(self):
        report = bench_report()
        report["not_here"] = [{"method": "gpu-direct", "problem": "head", "kind": "behind",
                               "reason": "by estimate 30 times slower than another method"}]
        self.machine.answers["bench"] = Outcome(0, json.dumps(report))
        stage = self.check("bench")["stages"]["bench"]
        self.assertEqual(stage["status"], gpu_check.PASSED)
        self.assertIn("far behind by estimate: ", stage["reason"])
        self.assertNotIn("beyond", stage["reason"])

    def test_rows_of_an_earlier_run_do_not_outlive_one_that_fails(self):
        self.check("bench")
        self.assertTrue((self.results / "bench.json").exists())
        self.machine.answers["bench"] = Outcome(70, "", "error: internal error")
        self.assertEqual(self.check("bench")["stages"]["bench"]["status"], gpu_check.FAILED)
        self.assertFalse((self.results / "bench.json").exists())

    def test_what_was_extrapolated_is_not_published_as_measured(self):
        self.machine.answers["head"] = Outcome(0, json.dumps(bench_report(is_extrapolated=True)))
        tiny = bench_report()
        tiny["rows"] = [{**tiny["rows"][0], "problem": name} for name in ("short", "head")]
        self.machine.answers["--tiny"] = Outcome(0, json.dumps(tiny))
        stage = self.check("bench")["stages"]["bench"]
        self.assertIn("1 rows, 1 more extrapolated, not measured", stage["reason"])
        text = (self.results / "gpu_check.md").read_text()
        self.assertEqual(text.count("2 (1 to 3), extrapolated | 2 (1 to 3), extrapolated | –"), 1, text)
        self.machine.answers["short"] = self.machine.answers["head"]
        self.failed("bench", "nothing was measured")

    def test_a_wrong_result_has_no_time(self):
        lines = list(gpu_check.bench_lines(bench_report(is_right=False)))
        self.assertIn("WRONG RESULT | WRONG RESULT | – | – | – |", lines[-1])

    def test_the_benchmark_keeps_what_was_measured_before_it_was_ended(self):
        tiny = bench_report()
        tiny["rows"] = [{**tiny["rows"][0], "problem": name} for name in ("short", "head")]
        self.machine.answers["--tiny"] = Outcome(0, json.dumps(tiny))
        self.machine.answers["head"] = Outcome(124, "", timed_out=True)
        self.failed("bench", "head: gpuconv did not end in time; 1 rows before")
        self.assertEqual(len(json.loads((self.results / "bench.json").read_text())["rows"]), 1)
        self.assertIn("| short, 1 x 10 x 3 |", (self.results / "gpu_check.md").read_text())

    def test_what_is_said_beside_json_is_not_read(self):
        self.machine.answers["bench"] = Outcome(0, json.dumps(bench_report()), "warning: no\n")
        self.assertEqual(self.check("bench")["stages"]["bench"]["status"], gpu_check.PASSED)

    def test_a_benchmark_that_hangs(self):
        self.machine.answers["bench"] = Outcome(124, "", timed_out=True)
        self.failed("bench", "did not end in time")

    def test_a_report_of_an_unknown_form(self):
        self.machine.answers["bench"] = Outcome(0, "{}")
        self.failed("bench", "gpu_check itself: KeyError")

    def test_a_ladder_that_fails(self):
        self.machine.answers.update({"ladder": Outcome(1, "", "RuntimeError: no"),
                                     "ladder.json": None})
        self.failed("ladder", "RuntimeError: no")
        self.machine.answers["ladder"] = Outcome(0, "")
        self.failed("ladder", "left no ladder.json")

    def test_a_ladder_of_an_earlier_run_is_not_taken_for_this_one(self):
        self.check("ladder")
        self.machine.answers["ladder.json"] = None
        self.failed("ladder", "left no ladder.json")

    def test_rungs_that_are_missing(self):
        self.machine.answers["ladder.json"] = ladder_report(limit="70000 taps are too many")
        stage = self.check("ladder")["stages"]["ladder"]
        self.assertEqual(stage["status"], gpu_check.PASSED)
        self.assertIn("gpu-fused: 70000 taps are too many", stage["reason"])
        self.machine.answers["ladder.json"] = ladder_report(not_here="gpuconv methods: not here")
        self.not_run("ladder", "gpu-fused: gpuconv methods: not here")
        self.machine.answers.update({"ladder.json": ladder_report(error="GPU: launch failed"),
                                     "ladder": Outcome(1, "")})
        self.failed("ladder", "gpu-fused: GPU: launch failed")

    def test_a_ladder_that_is_ended(self):
        self.machine.answers["ladder"] = Outcome(124, "", timed_out=True)
        self.failed("ladder", "ladder.py did not end in time; 1 methods before")

    # all of it

    def test_no_gpu(self):
        self.machine.answers["devices"] = Outcome(0, "no GPU: no NVIDIA driver\n")
        report = self.check()
        for stage in report["stages"].values():
            self.assertEqual((stage["status"], stage["reason"]),
                             (gpu_check.NOT_RUN, "no GPU: no NVIDIA driver"))
        self.assertEqual(gpu_check.exit_code(report), 2)

    def test_what_was_not_asked_for_is_not_run(self):
        report = self.check("tests")
        self.assertEqual(report["stages"]["bench"]["reason"], "not asked for")
        self.assertEqual(gpu_check.exit_code(report), 2)

    def test_stages_of_the_same_build_add_up(self):
        self.check("tests", "timing", "sanitizers")
        self.assertEqual(gpu_check.exit_code(self.check("faults", "bench", "ladder")), 0)

    def test_stages_of_another_build_do_not(self):
        for other in ("def456\n", "abc123-dirty\n"):
            self.check("tests", "timing", "sanitizers")
            self.machine.answers["git"] = Outcome(0, other)
            self.assertEqual(gpu_check.exit_code(self.check("faults", "bench", "ladder")), 2)

    def test_a_failure_outweighs_what_was_not_run(self):
        self.sanitizer = None
        self.machine.answers["xml"] = gtest_xml(failed=1)
        self.assertEqual(gpu_check.exit_code(self.check()), 1)

    def test_a_command_that_does_not_end_is_stopped(self):
        outcome = gpu_check.run_command([sys.executable, "-c", "import time; time.sleep(60)"], 1)
        self.assertTrue(outcome.timed_out)

    def test_a_command_that_is_ended_leaves_its_words_and_no_process(self):
        script = ("import subprocess, sys, time\n"
                  "print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
                  "print('so far', file=sys.stderr, flush=True); time.sleep(60)")
        outcome = gpu_check.run_command([sys.executable, "-c", script], 2)
        self.assertEqual(outcome.errors, "so far\n")
        for _ in range(50):  # until the system has buried it
            if not is_alive(int(outcome.text)):
                break
            time.sleep(0.1)
        self.assertFalse(is_alive(int(outcome.text)))

    def test_a_gpu_check_that_is_stopped_leaves_no_process(self):
        program = pathlib.Path(self.folder.name) / "gpuconv"
        pid = pathlib.Path(self.folder.name) / "pid"
        program.write_text(f"#!/bin/sh\necho $$ > {pid}.part; mv {pid}.part {pid}; exec sleep 60\n")
        program.chmod(0o755)
        stops = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

        def as_from_a_terminal():  # whoever runs the tests may ignore some: nohup, a shell's "&"
            for stop in stops:
                signal.signal(stop, signal.SIG_DFL)

        for stop in stops:
            pid.unlink(missing_ok=True)
            check = subprocess.Popen([sys.executable, PROFILING / "gpu_check", "--programs",
                                      self.folder.name, "--results", self.results],
                                     stderr=subprocess.DEVNULL, preexec_fn=as_from_a_terminal)
            for _ in range(100):
                if pid.exists():
                    break
                time.sleep(0.1)
            check.send_signal(stop)
            self.assertNotEqual(check.wait(20), 0)
            self.assertFalse(is_alive(int(pid.read_text())))

    def test_both_outputs_are_told_apart(self):
        outcome = gpu_check.run_command(["sh", "-c", "echo out; echo err >&2; exit 3"], 5)
        self.assertEqual((outcome.code, outcome.text, outcome.errors), (3, "out\n", "err\n"))

    def test_a_run_that_is_stopped_itself_has_not_passed(self):
        with unittest.mock.patch.object(gpu_check, "stage_bench", side_effect=KeyboardInterrupt), \
                self.assertRaises(KeyboardInterrupt):
            self.check("tests", "bench")
        stages = json.loads((self.results / "gpu_check.json").read_text())["stages"]
        self.assertEqual(stages["tests"]["status"], gpu_check.PASSED)
        self.assertEqual((stages["bench"]["status"], stages["bench"]["reason"]),
                         (gpu_check.NOT_RUN, "stopped before its end"))

    def test_a_device_is_one_of_those_that_are_visible(self):
        for number, existing, expected in ((0, None, ""), (0, "5", ""), (2, None, "2"),
                                           (1, "4,7", "7"), (1, "GPU-a1,GPU-b2", "GPU-b2")):
            self.assertEqual(gpu_check.visible_device(number, existing), expected)
        for number, existing in ((2, "4,7"), (1, ""), (-1, None)):
            with self.assertRaisesRegex(ValueError, f"--device {number}: "):
                gpu_check.visible_device(number, existing)

    def test_a_command_that_does_not_exist(self):
        self.assertTrue(gpu_check.run_command(["/no/such/program"], 1).missing)

    def test_the_line_about_mutants(self):
        path = pathlib.Path(self.folder.name) / "mutants.json"
        self.assertEqual(gpu_check.mutants_line(path), "mutants: not run")
        path.write_text('{"killed": 7, "total": 7}')
        self.assertEqual(gpu_check.mutants_line(path), "mutants: 7 of 7 killed")
        path.write_text('{"killed": 6, "total": 7, "harmless": 2}')
        self.assertEqual(gpu_check.mutants_line(path),
                         "mutants: 6 of 7 killed (2 harmless ones left out)")


if __name__ == "__main__":
    unittest.main()
