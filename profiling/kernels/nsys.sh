#!/usr/bin/env bash
# Nsight Systems on a whole render: do copies, both ears and the disk overlap? (Not run yet: no GPU
# was at hand.)
#
#   profiling/kernels/nsys.sh INPUT RESPONSE [METHOD] [REPORT]
#
# Writes REPORT.nsys-rep, by default render.nsys-rep, and prints the time in each NVTX range ("read",
# "upload", "convolve left", ...), in each kernel, and in copies. Where Nsight is not at hand,
# gpuconv render --trace FILE shows the same phases from events and clocks of its own.
set -euo pipefail

input=${1:?usage: profiling/kernels/nsys.sh INPUT RESPONSE [METHOD] [REPORT]}
response=${2:?usage: profiling/kernels/nsys.sh INPUT RESPONSE [METHOD] [REPORT]}
method=${3:-gpu-fourstep}
report=${4:-render}
program=$(dirname "$0")/../../build/gpuconv

command -v nsys >/dev/null ||
  { echo "profiling/kernels/nsys.sh: needs nsys, of the CUDA Toolkit or Nsight Systems" >&2; exit 1; }
wet=$(mktemp --suffix .wav)
trap 'rm -f "$wet"' EXIT

nsys profile --trace=cuda,nvtx,osrt --sample=none --cpuctxsw=none --force-overwrite=true \
  --output="$report" "$program" render "$input" "$response" "$wet" --method "$method" --verbose
nsys stats --force-export=true --report nvtx_sum,cuda_gpu_kern_sum,cuda_gpu_mem_time_sum,cuda_gpu_mem_size_sum \
  "$report.nsys-rep"
