# tools/tests.sh, sourced: filters for GoogleTest, shared by tools/test, tools/quick and .ci/run.

# What needs the machine for itself: profiling/gpu/tests.py knows it.
timed=$(sed -nE 's/^(TIMED|ADVISORY)_TESTS = "(.*)"/\2/p' profiling/gpu/tests.py | paste -sd:)
# Kernels in other orders, and under a watch for races.
reordered='*Blockwise*:Radix2*/1?:GpuRenderer*:*EveryMethod.Agrees*gpu_*:Golden.*gpu_*:*GraphOf*'
