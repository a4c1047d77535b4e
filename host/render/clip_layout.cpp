#include "host/render/clip_layout.hpp"

#include <algorithm>

namespace gpuconv {
namespace {

/// Samples and zeros of a clip.
std::int64_t region(const ClipLengths& lengths, std::int64_t N) {
  const std::int64_t least = N + std::max(lengths.taps - 1, lengths.overlap);
  const std::int64_t advance = lengths.advance();
  return (least + advance - 1) / advance * advance;
}

}  // namespace

std::optional<ClipLengths> clip_lengths(const Method& method, std::int64_t N, std::int64_t K) {
  if (method.segments == nullptr || N < 1 || N >= kEndless || K > method.longest_response) {
    return std::nullopt;
  }
  const auto taps = static_cast<int>(K);
  const SegmentLengths of = method.segments(N, taps);
  const ClipLengths lengths{taps, of.segment_samples, of.overlap};
  if (of.block_length < N || region(lengths, N) > kGroupSamples) return std::nullopt;
  return lengths;
}

bool plans_alike(const Method& method, std::int64_t N, std::int64_t other, std::int64_t K) {
  if (method.segments == nullptr) return std::min(N, kEndless) == std::min(other, kEndless);
  const SegmentLengths a = method.segments(N, static_cast<int>(K));
  const SegmentLengths b = method.segments(other, static_cast<int>(K));
  return a.segment_samples == b.segment_samples && a.overlap == b.overlap &&
         a.block_length == b.block_length && a.history == b.history;
}

std::optional<ClipPlace> ClipLayout::add(std::int64_t N) {
  const auto length = static_cast<std::size_t>(region(lengths_, N));
  if (size_ + length > static_cast<std::size_t>(kGroupSamples)) return std::nullopt;
  const auto samples = static_cast<std::size_t>(N);
  places_.push_back(
      {size_, samples, samples + static_cast<std::size_t>(lengths_.taps) - 1, length});
  size_ += length;
  return places_.back();
}

}  // namespace gpuconv
