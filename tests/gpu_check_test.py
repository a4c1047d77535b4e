#!/usr/bin/env python3
"""profiling/gpu_check reaches the right verdict, whatever the machine and its tools do."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import unittest

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


def gtest_xml(ran=3, failed=0, skip=None):
    cases = "".join(f'<testcase name="t{i}" classname="Suite" status="run">'
                    f'{"<failure message=" + chr(34) + "no" + chr(34) + "/>" if i < failed else ""}'
                    '</testcase>' for i in range(ran))
    if skip:
        cases += ('<testcase name="s" classname="Suite" status="run">'
                  f'<skipped message="{skip}"/></testcase>')
    cases += '<testcase name="filtered" classname="Suite" status="notrun"/>'
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


def faults_report(**changes):
    step = {"method": "gpu-tiled", "leave_bytes": 1 << 20, "free_bytes": 1 << 20,
            "outcome": "refused", "error": "GPU: out of memory", "stale_error": "cudaSuccess",
            "afterwards": "right bytes", "stale_error_afterwards": "cudaSuccess"}
    repeated = {"jobs": 10000, "wrong": 0, "free_bytes_before": 100, "free_bytes_after": 100,
                "stale_error": "cudaSuccess"}
    for key, value in changes.items():
        (step if key in step else repeated)[key] = value
    return {"device": "x", "not_here": [], "starved": [step], "repeated": repeated}


def bench_report(is_right=True):
    seconds = {"median": 2e-3, "min": 1e-3, "max": 3e-3, "runs": 25}
    row = {"problem": "short", "method": "gpu-cufft", "samples": 10, "taps": 3, "clips": 1,
           "is_right": is_right, "is_noisy": False, "seconds": seconds, "cold_seconds": seconds,
           "operations": 1e9, "bytes": 5e8, "launches": 1}
    return {"gpu": "x", "peaks": {"flops": 1e12, "bytes_per_second": 1e12}, "rows": [row],
            "not_here": []}


class Machine:
    """A machine on which everything is well, until a test changes an answer."""

    def __init__(self):
        self.answers = {"devices": Outcome(0, DEVICES), "selftest": Outcome(0, "all ok\n"),
                        "tests": Outcome(0, ""), "xml": gtest_xml(),
                        "gpuconv_faults": Outcome(0, json.dumps(faults_report())),
                        "bench": Outcome(0, json.dumps(bench_report())),
                        "ladder": Outcome(0, "measured\n"), "nvidia-smi": Outcome(0, "570.1\n"),
                        "git": Outcome(0, "abc123\n"), "nvcc": Outcome(0, "release 13.0\n")}
        for tool in gpu_check.TOOLS:
            self.answers[tool] = {"none": Outcome(0, samples.clean(tool)),
                                  "tests": Outcome(0, samples.TESTS_PASSED + samples.clean(tool)),
                                  "planted": Outcome(99, samples.finding(
                                      tool, f"planted_{tool}_kernel"))}

    def run(self, command, seconds, environment=None, folder=None):
        words = [str(word) for word in command]
        name = os.path.basename(words[0])
        if name == "compute-sanitizer":
            return self.sanitize(words)
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
        if self.answers["xml"] is not None:
            pathlib.Path(report).write_text(self.answers["xml"])
        return self.answers["tests"]

    def measure_ladder(self, words):
        if self.answers["ladder"].code == 0:
            (pathlib.Path(words[5]) / "ladder.json").write_text("{}")
        return self.answers["ladder"]


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

    def test_skipped_tests(self):
        self.machine.answers["xml"] = gtest_xml(skip="x.cpp:1&#10;no test data (speech.wav)")
        self.assertEqual(self.check("tests")["stages"]["tests"]["status"], gpu_check.PASSED)
        self.machine.answers["xml"] = gtest_xml(skip="gpu-tiled: no NVIDIA GPU is visible")
        self.not_run("tests", "no NVIDIA GPU")

    def test_a_selftest_that_fails(self):
        self.machine.answers["selftest"] = Outcome(3, "gpu-tiled FAILED\n")
        self.failed("tests", "code 3")

    def test_no_cufft_to_compare_with(self):
        self.machine.answers["selftest"] = Outcome(0, "gpu-cufft  not here: cuFFT is not installed")
        self.not_run("tests", "cuFFT")

    # sanitizers

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
                               ({"free_bytes_after": 60}, "40 bytes of device memory lost")):
            report = faults_report(**changes)
            self.machine.answers["gpuconv_faults"] = Outcome(0, json.dumps(report))
            self.failed("faults", words)

    def test_own_methods_must_be_there_and_cufft_is_missed(self):
        report = faults_report()
        report["not_here"] = [{"method": "gpu-cufft", "reason": "cuFFT is not installed"}]
        self.machine.answers["gpuconv_faults"] = Outcome(0, json.dumps(report))
        self.not_run("faults", "cuFFT is not installed")
        report["not_here"] = [{"method": "gpu-tiled", "reason": "launch failed"}]
        self.machine.answers["gpuconv_faults"] = Outcome(0, json.dumps(report))
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
        report["not_here"] = [{"method": "gpu-cufft", "reason": "cuFFT is not installed"}]
        self.machine.answers["bench"] = Outcome(0, json.dumps(report))
        self.not_run("bench", "cuFFT is not installed")

    def test_a_benchmark_that_hangs(self):
        self.machine.answers["bench"] = Outcome(124, "", timed_out=True)
        self.failed("bench", "did not end in time")

    def test_a_report_of_an_unknown_form(self):
        self.machine.answers["bench"] = Outcome(0, "{}")
        self.failed("bench", "gpu_check itself: KeyError")

    def test_a_ladder_that_fails(self):
        self.machine.answers["ladder"] = Outcome(1, "RuntimeError: no")
        self.failed("ladder", "RuntimeError: no")

    def test_a_ladder_without_cufft(self):
        self.machine.answers["ladder"] = Outcome(1, "RuntimeError: error: cuFFT is not installed")
        self.not_run("ladder", "cuFFT")

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
        self.check("tests", "sanitizers")
        self.assertEqual(gpu_check.exit_code(self.check("faults", "bench", "ladder")), 0)

    def test_stages_of_another_build_do_not(self):
        for other in ("def456\n", "abc123-dirty\n"):
            self.check("tests", "sanitizers")
            self.machine.answers["git"] = Outcome(0, other)
            self.assertEqual(gpu_check.exit_code(self.check("faults", "bench", "ladder")), 2)

    def test_a_failure_outweighs_what_was_not_run(self):
        self.sanitizer = None
        self.machine.answers["xml"] = gtest_xml(failed=1)
        self.assertEqual(gpu_check.exit_code(self.check()), 1)

    def test_a_command_that_does_not_end_is_stopped(self):
        outcome = gpu_check.run_command([sys.executable, "-c", "import time; time.sleep(60)"], 1)
        self.assertTrue(outcome.timed_out)

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
