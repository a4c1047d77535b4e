#include "host/audio/truncation.hpp"

#include <algorithm>
#include <span>
#include <string_view>

#include "host/audio/input_file.hpp"

namespace gpuconv {
namespace {

enum class Order { little, big };

/// How a container lays out its chunks: a name, a size, then that many bytes.
struct ChunkLayout {
  std::string_view magic;  ///< the first four bytes of the file
  std::int64_t first;      ///< where the first chunk begins
  std::size_t name_bytes;
  std::size_t size_bytes;
  Order order;
  bool size_counts_header;
  std::int64_t alignment;
  std::string_view samples;  ///< first four bytes of the name of the chunk with the samples
};

constexpr ChunkLayout kLayouts[] = {
    {"RIFF", 12, 4, 4, Order::little, false, 2, "data"},
    {"RF64", 12, 4, 4, Order::little, false, 2, "data"},
    {"RIFX", 12, 4, 4, Order::big, false, 2, "data"},
    {"FORM", 12, 4, 4, Order::big, false, 2, "SSND"},
    {"riff", 40, 16, 8, Order::little, true, 8, "data"},  // W64
    {"caff", 8, 4, 8, Order::big, false, 1, "data"},
};

/// Nobody writes more chunks than this before the samples.
constexpr int kMaxChunks = 10'000;

std::uint64_t number(std::span<const unsigned char> bytes, Order order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8 | bytes[order == Order::big ? i : bytes.size() - 1 - i];
  }
  return value;
}

std::string_view text(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4)};
}

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
  const auto offset = static_cast<std::int64_t>(number(head.subspan(4, 4), Order::big));
  const std::uint64_t size = number(head.subspan(8, 4), Order::big);
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
  const auto layout = std::ranges::find(kLayouts, text(head), &ChunkLayout::magic);
  if (layout == std::end(kLayouts)) return std::nullopt;

  const std::size_t header_bytes = layout->name_bytes + layout->size_bytes;
  const auto header_size = static_cast<std::int64_t>(header_bytes);
  std::uint64_t size_in_ds64 = 0;  // RF64 keeps the size of the samples in its first chunk
  std::int64_t position = layout->first;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto header = peek(descriptor, position, header_bytes);
    if (header.size() < header_bytes) return std::nullopt;
    std::uint64_t size = number(std::span(header).subspan(layout->name_bytes), layout->order);
    if (layout->size_counts_header) size -= std::min<std::uint64_t>(size, header_bytes);
    const std::int64_t present = file_bytes - position - header_size;
    if (text(header) == "ds64") {
      const auto sizes = peek(descriptor, position + header_size, 16);
      if (sizes.size() == 16) size_in_ds64 = number(std::span(sizes).subspan(8, 8), layout->order);
    }
    if (text(header) == layout->samples) {
      const bool in_ds64 = layout->magic == "RF64" && size == 0xffffffff;
      return in_ds64 ? compare(size_in_ds64, 8, present)
                     : compare(size, layout->size_bytes, present);
    }
    if (size > static_cast<std::uint64_t>(present)) return std::nullopt;  // nothing to hold against
    const auto bytes = static_cast<std::int64_t>(size);
    position +=
        header_size + (bytes + layout->alignment - 1) / layout->alignment * layout->alignment;
  }
  return std::nullopt;
}

}  // namespace gpuconv
