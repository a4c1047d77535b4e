#include "host/render/output_rate.hpp"

#include <utility>

namespace gpuconv {

OutputRate::OutputRate(int from, int to, WriteWet write)
    : from_(from), to_(to), write_(std::move(write)) {
  check_rates(from, to);
  if (from != to) resampler_.emplace(from, to, 2);
}

void OutputRate::take(Stereo<std::span<const float>> wet) {
  if (!resampler_) {
    taken_ += std::ssize(wet.left);
    return write_(wet);
  }
  constexpr std::size_t kPortion = 16384;  // frames
  for (std::size_t first = 0; first < wet.left.size(); first += kPortion) {
    const std::size_t count = std::min(kPortion, wet.left.size() - first);
    interleaved_.resize(2 * count);
    for (std::size_t n = 0; n < count; ++n) {
      interleaved_[2 * n] = wet.left[first + n];
      interleaved_[2 * n + 1] = wet.right[first + n];
    }
    taken_ += static_cast<std::int64_t>(count);
    resampler_->convert(interleaved_, converted_);
    pass_on();
  }
}

void OutputRate::finish() {
  if (!resampler_) return;
  resampler_->finish(converted_);
  const std::int64_t left = frames_at_rate(taken_, from_, to_) - passed_;
  converted_.resize(static_cast<std::size_t>(2 * left));
  pass_on();
}

void OutputRate::pass_on() {
  const std::size_t count = converted_.size() / 2;
  if (count == 0) return;
  for (const Side side : kSides) {
    ears_[side].resize(count);
    const std::size_t channel = side == Side::left ? 0 : 1;
    for (std::size_t n = 0; n < count; ++n) ears_[side][n] = converted_[2 * n + channel];
  }
  converted_.clear();
  passed_ += static_cast<std::int64_t>(count);
  write_({ears_.left, ears_.right});
}

}  // namespace gpuconv
