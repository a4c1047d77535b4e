#include "host/render/noise_mix.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/base/levels.hpp"
#include "host/render/target_meter.hpp"

namespace gpuconv {
namespace {

/// The first frame that is used of a file with `length` frames, where nothing is drawn.
std::int64_t given_start(const Noise& noise, std::int64_t length, int rate) {
  const double start = std::round(noise.start_seconds * rate);
  if (start < static_cast<double>(length)) return static_cast<std::int64_t>(start);
  throw FileError(noise.file, fmt::format("--noise-start {}: the file ends after {:.3f} s",
                                          noise.start_seconds, static_cast<double>(length) / rate));
}

/// The first frame of a file with `length` frames, of which the output needs `needed`.
std::int64_t start_of(const Noise& noise, std::int64_t length, std::int64_t needed, int rate) {
  if (!noise.start_draw) return given_start(noise, length, rate);
  const std::int64_t starts = length >= needed ? length - needed + 1 : length;
  return static_cast<std::int64_t>(std::floor(*noise.start_draw * static_cast<double>(starts)));
}

}  // namespace

void check_noise(const Noise& noise, const BackgroundOptions& options, int rate) {
  Background background(noise.file, options, rate);
  if (!noise.start_draw) given_start(noise, background.length(), background.file_rate());
}

NoiseMix::NoiseMix(const Noise& noise, const BackgroundOptions& options, int rate,
                   Channels channels, std::int64_t frames, double wet_power)
    : noise_(noise), options_(options), rate_(rate), channels_(channels) {
  background_.emplace(noise.file, options, rate);
  const int own_rate = background_->file_rate();
  const std::int64_t length = background_->length();
  const auto needed = static_cast<std::int64_t>(
      std::ceil(static_cast<double>(frames) * own_rate / static_cast<double>(rate)));
  start_ = start_of(noise, length, needed, own_rate);
  report_ = {static_cast<double>(start_) / own_rate,
             std::nullopt,
             own_rate,
             background_->channels(),
             start_ + needed > length,
             background_->repairs()};
  if (wet_power == 0 || !std::isfinite(wet_power)) return;  // the writer names the frame
  background_->start_at(start_);
  PowerMeter power;
  constexpr std::int64_t kBlock = 1 << 14;
  constexpr std::int64_t kKept = 1 << 20;  // frames, 8 MiB
  for (std::int64_t done = 0; done < frames; done += kBlock) {
    stop_if_interrupted();
    const auto noise_frames = read(static_cast<std::size_t>(std::min(kBlock, frames - done)));
    power.take(noise_frames);
    for (const Side side : kSides) {
      if (frames > kKept) break;
      kept_[side].insert(kept_[side].end(), noise_frames[side].begin(), noise_frames[side].end());
    }
  }
  report_.repairs.replaced = background_->repairs().replaced;
  if (power.power() == 0) {
    throw FileError(noise.file,
                    fmt::format("is silent for {:.3f} s from {:.3f} s on: no factor "
                                "gives a signal-to-noise ratio",
                                static_cast<double>(needed) / own_rate, report_.start_seconds));
  }
  factor_ = std::sqrt(wet_power / power.power()) * amplitude(-noise.snr_db);
  report_.gain_db = dbfs(factor_);
}

void NoiseMix::restart() {
  position_ = 0;
  if (!kept_.left.empty()) return;
  background_.emplace(noise_.file, options_, rate_);
  background_->start_at(start_);
}

Stereo<std::span<const float>> NoiseMix::next(std::size_t frames) {
  if (kept_.left.empty()) return read(frames);
  const std::size_t from = std::exchange(position_, position_ + frames);
  return {std::span<const float>(kept_.left).subspan(from, frames),
          std::span<const float>(kept_.right).subspan(from, frames)};
}

Stereo<std::span<const float>> NoiseMix::read(std::size_t frames) {
  for (const Side side : kSides) frames_[side].resize(frames);
  background_->read({frames_.left, frames_.right});
  return pick({frames_.left, frames_.right}, channels_, mean_);
}

Stereo<std::span<const float>> NoiseMix::operator()(Stereo<std::span<const float>> wet) {
  if (factor_ == 0) return wet;
  const auto noise = next(wet.left.size());
  for (const Side side : kSides) {
    mixed_[side].resize(wet[side].size());
    std::ranges::transform(wet[side], noise[side], mixed_[side].begin(),
                           [this](float sound, float added) {
                             return static_cast<float>(double{sound} + factor_ * double{added});
                           });
  }
  return {mixed_.left, mixed_.right};
}

}  // namespace gpuconv
