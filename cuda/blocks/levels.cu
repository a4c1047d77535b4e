#include "cuda/blocks/levels.hpp"

#include <cub/device/device_reduce.cuh>

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

}  // namespace gpuconv
