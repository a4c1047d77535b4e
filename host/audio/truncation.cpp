#include "host/audio/truncation.hpp"

#include <algorithm>
#include <span>

#include "host/audio/chunks.hpp"
#include "host/audio/input_file.hpp"

namespace gpuconv {
namespace {

std::optional<Shortage> compare(std::uint64_t promised, std::size_t size_bytes,
                                std::int64_t present) {
  if (means_streamed(promised, size_bytes)) return std::nullopt;
  const bool is_short =
      promised == 0 ? present > 0 : promised > static_cast<std::uint64_t>(present);
  if (!is_short) return std::nullopt;
  return Shortage{static_cast<std::int64_t>(promised), present};
}

/// An AU file has no chunks: offset and size of the samples stand in its first 12 bytes.
std::optional<Shortage> find_shortage_of_au(std::span<const unsigned char> head,
                                            std::int64_t file_bytes) {
  const auto offset = static_cast<std::int64_t>(number(head.subspan(4, 4), ByteOrder::big));
  const std::uint64_t size = number(head.subspan(8, 4), ByteOrder::big);
  if (offset > file_bytes) return std::nullopt;
  return compare(size, 4, file_bytes - offset);
}

}  // namespace

// What writers put where the size belongs when they can not seek back to fill it in: 0x7ffff000
// (SoX), about 2^31 - 1 (arecord), about 2^32 - 1 (FFmpeg), -1 (CAF).
bool means_streamed(std::uint64_t size, std::size_t size_bytes) {
  if (size_bytes == 8) return size >= std::uint64_t{1} << 62;
  return size == 0x7ffff000 || (size >= 0x7fffff00 && size <= 0x80000000) || size >= 0xffffff00;
}

std::optional<Shortage> find_shortage(int descriptor, std::int64_t file_bytes) {
  const auto head = peek(descriptor, 0, 12);
  if (head.size() < 12) return std::nullopt;
  if (text(head) == ".snd") return find_shortage_of_au(head, file_bytes);
  const ChunkLayout* const layout = find_layout(head);
  if (layout == nullptr) return std::nullopt;

  std::uint64_t size_in_ds64 = 0;  // RF64 keeps the size of the samples in its first chunk
  ChunkWalk chunks(descriptor, file_bytes, *layout);
  while (const auto chunk = chunks.next()) {
    if (chunk->name == "ds64") {
      const auto sizes = peek(descriptor, chunk->begin, 16);
      if (sizes.size() == 16) size_in_ds64 = number(std::span(sizes).subspan(8, 8), layout->order);
    }
    if (chunk->name != layout->samples) continue;
    const std::int64_t present = file_bytes - chunk->begin;
    const bool in_ds64 = layout->magic == "RF64" && chunk->size == 0xffffffff;
    return in_ds64 ? compare(size_in_ds64, 8, present)
                   : compare(chunk->size, layout->size_bytes, present);
  }
  return std::nullopt;
}

}  // namespace gpuconv
