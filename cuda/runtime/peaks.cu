// peaks.cu - a copy and a chain of fused multiply-adds, timed with events
#include "cuda/runtime/peaks.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "cuda/runtime/launch.cuh"
#include "cuda/runtime/resources.hpp"

namespace gpuconv {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;  // independent sums per thread: enough to hide a multiply-add's latency
constexpr int kSteps = 32;  // of each chain in a round: the loop's own three instructions are 1 %

__global__ void copy_kernel(const float4* __restrict__ from, float4* __restrict__ to, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

__global__ void fma_kernel(float* sums, int rounds, float factor) {
  float sum[kChains];
  for (int c = 0; c < kChains; ++c) sum[c] = static_cast<float>(threadIdx.x + c);
#pragma unroll 1
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
#pragma unroll
      for (int c = 0; c < kChains; ++c) sum[c] = fmaf(sum[c], factor, 0.5f);
    }
  }
  float total = 0;
  for (int c = 0; c < kChains; ++c) total += sum[c];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;  // else the compiler leaves it all out
}

/// What fma_kernel's first thread gets.
float first_sum(int rounds, float factor) {
  float total = 0;
  for (int c = 0; c < kChains; ++c) {
    float sum = static_cast<float>(c);
    for (int step = 0; step < rounds * kSteps; ++step) sum = fmaf(sum, factor, 0.5f);
    total += sum;
  }
  return total;
}

/// Best of several: a peak is what can be reached at all.
template <typename Queue>
double shortest_of(int runs, const Stream& stream, const Queue& queue) {
  Event start, end;
  double shortest = 0;
  for (int run = 0; run <= runs; ++run) {  // the first one warms up, but may count
    start.record(stream);
    queue();
    end.record(stream);
    end.synchronize();
    const double seconds = seconds_between(start, end);
    shortest = run == 0 ? seconds : std::min(shortest, seconds);
  }
  return shortest;
}

double per_second(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

/// Copies between page-locked memory and the device, one direction at a time.
void measure_link(std::size_t bytes, int runs, const Stream& stream, Peaks& peaks) {
  const PinnedBuffer<float> host(bytes / sizeof(float));
  const DeviceBuffer<float> device(host.size());
  std::fill_n(host.data(), host.size(), 1.0f);
  const auto copied = static_cast<double>(host.span().size_bytes());
  peaks.upload_bytes_per_second = per_second(
      copied,
      shortest_of(runs, stream, [&] { upload_async<float>(host.span(), device.span(), stream); }));
  peaks.download_bytes_per_second = per_second(
      copied, shortest_of(runs, stream,
                          [&] { download_async<float>(device.span(), host.span(), stream); }));
}

}  // namespace

Peaks measure_peaks(const Device& device, std::size_t copied_bytes, int fma_rounds, int runs) {
  const Stream stream;
  Peaks peaks;
  {
    const DeviceBuffer<float4> from(copied_bytes / sizeof(float4));
    const DeviceBuffer<float4> to(from.size());
    const std::size_t bytes = from.size() * sizeof(float4);
    GPUCONV_CUDA(cudaMemsetAsync(from.data(), 0, bytes, stream.get()));
    const int count = static_cast<int>(from.size());
    const double seconds = shortest_of(runs, stream, [&] {
      launch(copy_kernel, LaunchShape{static_cast<unsigned>(ceil_div(count, kThreads)), kThreads},
             stream, from.data(), to.data(), count);
    });
    peaks.bytes_per_second = per_second(2.0 * static_cast<double>(bytes), seconds);
  }
  const unsigned blocks = static_cast<unsigned>(device.multiprocessors) * 8;
  const DeviceBuffer<float> sums(std::size_t{blocks} * kThreads);
  constexpr float kFactor = 0.999f;
  const double seconds = shortest_of(runs, stream, [&] {
    launch(fma_kernel, LaunchShape{blocks, kThreads}, stream, sums.data(), fma_rounds, kFactor);
  });
  float sum = 0;
  download_async<float>(sums.span().first(1), {&sum, 1}, stream);
  stream.synchronize();
  if (sum != first_sum(fma_rounds, kFactor)) {
    throw std::logic_error("measure_peaks: the sum is wrong");  // GCOVR_EXCL_LINE: a bug
  }
  peaks.flops =
      per_second(2.0 * kChains * kSteps * fma_rounds * static_cast<double>(sums.size()), seconds);
  measure_link(copied_bytes / 4, runs, stream, peaks);
  return peaks;
}

}  // namespace gpuconv
