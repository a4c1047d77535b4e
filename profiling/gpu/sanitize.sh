#!/usr/bin/env bash
# One tool of compute-sanitizer on every kernel at small sizes.
#
#   profiling/gpu/sanitize.sh memcheck|racecheck|initcheck|synccheck [FOLDER]
#
# FOLDER holds gpuconv_tests and gpuconv_planted; by default build, or this one in the bundle. The
# tool has to be silent where nothing is wrong and to report the bug that gpuconv_planted has for it,
# before its silence about the tests counts. Exit code 77 and a reason where there is no such tool,
# or where it refuses the device.
set -euo pipefail

tool=${1:?usage: profiling/gpu/sanitize.sh memcheck|racecheck|initcheck|synccheck [FOLDER]}
folder=$(dirname "$0")/../../build
[ ! -x "$(dirname "$0")/gpuconv_planted" ] || folder=$(dirname "$0")
folder=$(realpath "${2:-$folder}")
cd "$folder"
# A sanitizer makes a kernel ten to a hundred times slower. Of cuFFT's own kernels no more is asked
# than right results.
tests='EveryMethod.GivesEachEar*/gpu_*:EveryMethod.KeepsASilentEar*/gpu_*'
tests+=':*/Radix2.*Agrees*/8:*/Radix2.*Agrees*/12:Blockwise.FindsPeak*:-*cufft*:*Cufft*'

end() { echo "$2"; exit "$1"; }
sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
[ -x "$sanitizer" ] || end 77 "compute-sanitizer is not here: it comes with the CUDA Toolkit"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# check PROGRAM WORDS...: its exit code is in $code, what the tool found in $found, empty without summary.
check() {
  local options=(--tool "$tool" --error-exitcode 99)
  [ "$tool" != racecheck ] || options+=(--racecheck-report all)
  code=0
  "$sanitizer" "${options[@]}" "$@" >"$log" 2>&1 || code=$?
  cat "$log"
  found=$(sed -nE 's/^=+ (ERROR|RACECHECK) SUMMARY: ([0-9]+) (error|hazard).*/\2/p' "$log" |
    awk '{ sum += $1; any = 1 } END { if (any) print sum }')
}

check "$folder/gpuconv_planted" none
[ -n "$found" ] || end 77 "compute-sanitizer does not run here: $(grep -v '^$' "$log" | tail -n 1)"
[ "$code $found" = "0 0" ] || end 1 "$tool reports $found findings where nothing is wrong"
check "$folder/gpuconv_planted" "$tool"
if [ "${found:-0}" -eq 0 ] || ! grep -q "planted_${tool}_kernel" "$log"; then
  end 1 "$tool does not report its planted bug"
fi
check "$folder/gpuconv_tests" "--gtest_filter=$tests"
passed=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' "$log")
[ -n "$found" ] || end 1 "$tool gave no summary of the tests, exit code $code"
[ "$code $found" = "0 0" ] || end 1 "$tool: $found findings in the tests, exit code $code"
# A filter that matches nothing finds nothing.
[ "${passed:-0}" -gt 0 ] || end 1 "$tool: no test ran"
! grep -q '^\[  SKIPPED \]' "$log" || end 1 "$tool: tests were skipped"
end 0 "no findings in $passed tests; the planted bug is reported"
