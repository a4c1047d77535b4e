#!/usr/bin/env python3
"""The scripts that measure peers and the ladder: what is wrong or missing is never timed.

    tests/profiling_test.py
"""

import array
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
PROFILING = pathlib.Path(__file__).resolve().parent.parent / "profiling"
sys.path[:0] = [str(PROFILING / "peers"), str(PROFILING / "ladder")]
import end_to_end  # noqa: E402
import ladder  # noqa: E402
import peers  # noqa: E402
import programs  # noqa: E402
import table  # noqa: E402

# Stands for a program: copies the file GOOD of its own folder to its last argument, or a bad one.
FAKE = "#!/bin/sh\nfor last; do :; done\ncp \"$(dirname \"$0\")/{}.wav\" \"$last\"\n"


def executable(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class ProgramsTest(WithFolder):
    def setUp(self):
        super().setUp()
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

    def test_what_is_wrong_or_missing_is_not_timed(self):
        self.write("bad", [1.01 * one for one in self.good])
        ours = executable(self.folder / "gpuconv", FAKE.format("good"))
        executable(self.folder / "ffmpeg", FAKE.format("bad"))
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


METHODS = """method      place cost        here idea
cpu-dft     CPU   L^2         yes  by the definition
gpu-tiled   GPU   N K         yes  tiles
gpu-fused   GPU   L log K     yes  one launch
gpu-broken  GPU   L log K     yes  fails
gpu-older   GPU   L log K     yes  is of a program that lacks an option
gpu-absent  GPU   L log K     no   is not there

cost: operations
"""

# Stands for gpuconv: does all jobs but those of gpu-fused, which are too large, and two others.
GPUCONV = """#!/bin/sh
case "$*" in
  methods) cat "$(dirname "$0")/methods" ;;
  *gpu-fused*) echo "error: --method gpu-fused: 70000 taps are too many (limit 16384)" >&2; exit 1 ;;
  *gpu-older*) echo "error: The following argument was not expected: --json" >&2; exit 1 ;;
  *gpu-broken*) echo "error: GPU: launch failed" >&2; exit 3 ;;
  *) echo "warning: not JSON" >&2
     echo '{"gpuconv": "0", "device": {"name": "x"}, "convolve_seconds": 0.5}' ;;
esac
"""


class LadderTest(WithFolder):
    def setUp(self):
        super().setUp()
        (self.folder / "methods").write_text(METHODS)
        self.program = executable(self.folder / "gpuconv", GPUCONV)
        self.results = self.folder / "profiling/results/x"

    def climb(self, *more):
        words = ["ladder.py", str(self.program), str(self.results), "--repeats", "1", *more]
        with unittest.mock.patch.multiple(ladder, N=30, K=10, SHORT_N=3, SHORT_K=1), \
                unittest.mock.patch.object(sys, "argv", words), \
                unittest.mock.patch("builtins.print"), self.assertRaises(SystemExit) as ended:
            ladder.main()
        self.assertEqual(ended.exception.code, 1)
        return json.loads((self.results / "ladder.json").read_text())

    def test_one_method_that_gives_nothing_does_not_take_the_others_away(self):
        result = self.climb()
        self.assertEqual([row["method"] for row in result["rows"]], ["cpu-dft", "gpu-tiled"])
        self.assertEqual([(one["method"], one["kind"], one["reason"]) for one in result["not_run"]],
                         [("gpu-fused", "limit", "70000 taps are too many (limit 16384)"),
                          ("gpu-broken", "error", "GPU: launch failed"),
                          ("gpu-older", "error", "The following argument was not expected: --json"),
                          ("gpu-absent", "not here", "gpuconv methods: not here")])

    def test_methods_may_be_left_out_and_the_problem_may_be_smaller(self):
        result = self.climb("--only", "gpu-", "--size", "40x8")
        self.assertEqual([row["method"] for row in result["rows"]], ["gpu-tiled"])
        self.assertNotIn("cpu-dft", [one["method"] for one in result["not_run"]])
        self.assertEqual((result["samples"], result["taps"]), (40, 8))

    def test_what_was_measured_is_on_disk_when_the_next_begins(self):
        def stopped(program, method, *rest):
            if method == "gpu-fused":
                raise KeyboardInterrupt
            return measure(program, method, *rest)

        measure = ladder.measure
        with unittest.mock.patch.object(ladder, "measure", stopped), \
                self.assertRaises(KeyboardInterrupt):
            self.climb()
        rows = json.loads((self.results / "ladder.json").read_text())["rows"]
        self.assertEqual([row["method"] for row in rows], ["cpu-dft", "gpu-tiled"])

    def test_files_are_whole_and_have_a_row_on_a_line(self):
        result = {"cpu": "x", "rows": [{"method": "a", "seconds": {"min": 1}}, {"method": "b"}],
                  "not_run": []}
        path = self.folder / "new/one.json"
        ladder.write_json(path, result)
        self.assertEqual(json.loads(path.read_text()), result)
        self.assertEqual(len(path.read_text().splitlines()), 1 + 1 + 4 + 1 + 1)
        self.assertEqual([one.name for one in path.parent.iterdir()], ["one.json"])

    def test_the_table_has_what_was_measured_and_at_most_six_rows(self):
        self.climb()
        text = table.table(self.program, self.folder)
        self.assertEqual([line.split("`")[1] for line in text.splitlines() if "`" in line],
                         ["gpu-tiled"])  # cpu-dft is extrapolated
        self.assertIn("| `gpu-tiled` | tiles | 500 ms (500 ms to 500 ms) | ", text)
        self.assertIn("([ladder.json](profiling/results/x/ladder.json))", text)
        rows = [{"method": str(at), "extrapolated": False, "convolve_seconds": {"median": seconds}}
                for at, seconds in enumerate((9, 5, 8, 1, 7, 3, 2, 4))]
        names = [row["method"] for row in table.chosen(rows[::-1], "01234567")]
        self.assertEqual("".join(names), "013567")


# Stands for ncu and nsys: writes down how it was called.
PROFILER = """#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
case "$*" in *--metrics*)
  [ -z "$REFUSES" ] || { echo "==ERROR== $REFUSES"; exit 1; }
  echo sm__cycles_elapsed.max; exit 0 ;;
esac
[ "$MAKES_REPORT" = no ] && exit 0
while [ $# -gt 0 ]; do
  case $1 in --export) touch "$2.ncu-rep" ;; esac
  shift
done
"""


class ProfilersTest(WithFolder):
    def setUp(self):
        super().setUp()
        for name in ("ncu", "nsys"):
            executable(self.folder / name, PROFILER)

    def run_script(self, name, *words, **variables):
        script = PROFILING / "kernels" / name
        environment = {**os.environ, "PATH": f"{self.folder}:/usr/bin:/bin", **variables}
        done = subprocess.run([script, *words], env=environment, capture_output=True, text=True)
        return done, (self.folder / "calls").read_text()

    def test_ncu_gives_each_method_a_size_that_it_can_do(self):
        report = str(self.folder / "report")
        for words, size in ((("gpu-tiled", ""), "200000x70000"), (("gpu-fused", ""), "200000x16000"),
                            (("gpu-fused", "300x40"), "300x40")):
            (self.folder / "calls").unlink(missing_ok=True)
            done, calls = self.run_script("ncu.sh", *words, report)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"--size {size} ", calls)
            *measuring, showing = calls.splitlines()
            self.assertIn("--import", showing)
            for line in measuring:  # clocks and caches are left alone
                self.assertIn("--clock-control none --cache-control none", line)

    def test_ncu_that_profiled_nothing_is_told(self):
        report = self.folder / "report"
        pathlib.Path(f"{report}.ncu-rep").touch()  # of an earlier run
        done, calls = self.run_script("ncu.sh", "gpu-tiled", "", str(report), MAKES_REPORT="no")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ncu profiled no kernel", done.stderr)
        self.assertNotIn("--import", calls)

    def test_ncu_that_may_not_read_counters_is_skipped_in_one_line(self):
        done, calls = self.run_script("ncu.sh", "gpu-tiled", REFUSES="ERR_NVGPUCTRPERM")
        self.assertEqual((done.returncode, done.stdout),
                         (77, "ncu does not run here: ERR_NVGPUCTRPERM\n"))
        self.assertEqual(len(calls.splitlines()), 1)

    def test_nsys_does_not_read_the_export_of_an_earlier_report(self):
        done, calls = self.run_script("nsys.sh", "in.wav", "room.wav")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("stats --force-export=true", calls)


