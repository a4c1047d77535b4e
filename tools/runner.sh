# tools/runner.sh, sourced by tools/test and .ci/run: runs tests and checks, and counts them.
# What runs is announced with minutes and seconds since the start.

passed=0 failed=0 skipped=0
SECONDS=0
announce() { printf 'gpuconv: %2d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$1"; }

# run_tests PROGRAM [FILTER [AT_ONCE]]: shares the tests out among the cores, in parts small enough
# to keep all of them busy. Prints failures, and why tests were skipped.
run_tests() {
  local program=$1 filter=${2:-*} at_once=${3:-$(nproc)} logs log shard p s f
  local passed_here=0 failed_here=0
  announce "$program${2:+ ${2:0:100}}${GPUCONV_EMULATED_ORDER:+, order $GPUCONV_EMULATED_ORDER}"
  logs=$(mktemp -d)
  export GTEST_TOTAL_SHARDS=$((at_once > 1 ? 8 * at_once : 1))
  for ((shard = 0; shard < GTEST_TOTAL_SHARDS; ++shard)); do echo "$shard"; done |
    xargs -P "$at_once" -I {} bash -c 'GTEST_SHARD_INDEX={} "$0" --gtest_brief=1 \
      --gtest_filter="$1" >"$2/{}" 2>&1 || echo "exit code $?" >>"$2/{}"' \
      "$program" "$filter" "$logs"
  unset GTEST_TOTAL_SHARDS
  for log in "$logs"/*; do
    count() { sed -nE "s/^\[  $1 *\] ([0-9]+) tests?[.,].*/\1/p" "$log" | tail -n 1; }
    p=$(count PASSED) s=$(count SKIPPED) f=$(count FAILED)
    passed_here=$((passed_here + ${p:-0})) skipped=$((skipped + ${s:-0}))
    if grep -q '^exit code' "$log"; then
      # A crash counts, too.
      failed_here=$((failed_here + (${f:-0} > 0 ? f : 1)))
      tail -n 100 "$log"
    fi
  done
  grep -hA1 'Skipped$' "$logs"/* | grep -vE 'Skipped$|^--' | sort | uniq -c |
    sed 's/^/  skipped/' || true
  # A filter that matches nothing is an error.
  if [ $((passed_here + failed_here)) -eq 0 ]; then failed_here=1; fi
  passed=$((passed + passed_here)) failed=$((failed + failed_here))
  rm -rf "$logs"
}

# count_check LOG FAILED: counts as one test. Prints what it says if it fails.
count_check() {
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    grep '^gpuconv: ' "$1" || true
  else
    failed=$((failed + 1))
    tail -n 100 "$1"
  fi
}

# run_check COMMAND...
run_check() {
  local log code=0
  log=$(mktemp)
  announce "$*"
  "$@" >"$log" 2>&1 || code=$?
  count_check "$log" "$code"
  rm -f "$log"
}

# run_checks COMMAND...: as run_check for each, a line of shell; as many at once as there are cores.
run_checks() {
  local logs i
  logs=$(mktemp -d)
  announce "$# checks, $(nproc) at once"
  for ((i = 1; i <= $#; ++i)); do printf '%d\0%s\0' "$i" "${!i}"; done |
    xargs -0 -n 2 -P "$(nproc)" bash -c 'bash -c "$2" >"$0/$1" 2>&1; echo $? >"$0/$1.code"' "$logs"
  for ((i = 1; i <= $#; ++i)); do
    announce "${!i}"
    count_check "$logs/$i" "$(cat "$logs/$i.code")"
  done
  rm -rf "$logs"
}

# summary: the last line, and the exit code. GPUCONV_COUNTS names a file for the three numbers.
summary() {
  announce "done"
  [ -z "${GPUCONV_COUNTS:-}" ] || echo "$passed $failed $skipped" >"$GPUCONV_COUNTS"
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
}
