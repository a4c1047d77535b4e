"""The checks that a mutant meets, in order of cost, and what each says about it."""

import dataclasses
import os
import pathlib
import re
import resource
import signal
import subprocess


EVERY_METHOD = ["gpu_*"]
NO_METHOD = []
HASTE = 4  # at most so many times slower is what builds.py does not optimise
BUSY = 20  # and so many times longer it may take where others work, too


@dataclasses.dataclass(frozen=True)
class Check:
    """Tests that a mutant has to pass. METHOD stands for each method that it may harm."""
    name: str
    build: str
    tests: str
    seconds: int
    order: str = "forward"
    streams: str = "lazy"
    needs_tests: bool = False  # whether test files that include the mutant are compiled, too

    def filter(self, methods):
        """Empty if there is nothing to say about these methods."""
        words = self.tests.split()
        if methods == NO_METHOD and any("METHOD" in word for word in words):
            return ""
        return ":".join(dict.fromkeys(word.replace("METHOD", method)
                                      for word in words for method in methods or [""]))


def suites_of_kernel_tests():
    """What tests/cuda/*.cu tests: kernels without the methods that use them."""
    files = (pathlib.Path(__file__).parent.parent / "cuda").glob("*.cu")
    return " ".join(sorted({f"{suite}/*.*" if kind == "TYPED_TEST" else f"*{suite}.*"
                            for path in files for kind, suite in
                            re.findall(r"^(TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+),",
                                       path.read_text(), re.MULTILINE)}))


# In order of cost.
CHECKS = (
    Check("blocks", "emulated", "BlockRing.* *Blockwise*.*/METHOD Cost.* GpuRenderer.* LevelMeter.* "
          "Planned.* Radix2Lengths.* FourstepLengths.* CufftLengths.* NextSmooth.*", 60),
    Check("every method", "emulated", "*EveryMethod.*/METHOD", 120),
    Check("voices", "emulated", "VoiceLists.* *VoicesOf.*/METHOD *SceneBlocks.*/METHOD", 120),
    Check("clips", "emulated", "GpuBenchTest.* CufftChains.* GpuFourstep.* GpuTiled.*", 60),
    Check("golden bytes", "emulated", "*Golden.*/METHOD GoldenFiles.*", 60),
    Check("reverse order", "emulated", "*Blockwise.*/METHOD *EveryMethod.Agrees*/METHOD", 180,
          order="reverse", streams="eager"),
    Check("random order", "emulated", "*Blockwise.*/METHOD *EveryMethod.Agrees*/METHOD", 180,
          order="warp:1", streams="random:1"),
    Check("race shadow", "race", "*Blockwise.*/METHOD *Golden.*/METHOD *VoicesOf.*/METHOD",
          120),
    Check("transforms", "emulated", suites_of_kernel_tests(), 300, needs_tests=True),
    Check("failing calls", "emulated", "*EveryCall.*/METHOD FaultPlan.*", 180),
    Check("shapes", "emulated", "*Shapes.*/METHOD *Properties.*/METHOD", 400),
)

HOW = (
    ("race", r"\brace: "),
    ("divergent barrier", r"divergent (barrier|warp)|with a mask that"),
    ("memory guard", r"was overrun|bytes of shared memory, was granted|take different shared"),
    ("sanitizer", r"AddressSanitizer|LeakSanitizer|runtime error: "),
    ("other bytes", r"other bytes; replay"),
    ("less accurate", r"less accurate than before"),
    ("CUDA error", r"\(cudaError\w+ = \d+\) from"),
)


@dataclasses.dataclass(frozen=True)
class Killer:
    check: str
    test: str
    how: str


# What the methods of a part are, where it is not a method's own file.
USERS = {"methods/fourstep/columns": ["gpu_fourstep"], "methods/fourstep/rows": ["gpu_fourstep"],
         "methods/segment_convolver": ["gpu_fourstep", "gpu_fused"],
         "peers/cufft_chains": NO_METHOD, "runtime/peaks": NO_METHOD}  # of benchmarks alone


def methods_of(objects):
    """Names of the methods, as tests write them, that a change of these objects can harm."""
    methods = set()
    for made in objects:
        part = re.search(r"/cuda/((?:methods/)?([\w/]+))\.cu\.o$", made)
        if part is not None and part[1] in USERS:
            methods.update(USERS[part[1]])
        elif part is not None and part[2].startswith("gpu_"):
            methods.add(part[2])
        else:
            return EVERY_METHOD
    return sorted(methods)


def run_check(check, program, methods):
    """None if the mutant lives on."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("GPUCONV_", "GTEST_"))}
    environment.update(GPUCONV_EMULATED_ORDER=check.order, GPUCONV_EMULATED_STREAMS=check.streams)
    command = [str(program), f"--gtest_filter={check.filter(methods)}", "--gtest_fail_fast"]
    seconds = HASTE * check.seconds
    try:
        done = subprocess.run(command, env=environment, cwd=program.parent, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=BUSY * seconds, preexec_fn=lambda: limit(seconds))
    except subprocess.TimeoutExpired as error:
        return judge(check, None, (error.stdout or b"").decode(errors="replace"))
    return judge(check, None if done.returncode == -signal.SIGXCPU else done.returncode,
                 done.stdout)


def limit(seconds):
    """Of the processor's time, so that a busy machine kills nothing."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def judge(check, code, output):
    """What a run of tests says; `code` is None if it did not end in time."""
    if code == 0:
        if not re.search(r"^\[  PASSED  \] [1-9]", output, re.MULTILINE):
            raise SystemExit(f"{check.name}: no test ran\n{output[-2000:]}")
        return None
    tests = (re.findall(r"^\[  FAILED  \] ([^\s,]+)", output, re.MULTILINE)[:1] or
             re.findall(r"^\[ RUN      \] (\S+)", output, re.MULTILINE)[-1:] or ["?"])
    how = "does not end" if code is None else next(
        (words for words, pattern in HOW if re.search(pattern, output)),
        "wrong result" if "[  FAILED  ]" in output else "crash")
    return Killer(check.name, re.sub(r"^[^/.]*/", "", tests[0]), how)  # no "Lengths2To/" before
