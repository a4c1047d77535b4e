#include "cuda/blocks/overlap_add.hpp"

#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    overlap_add_kernel(const float* __restrict__ tail, int tail_length, float* __restrict__ wet) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  wait_for_previous();
  if (n < tail_length) wet[n] += tail[n];
}

}  // namespace

void enqueue_overlap_add(std::span<const float> tail, std::span<float> wet, const Stream& stream) {
  if (tail.empty()) return;
  const int length = static_cast<int>(tail.size());
  const LaunchShape shape{static_cast<unsigned>(ceil_div(length, kThreads)), kThreads, 0, true};
  launch(overlap_add_kernel, shape, stream, tail.data(), length, wet.data());
}

Cost overlap_add_cost(std::size_t tail_length) {
  if (tail_length == 0) return {};
  const auto floats = 2.0 * static_cast<double>(tail_length);  // both sides: two in, one out
  return {floats, 3 * sizeof(float) * floats, 2};
}

}  // namespace gpuconv
