#include "host/render/verification.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "cuda/methods/lengths.hpp"
#include "host/base/error.hpp"

namespace gpuconv {
namespace {

constexpr int kFrames = 32;
constexpr int kFramesPerDoubling = 8;

struct Products {
  double sum = 0;
  double magnitude = 0;
};

/// sum_i a[i] b[i] and sum_i |a[i] b[i]|: products of floats are exact in double. Lanes, so that
/// the compiler can keep several sums going.
Products products(const float* a, const float* b, std::size_t length) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::array<double, kLanes> magnitudes{};
  std::size_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double product = double{a[i + lane]} * double{b[i + lane]};
      sums[lane] += product;
      magnitudes[lane] += std::abs(product);
    }
  }
  Products total;
  for (; i < length; ++i) {
    const double product = double{a[i]} * double{b[i]};
    total.sum += product;
    total.magnitude += std::abs(product);
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    total.sum += sums[lane];
    total.magnitude += magnitudes[lane];
  }
  return total;
}

double energy(std::span<const float> signal) {
  return products(signal.data(), signal.data(), signal.size()).sum;
}

[[noreturn]] void blame(const Method& method, const std::string& what) {
  const std::string sentence = fmt::format("{}: {} computed something wrong", what, method.name);
  if (method.processor == Processor::gpu) throw GpuError(sentence);
  throw std::runtime_error(sentence);
}

}  // namespace

Verification::Verification(const Stereo<Signal>& response, std::int64_t source_length)
    : taps_(std::ssize(response.left)), random_(std::random_device{}()) {
  for (const Side side : kSides)
    reversed_[side].assign(response[side].rbegin(), response[side].rend());
  probed_ = source_length + taps_ - 1;
  add_probes(0, probed_, kFrames);
}

/// `count` of the frames in [first, last).
void Verification::add_probes(std::int64_t first, std::int64_t last, int count) {
  std::mt19937_64 generator(random_++);
  std::uniform_int_distribution<std::int64_t> frame(first, last - 1);
  for (int i = 0; i < count; ++i) probes_.push_back({frame(generator), {}, {}, {}});
  std::ranges::sort(probes_, {}, &Probe::n);
}

void Verification::source(std::span<const float> block) {
  const std::int64_t begin = samples_read_;
  const std::int64_t end = begin + std::ssize(block);
  if (end > probed_) {                                                // longer than anybody knew
    const std::int64_t first = std::max(probed_, begin + taps_ - 1);  // nothing of it has passed
    probed_ = 2 * std::max(first, end);
    add_probes(first, probed_, kFramesPerDoubling);
  }
  for (Probe& probe : probes_) {
    const std::int64_t first = std::max(begin, probe.n - taps_ + 1);
    const std::int64_t last = std::min(end, probe.n + 1);
    if (first >= last) continue;
    const auto length = static_cast<std::size_t>(last - first);
    for (const Side side : kSides) {
      // h[n - i] for i = first, first + 1, ...
      const float* const taps = reversed_[side].data() + (taps_ - 1 - (probe.n - first));
      const Products part = products(block.data() + (first - begin), taps, length);
      probe.sum[side] += part.sum;
      probe.magnitude[side] += part.magnitude;
    }
  }
  source_energy_ += energy(block);
  samples_read_ = end;
}

void Verification::wet(Stereo<std::span<const float>> frames) {
  const std::int64_t end = frames_seen_ + std::ssize(frames.left);
  for (Probe& probe : probes_) {
    if (probe.n < frames_seen_ || probe.n >= end) continue;
    const auto n = static_cast<std::size_t>(probe.n - frames_seen_);
    for (const Side side : kSides) probe.seen[side] = frames[side][n];
  }
  frames_seen_ = end;
}

void Verification::check(const Method& method) const {
  if (frames_seen_ != samples_read_ + taps_ - 1) {
    blame(method, fmt::format("--verify: {} frames came where {} samples and {} taps make {}",
                              frames_seen_, samples_read_, taps_, samples_read_ + taps_ - 1));
  }
  const double bound = error_bound(method, samples_read_, taps_).peak;
  for (const Side side : kSides) {
    const double taps_energy = energy(reversed_[side]);
    const double norms = std::sqrt(source_energy_ * taps_energy);
    // Below the smallest normal number, rounding is absolute: half of 2^-149 with each operation,
    // which what is multiplied later may make larger.
    const double floor = static_cast<double>(taps_) * std::numeric_limits<float>::denorm_min() *
                         std::max(1.0, std::sqrt(std::max(source_energy_, taps_energy)));
    for (const Probe& probe : probes_) {
      if (probe.n >= frames_seen_) continue;
      const double limit = bound * (method.is_direct ? probe.magnitude[side] : norms) + floor;
      const double error = std::abs(double{probe.seen[side]} - probe.sum[side]);
      if (error <= limit) continue;
      blame(method,
            fmt::format("--verify: frame {} of the {} ear is {} and should be {:.9g} (off by "
                        "{:.2g}, limit {:.2g})",
                        probe.n, name(side), probe.seen[side], probe.sum[side], error, limit));
    }
  }
}

std::int64_t Verification::samples() const {
  return 2 *
         std::ranges::count_if(probes_, [&](const Probe& probe) { return probe.n < frames_seen_; });
}

}  // namespace gpuconv
