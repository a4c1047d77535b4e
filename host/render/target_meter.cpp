#include "host/render/target_meter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "host/base/error.hpp"

namespace gpuconv {

const char* name(TargetLevel::Kind kind) {
  switch (kind) {
    case TargetLevel::Kind::peak:
      return "peak";
    case TargetLevel::Kind::rms:
      return "rms";
    case TargetLevel::Kind::lufs:
      return "lufs";
  }
  return "";
}

const char* unit(TargetLevel::Kind kind) {
  return kind == TargetLevel::Kind::lufs ? "LUFS" : "dBFS";
}

void check_length(const TargetLevel& target, const std::string& output, std::int64_t frames,
                  int rate) {
  if (target.kind != TargetLevel::Kind::lufs) return;
  if (rate < LoudnessMeter::kLeastRate) {
    throw FileError(output, fmt::format("{} lufs: {} Hz are too few for the filters of a loudness "
                                        "(limit {} Hz); use --level rms=DB",
                                        target.option, rate, LoudnessMeter::kLeastRate));
  }
  const std::int64_t fewest = LoudnessMeter::fewest_frames(rate);
  if (frames >= fewest) return;
  throw FileError(output, fmt::format("{} lufs: the result has {} frames where a loudness needs {} "
                                      "(400 ms, ITU-R BS.1770); use --level rms=DB",
                                      target.option, frames, fewest));
}

// One sample after the other: with several sums, the result would depend on where frames are cut.
void PowerMeter::take(Stereo<std::span<const float>> wet) {
  Stereo<double> sums = sums_;
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    sums.left += double{wet.left[n]} * double{wet.left[n]};
    sums.right += double{wet.right[n]} * double{wet.right[n]};
  }
  sums_ = sums;
  frames_ += std::ssize(wet.left);
}

double PowerMeter::power() const {
  return frames_ == 0 ? 0 : (sums_.left + sums_.right) / (2 * static_cast<double>(frames_));
}

TargetMeter::TargetMeter(const TargetLevel& target, int rate, int channels)
    : target_(target), rate_(rate) {
  if (target.kind == TargetLevel::Kind::lufs) loudness_.emplace(rate, channels);
}

void TargetMeter::take(Stereo<std::span<const float>> wet) {
  measure(wet, levels_);
  frames_ += std::ssize(wet.left);
  if (target_.kind == TargetLevel::Kind::rms) power_.take(wet);
  if (loudness_) loudness_->take(wet);
}

std::optional<double> TargetMeter::factor(const std::string& output) const {
  const double peak = std::max(levels_.left.peak, levels_.right.peak);
  if (peak == 0) return std::nullopt;
  if (!std::isfinite(peak)) return 1;  // the writer names the frame that has overflowed
  if (target_.kind == TargetLevel::Kind::peak) return amplitude(target_.level) / peak;
  if (target_.kind == TargetLevel::Kind::rms) {
    return amplitude(target_.level) / std::sqrt(power_.power());
  }
  check_length(target_, output, frames_, rate_);
  if (const auto gain = loudness_->gain_to(target_.level)) return amplitude(*gain);
  // The last samples, fewer than 100 ms, belong to no block.
  throw FileError(output, fmt::format("{} lufs: every block of 400 ms is silent, so the result has "
                                      "no loudness; use --level rms=DB",
                                      target_.option));
}

}  // namespace gpuconv
