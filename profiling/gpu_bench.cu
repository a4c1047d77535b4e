// gpu_bench.cu - seconds on the device for each GPU method, next to what the device can do
//
//   gpuconv_gpu_bench [--device N] [--runs R] [--tiny]
//
// Prints one JSON object. A run is what the renderer queues for one block: what both ears share,
// then each ear in a stream of its own, on inputs that are on the device already; planning is left
// out, for cuFFT as well. "warm" finds its data in the caches, "cold" comes after a write that is
// larger than any L2. Times are taken with events, so the gaps between launches count. Each result
// is compared with the definition in double before it is timed. --tiny serves the emulation, where
// the times mean nothing.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cuda/methods/convolver.hpp"
#include "cuda/methods/cufft_library.hpp"
#include "cuda/methods/lengths.hpp"
#include "cuda/runtime/device.hpp"
#include "cuda/runtime/launch.cuh"
#include "host/error.hpp"
#include "host/methods/method.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kThreads = 256;
constexpr int kWarmUps = 3;

struct Problem {
  const char* name;
  std::int64_t source_length;  ///< what the plan is made for
  int taps;
  int block_length;  ///< timed samples; 0: the plan's longest block
};

struct Sizes {
  std::vector<Problem> problems;
  int runs;
  std::size_t flush_floats;  ///< written before a cold run, and copied by the bandwidth probe
  int fma_rounds;
};

