// gpu_direct.cu - method "gpu-direct"
//
//   y[n] = sum_{k=0}^{K-1} h[k] x[n-k],   0 <= n < N+K-1,   x = 0 outside [0, N)
//
//   x  source    N floats      linear sample amplitude, full scale = 1
//   h  response  K floats      gain per sample of delay
//   y  wet       N+K-1 floats
//
// Idea     The definition with its loops exchanged: a thread gathers one output, so no two threads
//          write to the same place. Neighbouring threads read neighbouring samples and the same
//          tap.
// Launch   grid ceil((N+K-1)/kThreads), block kThreads.
// Order    each y[n] is one float sum in ascending k, fused: deterministic.
// Cost     2NK flops; every one of the NK products reads two floats, served by the caches.
// Limits   N+K-1+kThreads fits an int. Quadratic: the rung that the others are measured against.
#include <algorithm>

#include "cuda/methods/direct.hpp"
#include "cuda/methods/direct_voices.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/launch.cuh"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    direct_kernel(const float* __restrict__ source, int source_length,
                  const float* __restrict__ response, int response_length, float* __restrict__ wet,
                  int wet_length) {
  const int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (n >= wet_length) return;  // no barrier below
  const int first = n < source_length ? 0 : n - source_length + 1;
  const int last = n < response_length ? n : response_length - 1;
  float sum = 0;
  for (int k = first; k <= last; ++k) sum = fmaf(response[k], source[n - k], sum);
  wet[n] = sum;
}

void enqueue_direct(std::span<const float> source, std::span<const float> response,
                    std::span<float> wet, const Stream& stream) {
  const auto wet_length = static_cast<int>(wet.size());
  const LaunchShape shape{static_cast<unsigned>(ceil_div(wet_length, kThreads)), kThreads};
  launch(direct_kernel, shape, stream, source.data(), static_cast<int>(source.size()),
         response.data(), static_cast<int>(response.size()), wet.data(), wet_length);
}

Cost direct_cost(int source_length, int response_length) {
  const double products = double{1} * source_length * response_length;
  return {4 * products, 2 * (8 * products + 4.0 * (source_length + response_length - 1)), 2};
}

class GpuDirect final : public DirectConvolver {
 public:
  using DirectConvolver::DirectConvolver;

  void enqueue(Side side, const Block& block, std::span<float> wet, const Stream& stream) override {
    enqueue_direct(block.source, response(side), wet, stream);
  }

  Cost cost(int source_length, int /*clips*/) const override {
    return direct_cost(source_length, response_length());
  }
};

}  // namespace

std::unique_ptr<VoiceConvolver> plan_voices_direct(int response_length, std::int64_t source_length,
                                                   const VoiceMemory& memory) {
  return std::make_unique<DirectVoices>(response_length, direct_block_length(source_length), memory,
                                        enqueue_direct, direct_cost);
}

std::unique_ptr<Convolver> plan_gpu_direct(Stereo<std::span<const float>> response,
                                           std::int64_t source_length) {
  return std::make_unique<GpuDirect>(response, direct_block_length(source_length));
}

}  // namespace gpuconv
