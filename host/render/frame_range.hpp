// frame_range.hpp - of all frames of a render those that are wanted
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "host/base/signal.hpp"

namespace gpuconv {

enum class WetLength { full, same };

/// Passes on the frames from `first` on: all of them, or as many as the source has samples. How
/// many that are may be known only at its end, but no frame comes before its sample was read.
class FrameRange {
 public:
  FrameRange(std::int64_t first, WetLength length, WriteWet write)
      : begin_(first), length_(length), write_(std::move(write)) {}

  void operator()(Stereo<std::span<const float>> wet, std::int64_t samples_read) {
    const std::int64_t end_of_all = std::numeric_limits<std::int64_t>::max();
    const std::int64_t last = length_ == WetLength::same ? begin_ + samples_read : end_of_all;
    const std::int64_t length = static_cast<std::int64_t>(wet.left.size());
    const std::int64_t begin = std::clamp(begin_ - position_, std::int64_t{0}, length);
    const std::int64_t end = std::clamp(last - position_, std::int64_t{0}, length);
    position_ += length;
    if (begin >= end) return;
    const auto part = [&](std::span<const float> side) {
      return side.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    };
    write_({part(wet.left), part(wet.right)});
  }

 private:
  std::int64_t begin_;
  WetLength length_;
  std::int64_t position_ = 0;
  WriteWet write_;
};

}  // namespace gpuconv