class PeersTest(unittest.TestCase):
    def test_every_gpu_method_that_is_here_takes_part(self):
        listed = [("cpu-naive", True), ("cpu-vectorised", True), ("gpu-tiled", True),
                  ("gpu-cufft", False), ("gpu-fused", True)]
        with unittest.mock.patch.object(ladder, "listed_methods", lambda _: listed):
            self.assertEqual(peers.own_methods("gpuconv"),
                             ["cpu-vectorised", "gpu-tiled", "gpu-fused"])

    def test_sizes_may_have_clips(self):
        self.assertEqual(peers.numbers_of("10x3"), (10, 3, 1))
        self.assertEqual(peers.numbers_of("10x3x4"), (10, 3, 4))
        for wrong in ("10", "10x3x4x5", "10x0", "axb"):
            with self.assertRaises(ValueError):
                peers.numbers_of(wrong)

    def test_what_gpuconv_did_not_measure_is_not_timed(self):
        row = {"is_right": True, "is_extrapolated": False, "seconds": {"median": 0.5}, "error": 1}
        report = {"rows": [{**row, "method": "gpu-tiled"},
                           {**row, "method": "gpu-direct", "is_extrapolated": True},
                           {**row, "method": "gpu-radix2", "is_right": False}],
                  "not_here": [{"method": "gpu-fused", "reason": "too many taps"}]}
        done = subprocess.CompletedProcess([], 0, json.dumps(report), "")
        with unittest.mock.patch.object(peers.subprocess, "run", return_value=done) as run:
            medians, not_run = peers.gpuconv_rows("gpuconv", "9x9x2", ["gpu-tiled", "gpu-direct"])
        self.assertEqual(run.call_args[0][0][2:8],
                         ["-s", "9x9x2", "-m", "gpu-tiled", "-m", "gpu-direct"])
        self.assertEqual(medians, {"gpu-tiled": 0.5})
        self.assertEqual(sorted(not_run), ["gpu-direct", "gpu-fused", "gpu-radix2"])

    def test_a_fast_length_is_the_next_with_small_primes_only(self):
        for length, fast in ((1, 1), (11, 12), (269_999, 270_000), (270_001, 272_160)):
            self.assertEqual(peers.fast_length(length), fast)

    def test_a_library_that_is_not_there_is_said_not_to_be(self):
        def missing(_):
            raise ImportError("No module named 'nothing'")
            yield

        with unittest.mock.patch.object(peers, "LIBRARIES", {"nothing": missing}), \
                unittest.mock.patch.object(peers, "sounds", lambda *_: (None, None)), \
                unittest.mock.patch.object(peers, "gpuconv_rows",
                                           lambda *words: ({"ours": 0.5}, {
                                               name: "no" for name in words[2] if name != "ours"})):
            rows = list(peers.measure(None, "gpuconv", "10x3", 2, ["nothing"], ["ours", "other"]))
        self.assertEqual([row["method"] for row in rows], ["other", "nothing", "ours"])
        rows = rows[::-1]
        self.assertEqual(rows[0]["seconds"]["median"], 0.5)
        self.assertIn("No module named", rows[1]["not_run"])
        for row in rows:
            self.assertIn(row["method"], peers.line_of(row))

    def test_libraries_are_timed_in_three_ways_in_the_rounds_of_ours(self):
        ways = {"queued": (lambda: 2.0, lambda: "right"), "as called": (lambda: 4.0, lambda: "wrong"),
                "in a graph": "RuntimeError: cannot be captured"}

        def library(_):
            yield "theirs", lambda source, ears: ways

        with unittest.mock.patch.object(peers, "LIBRARIES", {"it": library}), \
                unittest.mock.patch.object(peers, "sounds", lambda *_: (None, None)), \
                unittest.mock.patch.object(peers, "error", lambda np, wet, *_: float(wet != "right")), \
                unittest.mock.patch.object(peers, "gpuconv_rows", lambda *_: ({"ours": 0.5}, {})):
            rows = {row["method"]: row for row in
                    peers.measure(None, "gpuconv", "10x3", 2, ["it"], ["ours"])}
        self.assertEqual(rows["theirs, queued"]["seconds"]["median"], 2)
        self.assertEqual(rows["theirs, queued"]["ratio"]["ours"]["median"], 0.25)
        self.assertEqual(rows["theirs, as called"]["not_run"], "its error is 1")
        self.assertEqual(rows["theirs, in a graph"]["not_run"], "RuntimeError: cannot be captured")


