#include "host/bench/calibrate.hpp"

#include <algorithm>
#include <limits>

#include "host/bench/problem.hpp"
#include "host/bench/timer.hpp"
#include "host/methods/choose.hpp"
#include "host/render/renderer.hpp"

namespace gpuconv {
namespace {

constexpr int kRuns = 15;
constexpr double kHeavySeconds = 5e-3;  // wanted for the job with many operations

/// Of several jobs, so that other work on the machine does not count.
double shortest_seconds(const Method& method, std::int64_t N, std::int64_t K,
                        const std::optional<Device>& device) {
  const Sounds sounds({"", N, K});
  double shortest = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; ++run) {
    shortest = std::min(shortest, job_seconds(method, sounds.source, sounds.response, device));
  }
  return shortest;
}

/// Of an equal number of samples and taps, the smallest power of two by the built-in constants.
std::int64_t heavy_size(const Method& method, const std::optional<Device>& device) {
  const CostModel built_in;
  const double beside = method.processor == Processor::gpu ? built_in.gpu_start() : 0;
  const auto can = [&](std::int64_t taps) {
    return method.processor == Processor::cpu || why_too_much(method, taps, taps, *device).empty();
  };
  std::int64_t size = 64;
  while (size < (1 << 20) && can(2 * size) &&
         built_in.seconds(method, size, size, device) - beside < kHeavySeconds) {
    size *= 2;
  }
  return size;
}

Speed fit(const Method& method, const std::optional<Device>& device) {
  constexpr std::int64_t kLong = 1'000'000;
  const double peak = method.processor == Processor::gpu ? device->peak_flops : 1;
  const auto operations = [&](std::int64_t N, std::int64_t K) {
    return job_operations(method, static_cast<double>(N), static_cast<double>(K)) / peak;
  };
  const std::int64_t heavy = heavy_size(method, device);
  Speed speed{};
  speed.launch = shortest_seconds(method, 16, 4, device);
  // Noise must not make a constant negative: at least a hundredth of the time is its own.
  const auto rest = [](double all, double known) { return std::max(all - known, 0.01 * all); };
  const double heavy_seconds = shortest_seconds(method, heavy, heavy, device);
  speed.rate = operations(heavy, heavy) / rest(heavy_seconds, speed.launch);
  const double of_long = speed.launch + operations(kLong, 1) / speed.rate;
  // Where a long job takes longer still, its bytes do not matter.
  speed.bandwidth =
      of_long > 100 * kHeavySeconds
          ? method.speed.bandwidth
          : job_bytes(kLong, 1) / rest(shortest_seconds(method, kLong, 1, device), of_long);
  return speed;
}

}  // namespace

double job_seconds(const Method& method, const Signal& source, const Stereo<Signal>& response,
                   const std::optional<Device>& device) {
  Stereo<Signal> wet;
  for (const Side side : kSides) wet[side].resize(source.size() + response[side].size() - 1);
  std::span<const float> unread = source;
  const auto read = [&](std::span<float> block) {
    const std::size_t count = std::min(block.size(), unread.size());
    std::copy_n(unread.begin(), count, block.begin());
    unread = unread.subspan(count);
    return count;
  };
  std::size_t written = 0;
  const auto write = [&](Stereo<std::span<const float>> frames) {
    for (const Side side : kSides) {
      std::copy(frames[side].begin(), frames[side].end(), wet[side].data() + written);
    }
    written += frames.left.size();
  };
  return seconds_of([&] {
    make_renderer(method, response, static_cast<std::int64_t>(source.size()),
                  device ? device->index : 0)
        ->run(read, write);
  });
}

CostModel calibrate(const std::optional<Device>& device) {
  CostModel model;
  for (const Method& method : methods()) {
    if (method.processor == Processor::gpu && !device) continue;
    if (method.why_missing != nullptr && !method.why_missing().empty()) continue;
    model.set_speed(method, fit(method, device));
  }
  return model;
}

}  // namespace gpuconv
