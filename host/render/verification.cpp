#include "host/render/verification.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include "host/base/error.hpp"
#include "host/methods/definition.hpp"

namespace gpuconv {
namespace {

constexpr int kFrames = 32;
constexpr int kFramesPerDoubling = 8;

[[noreturn]] void blame(const Method& method, const std::string& what) {
  const std::string sentence = fmt::format("{}: {} computed something wrong", what, method.name);
  if (method.processor == Processor::gpu) throw GpuError(sentence);
  throw std::runtime_error(sentence);
}

}  // namespace

Verification::Verification(const Stereo<Signal>& response, std::int64_t source_length)
    : response_(response),
      taps_(std::ssize(response.left)),
      random_(std::random_device{}()),
      probed_(source_length + taps_ - 1) {
  add_probes(0, probed_, kFrames);
}

/// Adds probes for `count` random frames in [first, last).
void Verification::add_probes(std::int64_t first, std::int64_t last, int count) {
  std::mt19937_64 generator(random_++);
  std::uniform_int_distribution<std::int64_t> frame(first, last - 1);
  for (int i = 0; i < count; ++i) probes_.push_back({frame(generator), {}, {}});
  std::ranges::sort(probes_, {}, &Probe::n);
}

void Verification::source(std::span<const float> block) {
  const std::lock_guard lock(mutex_);
  const std::int64_t begin = samples_read_;
  const std::int64_t end = begin + std::ssize(block);
  if (end > probed_) {  // the source is longer than the caller knew
    // No sample of these frames has passed.
    const std::int64_t first = std::max(probed_, begin + taps_ - 1);
    probed_ = 2 * std::max(first, end);
    add_probes(first, probed_, kFramesPerDoubling);
  }
  for (Probe& probe : probes_) {
    for (const Side side : kSides) {
      probe.exact[side] += definition(block, begin, response_[side], probe.n);
    }
  }
  source_energy_ += energy(block);
  samples_read_ = end;
}

void Verification::wet(Stereo<std::span<const float>> frames) {
  const std::lock_guard lock(mutex_);
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
    const double taps_energy = energy(response_[side]);
    const double norms = std::sqrt(source_energy_ * taps_energy);
    // Below the smallest normal number, each operation rounds by up to half of 2^-149. A later
    // product may enlarge this error.
    const double floor = static_cast<double>(taps_) * std::numeric_limits<float>::denorm_min() *
                         std::max(1.0, std::sqrt(std::max(source_energy_, taps_energy)));
    for (const Probe& probe : probes_) {
      if (probe.n >= frames_seen_) continue;
      const auto& [value, magnitude] = probe.exact[side];
      const double limit = bound * (method.is_direct ? magnitude : norms) + floor;
      const double error = std::abs(double{probe.seen[side]} - value);
      if (error <= limit) continue;
      blame(method,
            fmt::format("--verify: frame {} of the {} ear is {} and should be {:.9g} (off by "
                        "{:.2g}, limit {:.2g})",
                        probe.n, name(side), probe.seen[side], value, error, limit));
    }
  }
}

std::int64_t Verification::samples() const {
  return 2 *
         std::ranges::count_if(probes_, [&](const Probe& probe) { return probe.n < frames_seen_; });
}

}  // namespace gpuconv
