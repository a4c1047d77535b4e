#include "cuda/blocks/levels.hpp"

#include <cub/device/device_reduce.cuh>

#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

struct LevelOfSample {
  __host__ __device__ BlockLevel operator()(float sample) const {
    const float magnitude = fabsf(sample);
    return {magnitude, magnitude > 1 ? 1 : 0};
  }
};

/// Maximum and integer sum: the order of samples does not matter.
struct LouderOf {
  __host__ __device__ BlockLevel operator()(const BlockLevel& a, const BlockLevel& b) const {
    return {fmaxf(a.peak, b.peak), a.over + b.over};
  }
};

constexpr int kThreads = 128;

/// Block (2 clip + ear) kLevelParts + part takes every kLevelParts-th run of kThreads frames.
__global__ void __launch_bounds__(kThreads)
    clip_levels_kernel(const float* __restrict__ left, const float* __restrict__ right,
                       const ClipFrames* __restrict__ clips, BlockLevel* __restrict__ levels) {
  BlockShared shared;
  BlockLevel* const partial = shared.take<BlockLevel>(kThreads);
  const int thread = static_cast<int>(threadIdx.x);
  const int block = static_cast<int>(blockIdx.x);
  const ClipFrames clip = clips[block / (2 * kLevelParts)];
  const float* const wet = (block / kLevelParts % 2 == 0 ? left : right) + clip.start;
  BlockLevel level{};
  for (int n = block % kLevelParts * kThreads + thread; n < clip.length;
       n += kLevelParts * kThreads) {
    level = LouderOf{}(level, LevelOfSample{}(wet[n]));
  }
  partial[thread] = level;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread < half) partial[thread] = LouderOf{}(partial[thread], partial[thread + half]);
    __syncthreads();
  }
  if (thread == 0) levels[block] = partial[0];
}

cudaError_t reduce(void* scratch, std::size_t& bytes, std::span<const float> wet, BlockLevel* level,
                   cudaStream_t stream) {
  return cub::DeviceReduce::TransformReduce(scratch, bytes, wet.data(), level,
                                            static_cast<int>(wet.size()), LouderOf{},
                                            LevelOfSample{}, BlockLevel{}, stream);
}

}  // namespace

LevelMeter::LevelMeter(std::size_t longest) {
  std::size_t bytes = 0;
  GPUCONV_CUDA(
      reduce(nullptr, bytes, {static_cast<const float*>(nullptr), longest}, nullptr, nullptr));
  scratch_ = DeviceBuffer<unsigned char>(bytes);
}

void LevelMeter::enqueue(std::span<const float> wet, BlockLevel* level, const Stream& stream) {
  std::size_t bytes = scratch_.size();
  GPUCONV_CUDA(reduce(scratch_.data(), bytes, wet, level, stream.get()));
}

void enqueue_clip_levels(const Stereo<std::span<const float>>& wet,
                         std::span<const ClipFrames> clips, std::span<BlockLevel> levels,
                         const Stream& stream) {
  const LaunchShape shape{static_cast<unsigned>(2 * kLevelParts * clips.size()), kThreads,
                          shared_array_bytes<BlockLevel>(kThreads)};
  launch(clip_levels_kernel, shape, stream, wet.left.data(), wet.right.data(), clips.data(),
         levels.data());
}

}  // namespace gpuconv