Sizes full_sizes() {
  return {{{"one shot", 200'000, 70'000, 200'000},
           {"short", 16'000, 4'000, 16'000},
           {"block of a stream", kEndless, 70'000, 0}},
          25,
          std::size_t{1} << 27,
          4096};
}

Sizes tiny_sizes() {
  return {{{"one shot", 500, 60, 500}, {"short", 40, 7, 40}, {"block of a stream", 300, 20, 0}},
          3,
          std::size_t{1} << 12,
          4};
}

Signal wave(std::size_t length, std::uint32_t state) {
  Signal signal(length);
  for (float& sample : signal) {
    state = state * 1664525u + 1013904223u;
    sample = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
  }
  return signal;
}

double norm(const Signal& signal) {
  double sum = 0;
  for (const float sample : signal) sum += double{sample} * double{sample};
  return std::sqrt(sum);
}

Json spread(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return {{"median", seconds[seconds.size() / 2]},
          {"min", seconds.front()},
          {"max", seconds.back()},
          {"runs", seconds.size()}};
}

// ---- what the device can do -------------------------------------------------------------------

__global__ void copy_kernel(const float4* __restrict__ from, float4* __restrict__ to, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

constexpr int kChains = 8;  // independent sums per thread: enough to hide a multiply-add's latency

__global__ void fma_kernel(float* sums, int rounds, float factor) {
  float sum[kChains];
  for (int c = 0; c < kChains; ++c) sum[c] = static_cast<float>(threadIdx.x + c);
  for (int round = 0; round < rounds; ++round) {
    for (int c = 0; c < kChains; ++c) sum[c] = fmaf(sum[c], factor, 0.5f);
  }
  float total = 0;
  for (int c = 0; c < kChains; ++c) total += sum[c];
  sums[blockIdx.x * blockDim.x + threadIdx.x] = total;  // else the compiler leaves it all out
}

template <typename Queue>
double time_once(const Stream& stream, const Queue& queue) {
  Event start, end;
  start.record(stream);
  queue();
  end.record(stream);
  end.synchronize();
  return seconds_between(start, end);
}

/// Best of several: a peak is what can be reached at all.
template <typename Queue>
double best_of(int runs, const Stream& stream, const Queue& queue) {
  double best = time_once(stream, queue);
  for (int run = 0; run < runs; ++run) best = std::min(best, time_once(stream, queue));
  return best;
}

double per_second(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

double copy_bytes_per_second(const Sizes& sizes) {
  const Stream stream;
  const DeviceBuffer<float4> from(sizes.flush_floats / 4);
  const DeviceBuffer<float4> to(sizes.flush_floats / 4);
  const std::size_t bytes = from.size() * sizeof(float4);
  GPUCONV_CUDA(cudaMemsetAsync(from.data(), 0, bytes, stream.get()));
  const int count = static_cast<int>(from.size());
  const double seconds = best_of(sizes.runs, stream, [&] {
    launch(copy_kernel, LaunchShape{static_cast<unsigned>(ceil_div(count, kThreads)), kThreads},
           stream, from.data(), to.data(), count);
  });
  return per_second(2.0 * static_cast<double>(bytes), seconds);
}

double fma_flops(const Sizes& sizes, const Device& device) {
  const Stream stream;
  const unsigned blocks = static_cast<unsigned>(device.multiprocessors) * 8;
  const DeviceBuffer<float> sums(std::size_t{blocks} * kThreads);
  const double seconds = best_of(sizes.runs, stream, [&] {
    launch(fma_kernel, LaunchShape{blocks, kThreads}, stream, sums.data(), sizes.fma_rounds,
           0.999f);
  });
  return per_second(2.0 * kChains * sizes.fma_rounds * static_cast<double>(sums.size()), seconds);
}

// ---- a method ---------------------------------------------------------------------------------

/// A plan with its block on the device.
class Bench {
 public:
  Bench(const Method& method, const Problem& problem)
      : method_(method),
        response_{wave(static_cast<std::size_t>(problem.taps), 2),
                  wave(static_cast<std::size_t>(problem.taps), 3)},
        convolver_(method.plan({response_.left, response_.right}, problem.source_length)),
        length_(problem.block_length == 0
                    ? convolver_->block_length()
                    : std::min(problem.block_length, convolver_->block_length())),
        source_(wave(static_cast<std::size_t>(length_), 1)),
        device_source_(source_.size()),
        common_(convolver_->common_size()) {
    const std::size_t wet_length = source_.size() + response_.left.size() - 1;
    for (const Side side : kSides) wet_[side] = DeviceBuffer<float>(wet_length);
    upload_async<float>(source_, device_source_.span(), stream_);
    stream_.synchronize();
  }

  int length() const { return length_; }
  Cost cost() const { return convolver_->cost(length_); }

  /// Seconds of one block.
  double run() {
    const Block block{device_source_.span(), common_.span()};
    return time_once(stream_, [&] {
      convolver_->enqueue_common(block, stream_);
      shared_.record(stream_);
      for (const Side side : kSides) {
        wait(ears_[side], shared_);
        convolver_->enqueue(side, block, wet_[side].span(), ears_[side]);
        done_[side].record(ears_[side]);
      }
      for (const Side side : kSides) wait(stream_, done_[side]);
    });
  }

  void flush(const DeviceBuffer<float>& larger_than_l2) {
    GPUCONV_CUDA(cudaMemsetAsync(larger_than_l2.data(), 0, larger_than_l2.size() * sizeof(float),
                                 stream_.get()));
  }

  /// Some outputs of each ear against the definition: no single sample may be wrong by more than
  /// the bound on the whole ear allows.
  bool is_right() {
    poison();
    run();
    for (const Side side : kSides) {
      Signal wet(wet_[side].size());
      download_async<float>(wet_[side].span(), wet, stream_);
      stream_.synchronize();
      if (!is_right(wet, response_[side])) return false;
    }
    return true;
  }

 private:
  /// NaN everywhere, so that what is not written does not pass for a result.
  void poison() {
    for (const Side side : kSides) {
      GPUCONV_CUDA(cudaMemsetAsync(wet_[side].data(), 0xff, wet_[side].size() * sizeof(float),
                                   stream_.get()));
    }
    stream_.synchronize();
  }

  bool is_right(const Signal& wet, const Signal& response) const {
    const double bound =
        2 * error_bound(method_, length_, static_cast<std::int64_t>(response.size())).relative *
        norm(source_) * norm(response);
    const std::size_t step = std::max<std::size_t>(1, wet.size() / 61);
    for (std::size_t n = 0; n < wet.size(); n += step) {
      if (!(std::abs(double{wet[n]} - definition(response, n)) <= bound)) return false;
    }
    return true;
  }

  double definition(const Signal& response, std::size_t n) const {
    double sum = 0;
    for (std::size_t k = 0; k < response.size() && k <= n; ++k) {
      if (n - k < source_.size()) sum += double{response[k]} * double{source_[n - k]};
    }
    return sum;
  }

  const Method& method_;
  Stereo<Signal> response_;
  Stream stream_;
  Stereo<Stream> ears_;
  std::unique_ptr<Convolver> convolver_;
  int length_;
  Signal source_;
  DeviceBuffer<float> device_source_;
  DeviceBuffer<float> common_;
  Stereo<DeviceBuffer<float>> wet_;
  Event shared_;
  Stereo<Event> done_;
};

struct Peaks {
  double flops;
  double bytes_per_second;
};

Json measure(const Method& method, const Problem& problem, const Sizes& sizes, const Peaks& peaks,
             const DeviceBuffer<float>& flush) {
  Bench bench(method, problem);
  const bool is_right = bench.is_right();
  for (int i = 0; i < kWarmUps; ++i) bench.run();
  std::vector<double> warm, cold;
  for (int i = 0; i < sizes.runs; ++i) warm.push_back(bench.run());
  for (int i = 0; i < sizes.runs; ++i) {
    bench.flush(flush);
    cold.push_back(bench.run());
  }
  const Cost cost = bench.cost();
  const Json warm_seconds = spread(warm);
  const double seconds = warm_seconds["median"];
  return {{"problem", problem.name},
          {"method", method.name},
          {"samples", bench.length()},
          {"taps", problem.taps},
          {"is_right", is_right},
          {"warm_seconds", warm_seconds},
          {"cold_seconds", spread(cold)},
          {"operations", cost.operations},
          {"device_bytes", cost.device_bytes},
          {"launches", cost.launches},
          {"share_of_peak_flops", per_second(per_second(cost.operations, seconds), peaks.flops)},
          {"share_of_copy_bandwidth",
           per_second(per_second(cost.device_bytes, seconds), peaks.bytes_per_second)}};
}

int report(const Sizes& sizes, int index) {
  const Devices devices = query_devices();
  if (devices.list.empty()) throw GpuError(devices.why_none);
  const Device& device = devices.list.at(static_cast<std::size_t>(index));
  use_device(index);
  const Peaks peaks{fma_flops(sizes, device), copy_bytes_per_second(sizes)};
  Json result{{"device", device.name},
              {"nominal_flops", device.peak_flops},
              {"measured_fma_flops", peaks.flops},
              {"measured_copy_bytes_per_second", peaks.bytes_per_second},
              {"rows", Json::array()},
              {"not_here", Json::array()}};
  const DeviceBuffer<float> flush(sizes.flush_floats);
  for (const Method& method : methods()) {
    if (method.place != Place::gpu) continue;
    try {
      for (const Problem& problem : sizes.problems) {
        result["rows"].push_back(measure(method, problem, sizes, peaks, flush));
      }
    } catch (const CufftError& error) {
      result["not_here"].push_back({{"method", method.name}, {"reason", error.what()}});
    }
  }
  std::printf("%s\n", result.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace gpuconv

int main(int argc, char** argv) {
  gpuconv::Sizes sizes = gpuconv::full_sizes();
  int device = 0;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--tiny") == 0) {
      sizes = gpuconv::tiny_sizes();
    } else if (std::strcmp(argv[i], "--runs") == 0 && has_value) {
      sizes.runs = std::max(1, std::atoi(argv[++i]));
    } else if (std::strcmp(argv[i], "--device") == 0 && has_value) {
      device = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: gpuconv_gpu_bench [--device N] [--runs R] [--tiny]\n");
      return static_cast<int>(gpuconv::Exit::usage);
    }
  }
  try {
    return gpuconv::report(sizes, device);
  } catch (const gpuconv::GpuError& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(gpuconv::Exit::gpu);
  }
}
