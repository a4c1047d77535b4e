#include "host/read/truncation.hpp"

#include <span>

#include "host/read/chunks.hpp"

namespace gpuconv {
namespace {

std::optional<Mismatch> compare(std::uint64_t size, std::size_t size_bytes, std::int64_t present) {
  const auto promised = static_cast<std::int64_t>(size);
  if (means_streamed(size, size_bytes)) {
    // Libsndfile stops there all the same.
    if (size_bytes == 4 && present > promised) return Mismatch{promised, present};
    return std::nullopt;
  }
  const bool is_short = promised == 0 ? present > 0 : promised > present;
  const bool has_wrapped = size_bytes == 4 && present - promised >= kWrap;
  if (!is_short && !has_wrapped) return std::nullopt;
  return Mismatch{promised, present};
}

/// An AU file has no chunks: offset and size of the samples stand in its first 12 bytes.
std::optional<Mismatch> find_mismatch_of_au(std::span<const unsigned char> head,
                                            std::int64_t file_bytes) {
  const auto offset = static_cast<std::int64_t>(number(head.subspan(4, 4), ByteOrder::big));
  const std::uint64_t size = number(head.subspan(8, 4), ByteOrder::big);
  constexpr std::uint64_t kUnknown = 0xffffffff;  // which libsndfile knows
  if (offset > file_bytes || size == kUnknown) return std::nullopt;
  return compare(size, 4, file_bytes - offset);
}

}  // namespace

// What writers put where the size belongs when they cannot seek back to fill it in: whole frames
// up to 0x7ffff000 (SoX; of AIFF up to 0x7f000000 and 8 bytes more), about 2^31 - 1 (arecord),
// about 2^32 - 1 (FFmpeg), -1 (CAF).
bool means_streamed(std::uint64_t size, std::size_t size_bytes) {
  if (size_bytes == 8) return size >= std::uint64_t{1} << 62;
  constexpr std::uint64_t kMostFrame = 0x2000;  // bytes of a frame
  const auto is_below = [&](std::uint64_t most) {
    return size <= most && size > most - kMostFrame;
  };
  return is_below(0x7ffff000) || is_below(0x7f000008) ||
         (size >= 0x7fffff00 && size <= 0x80000000) || size >= 0xffffff00;
}

std::optional<Mismatch> find_mismatch(const Peek& peek, std::int64_t file_bytes) {
  const auto head = peek(0, 12);
  if (head.size() < 12) return std::nullopt;
  if (text(head) == ".snd") return find_mismatch_of_au(head, file_bytes);
  const ChunkLayout* const layout = find_layout(head);
  if (layout == nullptr) return std::nullopt;
  const auto samples = find_samples(peek, file_bytes, *layout);
  if (!samples) return std::nullopt;
  return compare(samples->size, samples->size_bytes, file_bytes - samples->begin);
}

}  // namespace gpuconv
