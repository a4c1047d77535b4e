#include "host/methods/cpu_vectorised_stream.hpp"

#include <algorithm>
#include <limits>

namespace gpuconv {

VectorisedStream::VectorisedStream(const VectorisedConvolver& convolver)
    : convolver_(convolver),
      block_(convolver.plan_.block),
      source_(static_cast<std::size_t>(2 * block_)),
      windows_(static_cast<std::size_t>(convolver.plan_.partitions) *
               convolver.transform_.spectrum_size()),
      scratch_(2 * convolver.transform_.spectrum_size()),
      wet_{AlignedFloats(static_cast<std::size_t>(block_)),
           AlignedFloats(static_cast<std::size_t>(block_))} {
  products_.reserve(static_cast<std::size_t>(convolver.plan_.partitions));
  std::fill_n(block(-1), block_, 0.0F);
}

float* VectorisedStream::window(std::int64_t t) {
  return windows_.data() + static_cast<std::size_t>(t % convolver_.plan_.partitions) *
                               convolver_.transform_.spectrum_size();
}

void VectorisedStream::push(std::span<const float> source, const WriteWet& write) {
  constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
  while (!source.empty()) {
    const auto count = std::min(source.size(), static_cast<std::size_t>(block_ - filled_));
    std::copy_n(source.data(), count, block(t_) + filled_);
    source = source.subspan(count);
    filled_ += static_cast<std::int64_t>(count);
    if (filled_ == block_) end_block(kUnknown, kUnknown, write);
  }
}

void VectorisedStream::finish(const WriteWet& write) {
  const std::int64_t N = t_ * block_ + filled_;
  const std::int64_t windows_end = (N + block_ - 1) / block_ + 1;  // from here on they are silent
  const std::int64_t wet_length = N > 0 ? N + convolver_.response_length_ - 1 : 0;
  while (t_ * block_ < wet_length) {
    std::fill(block(t_) + filled_, block(t_) + block_, 0.0F);
    end_block(windows_end, wet_length, write);
  }
  t_ = 0;
  filled_ = 0;
  std::fill_n(block(-1), block_, 0.0F);
}

/// Transforms the window of block t, the block before it and the block itself, and writes the
/// frames of block t.
void VectorisedStream::end_block(std::int64_t windows_end, std::int64_t wet_length,
                                 const WriteWet& write) {
  if (t_ < windows_end) convolver_.transform_.forward(block(t_ - 1), block(t_), window(t_));
  const std::int64_t first = std::max<std::int64_t>(0, t_ + 1 - windows_end);
  const std::int64_t last = std::min<std::int64_t>(t_, convolver_.plan_.partitions - 1);
  products_.clear();
  for (std::int64_t p = first; p <= last; ++p) products_.push_back(window(t_ - p));
  const auto partitions = [&](Side side) {
    return std::span(convolver_.partitions_[side])
        .subspan(static_cast<std::size_t>(first), products_.size());
  };
  convolver_.transform_.filter(products_, {partitions(Side::left), partitions(Side::right)},
                               scratch_.data(), {wet_.left.data(), wet_.right.data()});
  const auto count = static_cast<std::size_t>(std::min(block_, wet_length - t_ * block_));
  ++t_;
  filled_ = 0;
  write({{wet_.left.data(), count}, {wet_.right.data(), count}});
}

}  // namespace gpuconv
