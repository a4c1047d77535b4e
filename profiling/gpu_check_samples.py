"""What compute-sanitizer and nvidia-smi print, in the form of their manuals: what the dry run and
the tests of profiling/gpu_check read instead of the tools, which need a GPU."""

SUMMARIES = {"memcheck": "ERROR SUMMARY: {} errors", "initcheck": "ERROR SUMMARY: {} errors",
             "synccheck": "ERROR SUMMARY: {} errors",
             "racecheck": "RACECHECK SUMMARY: {0} hazards displayed ({0} errors, 0 warnings)"}

FINDINGS = {
    "memcheck": """========= Invalid __global__ write of size 4 bytes
=========     at gpuconv::{kernel}(const float *, float *)+0x90
=========     by thread (63,0,0) in block (0,0,0)
=========     Address 0x7f6c20000300 is out of bounds""",
    "racecheck": """========= Error: Race reported between Write access at gpuconv::{kernel}+0x70
=========     and Read access at gpuconv::{kernel}(const float *)+0xb0 [128 hazards]""",
    "initcheck": """========= Uninitialized __global__ memory read of size 4 bytes
=========     at gpuconv::{kernel}(const float *, float *)+0x60
=========     by thread (0,0,0) in block (0,0,0)""",
    "synccheck": """========= Barrier error detected. Divergent thread(s) in warp
=========     at gpuconv::{kernel}(const float *, float *)+0xa0
=========     by thread (0,0,0) in block (0,0,0)""",
}


def clean(tool):
    return f"========= COMPUTE-SANITIZER\n========= {SUMMARIES[tool].format(0)}\n"


def finding(tool, kernel):
    return (f"========= COMPUTE-SANITIZER\n{FINDINGS[tool].format(kernel=kernel)}\n"
            f"========= {SUMMARIES[tool].format(1)}\n")


TESTS_PASSED = "[==========] 8 tests from 2 test suites ran. (9 ms total)\n[  PASSED  ] 8 tests.\n"
NVIDIA_SMI = "0.0 (sample)\n"