class Stream(peers.Device):
    """A GPU whose reads take 1 ms each and whose work takes 3 ms; writes down what is queued."""

    def __init__(self, can_capture=True):
        self.queue, self.now, self.can_capture = [], 0.0, can_capture

    def take(self, what, seconds):
        self.queue.append(what)
        self.now += seconds

    def event(self):
        self.queue.append("event")
        return self.now

    def read(self):
        self.take("read", 1e-3)

    def work(self):
        self.take("work", 3e-3)
        return "result"

    def wait(self):
        self.queue.append("wait")

    def seconds(self, start, end):
        return end - start

    def capture(self, work):
        if not self.can_capture:
            raise ValueError("no capture")
        return lambda: self.take("replay", 2e-3), work()

    def download(self, result):
        return result


class ClockTest(unittest.TestCase):
    def test_reads_stand_before_the_queued_work_and_outside_of_its_time(self):
        device = Stream()
        ways = peers.on_gpu(device, device.work)
        for way, seconds, queue in (
                ("queued", 3e-3, ["read", "read", "work", "event", "work", "event", "wait"]),
                ("in a graph", 2e-3, ["read", "read", "replay", "event", "replay", "event", "wait"]),
                ("as called", 3e-3, ["event", "work", "event", "wait"])):
            device.queue.clear()
            self.assertAlmostEqual(ways[way][0](), seconds)
            # As many reads as it takes, two at the least.
            first = next(at for at, what in enumerate(device.queue) if what != "read")
            self.assertEqual(device.queue[max(0, first - 2):], queue)
            self.assertEqual(ways[way][1](), "result")

    def test_reads_last_longer_than_the_host_takes(self):
        device = Stream()
        moments = iter([10.0, 10.1])
        with unittest.mock.patch.object(peers.time, "perf_counter", lambda: next(moments)):
            self.assertEqual(device.reads_that_last(device.work), 2 + 150)

    def test_a_library_that_cannot_be_captured_is_timed_all_the_same(self):
        device = Stream(can_capture=False)
        ways = peers.on_gpu(device, device.work)
        self.assertEqual(ways["in a graph"], "ValueError: no capture")
        self.assertAlmostEqual(ways["queued"][0](), 3e-3)


