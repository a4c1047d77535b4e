#include "cuda/blocks/overlap_add.hpp"

#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

/// Tails and wet signals of one side, or of both.
struct Joints {
  const float* tail[2];
  float* wet[2];
};

/// Blocks 0 to `blocks_per_side` - 1 do the first side.
__global__ void __launch_bounds__(kThreads)
    overlap_add_kernel(Joints joints, int tail_length, unsigned blocks_per_side) {
  const bool is_first = blockIdx.x < blocks_per_side;
  const unsigned block = is_first ? blockIdx.x : blockIdx.x - blocks_per_side;
  const int n = static_cast<int>(block * blockDim.x + threadIdx.x);
  const float* const tail = is_first ? joints.tail[0] : joints.tail[1];
  float* const wet = is_first ? joints.wet[0] : joints.wet[1];
  wait_for_previous();
  if (n < tail_length) wet[n] += tail[n];
}

void enqueue(const Joints& joints, int sides, std::size_t tail_length, const Stream& stream) {
  if (tail_length == 0) return;
  const int length = static_cast<int>(tail_length);
  const auto blocks = static_cast<unsigned>(ceil_div(length, kThreads));
  const LaunchShape shape{blocks * static_cast<unsigned>(sides), kThreads, 0, true};
  launch(overlap_add_kernel, shape, stream, joints, length, blocks);
}

}  // namespace

void enqueue_overlap_add(std::span<const float> tail, std::span<float> wet, const Stream& stream) {
  enqueue({{tail.data()}, {wet.data()}}, 1, tail.size(), stream);
}

void enqueue_overlap_add(const Stereo<std::span<const float>>& tail,
                         const Stereo<std::span<float>>& wet, const Stream& stream) {
  enqueue({{tail.left.data(), tail.right.data()}, {wet.left.data(), wet.right.data()}}, 2,
          tail.left.size(), stream);
}

Cost overlap_add_cost(std::size_t tail_length, bool is_per_ear) {
  if (tail_length == 0) return {};
  const auto floats = 2.0 * static_cast<double>(tail_length);  // both sides: two in, one out
  return {floats, 3 * sizeof(float) * floats, is_per_ear ? 2 : 1};
}

}  // namespace gpuconv
