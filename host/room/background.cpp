#include "host/room/background.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/location.hpp"
#include "host/read/nonfinite.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kPortionFrames = 8192;

}  // namespace

Background::Background(const std::string& path, const BackgroundOptions& options, int rate)
    : path_(path), options_(options) {
  if (is_special_file(path)) {
    throw FileError(path, "is a pipe or a device; gpuconv reads noise several times");
  }
  if (options.sounds) decoded_ = options.sounds->find(path, options.truncated, options.formats);
  if (!decoded_) reader_ = open();
  if (channels() > 2) {
    throw FileError(path, fmt::format("has {} channels where noise has 1 or 2", channels()));
  }
  portion_.resize(kPortionFrames * static_cast<std::size_t>(channels()));
  if (file_rate() == rate) return;
  try {
    resampler_.emplace(file_rate(), rate, channels());
  } catch (const UsageError& error) {  // it does not know the name of the file
    throw FileError(path, error.what());
  }
}

std::unique_ptr<AudioReader> Background::open() const {
  return std::make_unique<AudioReader>(path_, options_.truncated, options_.formats);
}

std::int64_t Background::length() {
  if (length_) return *length_;
  if (decoded_) {
    shortfall_ = decoded_->shortfall;
    length_ = std::ssize(decoded_->interleaved) / channels();
    return *length_;
  }
  // A header's promise is kept, or reading fails; unless less is accepted.
  if (reader_->format().frames > 0 && options_.truncated == Truncated::error) {
    length_ = reader_->format().frames;
    return *length_;
  }
  const auto counted = open();
  std::int64_t frames = 0;
  while (const std::size_t got = counted->read(portion_)) {
    stop_if_interrupted();
    frames += static_cast<std::int64_t>(got);
  }
  if (frames == 0) throw FileError(path_, "holds no samples (0 frames)");
  shortfall_ = counted->shortfall();
  length_ = frames;
  return frames;
}

void Background::start_at(std::int64_t frame) {
  position_ = decoded_ ? std::min(frame, length()) : reader_->skip(frame);
  if (position_ != frame) throw FileError(path_, fmt::format("has no frame {}", frame));
}

void Background::go_to_begin() {
  if (!decoded_) reader_ = open();
  position_ = 0;
}

/// Returns the number of frames; 0 at the end.
std::size_t Background::fill_portion() {
  if (!decoded_) return reader_->read(portion_);
  const auto frame = static_cast<std::size_t>(channels());
  const auto rest =
      std::span(decoded_->interleaved).subspan(static_cast<std::size_t>(position_) * frame);
  const std::size_t count = std::min(rest.size(), portion_.size());
  std::copy_n(rest.begin(), count, portion_.begin());
  return count / frame;
}

void Background::read_portion() {
  std::size_t got = fill_portion();
  if (got == 0) {
    go_to_begin();
    got = fill_portion();
    if (got == 0) throw FileError(path_, "holds no samples (0 frames)");
  }
  const auto frames = std::span(portion_).first(got * static_cast<std::size_t>(channels()));
  replaced_ += mend_nonfinite(path_, frames, channels(), position_, options_.nonfinite);
  position_ += static_cast<std::int64_t>(got);
  ready_.clear();
  used_ = 0;
  if (resampler_) {
    resampler_->convert(frames, ready_);
  } else {
    ready_.assign(frames.begin(), frames.end());
  }
}

void Background::read(Stereo<std::span<float>> frames) {
  const bool is_stereo = channels() == 2;
  for (std::size_t n = 0; n < frames.left.size(); ++n) {
    while (used_ == ready_.size()) read_portion();
    frames.left[n] = ready_[used_++];
    frames.right[n] = is_stereo ? ready_[used_++] : frames.left[n];
  }
}

}  // namespace gpuconv