class EndToEndTest(WithFolder):
    def test_copying_the_same_bytes_is_measured_beside_it(self):
        program = executable(self.folder / "gpuconv", """#!/bin/sh
case "$*" in
  bench*) echo '{"peaks": {"upload_bytes_per_second": 4e3, "download_bytes_per_second": 8e3}}' ;;
  *gpu-cufft*) echo "error: no cuFFT" >&2; exit 3 ;;
  *) echo '{"gpu_start_seconds": 0.25, "convolve_seconds": 0.5}' ;;
esac
""")
        result = end_to_end.measure(program, 100_000, 1001, 3, ["gpu-fourstep", "gpu-cufft"])
        self.assertEqual(result["not_run"], [{"method": "gpu-cufft", "reason": "error: no cuFFT"}])
        times = {one["what"]: one["seconds"]["median"] for one in result["times"]}
        self.assertEqual(times["gpu-fourstep, gpu start"], 0.25)
        self.assertEqual(times["gpu-fourstep, convolve"], 0.5)
        self.assertEqual(times["copying samples over the link"], 100)
        self.assertEqual(times["copying frames over the link"], 101)
        self.assertGreater(times["gpu-fourstep, file to file"], 0)
        self.assertGreater(times["copying the files"], 0)

    def test_long_recordings_repeat_their_noise(self):
        end_to_end.make_files(self.folder, 150_000, 10)
        samples = programs.samples_of(self.folder / "source.wav")
        self.assertEqual(len(samples), 150_000)
        self.assertEqual(samples[:1000], samples[end_to_end.NOISE:end_to_end.NOISE + 1000])


if __name__ == "__main__":
    unittest.main()
