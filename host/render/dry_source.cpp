#include "host/render/dry_source.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cuda/methods/lengths.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kPortion = 4096;  // samples of the file that are converted at a time

}  // namespace

DrySource::DrySource(Recording& recording, std::size_t channel, int rate, std::int64_t start,
                     bool is_measured)
    : recording_(recording),
      channel_(channel),
      rate_(rate),
      start_(start),
      is_measured_(is_measured) {
  restart();
}

void DrySource::restart() {
  recording_.want(channel_);
  const int file_rate = recording_.format().rate;
  resampler_.reset();
  if (file_rate != rate_) resampler_.emplace(file_rate, rate_, 1);
  portion_.resize(resampler_ ? kPortion : 0);
  ready_.clear();
  used_ = 0;
  file_samples_ = converted_ = 0;
  has_ended_ = false;
  samples_read_ = 0;
  peak_ = 0;
  energy_ = 0;
}

std::int64_t DrySource::at_rate(std::int64_t samples) const {
  return frames_at_rate(samples, recording_.format().rate, rate_);
}

std::int64_t DrySource::length() const {
  const std::int64_t length = at_rate(recording_.length());
  return recording_.length() >= kEndless ? std::max(kEndless, length) : length;
}

std::optional<std::int64_t> DrySource::exact_length() const {
  const auto exact = recording_.exact_length();
  return exact ? std::optional(at_rate(*exact)) : std::nullopt;
}

std::int64_t DrySource::least_length() const {
  if (const auto exact = exact_length()) return *exact;
  return resampler_ ? 1 : recording_.least_length();
}

std::size_t DrySource::read(std::span<float> block) {
  const std::size_t count = resampler_ ? convert(block) : recording_.read(channel_, block);
  if (is_measured_) measure(block.first(count));
  samples_read_ += static_cast<std::int64_t>(count);
  return count;
}

std::size_t DrySource::convert(std::span<float> block) {
  while (!has_ended_ && ready_.size() - used_ < block.size()) {
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
    const std::size_t got = recording_.read(channel_, portion_);
    file_samples_ += static_cast<std::int64_t>(got);
    resampler_->convert(std::span(portion_).first(got), ready_);
    if (got == portion_.size()) continue;
    resampler_->finish(ready_);
    ready_.resize(static_cast<std::size_t>(at_rate(file_samples_) - converted_));
    has_ended_ = true;
  }
  const std::size_t count = std::min(block.size(), ready_.size() - used_);
  std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(used_), count, block.begin());
  used_ += count;
  converted_ += static_cast<std::int64_t>(count);
  return count;
}

void DrySource::measure(std::span<const float> samples) {
  constexpr std::size_t kLanes = 8;  // sums that do not wait for each other
  std::array<double, kLanes> energy{};
  std::array<float, kLanes> peak{};
  std::size_t n = 0;
  for (; n + kLanes <= samples.size(); n += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const float x = samples[n + i];
      peak[i] = std::max(peak[i], std::abs(x));
      energy[i] += double{x} * double{x};
    }
  }
  for (; n < samples.size(); ++n) {
    peak[0] = std::max(peak[0], std::abs(samples[n]));
    energy[0] += double{samples[n]} * double{samples[n]};
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    peak_ = std::max(peak_, peak[i]);
    energy_ += energy[i];
  }
}

SoundLevel DrySource::level() const {
  const auto samples = static_cast<double>(samples_read_);
  return {peak_, samples > 0 ? std::sqrt(energy_ / samples) : 0};
}

}  // namespace gpuconv
