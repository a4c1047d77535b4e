#!/usr/bin/env bash
# Nsight Compute on the kernels of one method. (Not run yet: no GPU was at hand.)
#
#   profiling/kernels/ncu.sh METHOD [SIZE] [REPORT]
#
# SIZE is SAMPLESxTAPS[xCLIPS], by default 200000x70000; of gpu-fused 200000x16000, which it can do.
# Writes REPORT.ncu-rep, by default METHOD.ncu-rep, and prints what profiles.md says to look at.
# Clocks are left alone (--clock-control none): a locked base clock is not what users get, and this
# needs no rights. Caches are, too (--cache-control none): the passes of gpu-fourstep hand over
# their data in the second-level cache, which ncu would empty. GPUCONV_PROGRAM names another program
# than build/gpuconv. Exit code 77 and a reason where there is no ncu, or the machine does not let it
# read counters: see https://developer.nvidia.com/ERR_NVGPUCTRPERM.
set -euo pipefail
program=$(dirname "$0")/../../build/gpuconv
[ ! -x "$(dirname "$0")/gpuconv" ] || program=$(dirname "$0")/gpuconv  # in the bundle
program=${GPUCONV_PROGRAM:-$program}

method=${1:?usage: profiling/kernels/ncu.sh METHOD [SIZE] [REPORT]}
size=${2:-}
report=${3:-$method}

if [ -z "$size" ]; then
  [ "$method" = gpu-fused ] && size=200000x16000 || size=200000x70000
fi

# The kernels, and the NVTX range around their launches (domain@range/ is a pushed range); the
# methods without a range of their own differ by their kernels alone.
range=
case $method in
  gpu-direct) kernels=direct_kernel ;;
  gpu-tiled) kernels=tiled_kernel ;;
  gpu-radix2) kernels='stage_kernel|part_kernel' ;;
  gpu-fourstep) kernels='columns_forward_kernel|convolve_kernel|columns_inverse_kernel' range='three passes' ;;
  gpu-fused) kernels=convolve_kernel range='one pass' ;;
  gpu-cufft) kernels=. range='transform source' ;;
  *) echo "profiling/kernels/ncu.sh: $method: no method with kernels; see gpuconv methods" >&2; exit 1 ;;
esac
PATH=$PATH:/usr/local/cuda/bin
command -v ncu >/dev/null ||
  { echo "ncu is not here: it comes with the CUDA Toolkit and Nsight Compute"; exit 77; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# One counter of one kernel: some hosts forbid that.
if ! ncu --clock-control none --cache-control none --metrics sm__cycles_elapsed.max \
  --launch-count 1 "$program" bench --method "$method" --size 300x40 --device cuda --tiny \
  >"$log" 2>&1 || ! grep -q sm__cycles_elapsed "$log"; then
  reason=$(sed -n 's/^==ERROR== //p' "$log" | head -n 1)
  echo "ncu does not run here: ${reason:-$(grep -v '^$' "$log" | tail -n 1)}"
  exit 77
fi

filter=(--kernel-name "regex:$kernels")
[ -z "$range" ] || filter+=(--nvtx --nvtx-include "gpuconv@$range/")
sections=()
for section in SpeedOfLight SpeedOfLight_RooflineChart LaunchStats Occupancy MemoryWorkloadAnalysis \
  MemoryWorkloadAnalysis_Tables SchedulerStats WarpStateStats InstructionStats SourceCounters; do
  sections+=(--section "$section")
done

rm -f "$report.ncu-rep"
# The first launches are of planning and warming up; of each kernel shape a few are enough.
ncu --clock-control none --cache-control none --target-processes all --force-overwrite --export "$report" \
  "${filter[@]}" "${sections[@]}" --filter-mode per-launch-config --launch-skip 2 --launch-count 3 \
  "$program" bench --method "$method" --size "$size" --device cuda --seconds 0.05
[ -e "$report.ncu-rep" ] ||
  { echo "profiling/kernels/ncu.sh: $method on $size: ncu profiled no kernel; see above" >&2; exit 1; }
ncu --import "$report.ncu-rep" --page details --print-summary per-kernel
