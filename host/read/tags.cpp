#include "host/read/tags.hpp"

#include <algorithm>

#include "host/read/chunks.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kId3HeaderBytes = 10;
constexpr int kMostTags = 16;
constexpr std::int64_t kMostPadding = 1 << 16;
constexpr std::size_t kPaddingStep = 1 << 12;

/// Zeros from `position` on. A pipe is not asked for more than one byte unless there are some.
std::int64_t padding_at(const Peek& peek, std::int64_t position) {
  const auto first = peek(position, 1);
  if (first.empty() || first.front() != 0) return 0;
  std::int64_t padding = 0;
  while (padding < kMostPadding) {
    const auto bytes = peek(position + padding, kPaddingStep);
    const auto sound = std::ranges::find_if(bytes, [](unsigned char c) { return c != 0; });
    padding += sound - bytes.begin();
    if (sound != bytes.end() || bytes.size() < kPaddingStep) break;
  }
  return padding;
}

}  // namespace

std::int64_t id3_bytes(std::span<const unsigned char> head) {
  if (head.size() < kId3HeaderBytes || !text(head).starts_with("ID3")) return 0;
  if (head[3] == 0xff || head[4] == 0xff) return 0;  // the version
  std::int64_t size = 0;
  for (const unsigned char byte : head.subspan(6, 4)) {
    if (byte >= 0x80) return 0;
    size = size << 7 | byte;
  }
  const bool has_footer = (head[5] & 0x10) != 0;
  return static_cast<std::int64_t>(kId3HeaderBytes) * (has_footer ? 2 : 1) + size;
}

std::int64_t tag_bytes(std::span<const unsigned char> head) {
  constexpr std::int64_t kId3v1Bytes = 128;
  return text(head).starts_with("TAG") ? kId3v1Bytes : id3_bytes(head);
}

std::int64_t leading_tag_bytes(const Peek& peek) {
  std::int64_t position = 0;
  for (int tags = 0; tags < kMostTags; ++tags) {
    const std::int64_t bytes = id3_bytes(peek(position, kId3HeaderBytes));
    if (bytes == 0) break;
    position += bytes;
  }
  return position == 0 ? 0 : position + padding_at(peek, position);
}

}  // namespace gpuconv
