#include "host/read/chunks.hpp"

#include <algorithm>
#include <cctype>

namespace gpuconv {
namespace {

/// The chunk whose header stands at `position`; nothing at the end of the file.
std::optional<Chunk> chunk_at(const Peek& peek, std::int64_t position, const ChunkLayout& layout) {
  const std::size_t header_bytes = layout.name_bytes + layout.size_bytes;
  const auto header = peek(position, header_bytes);
  if (header.size() < header_bytes) return std::nullopt;
  std::uint64_t size = number(std::span(header).subspan(layout.name_bytes), layout.order);
  if (layout.size_counts_header) size -= std::min<std::uint64_t>(size, header_bytes);
  return Chunk{std::string(text(header)), position + static_cast<std::int64_t>(header_bytes), size,
               layout.size_bytes};
}

}  // namespace

std::uint64_t number(std::span<const unsigned char> bytes, ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8 | bytes[order == ByteOrder::big ? i : bytes.size() - 1 - i];
  }
  return value;
}

std::string_view text(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 4)};
}

std::int64_t chunk_end(std::int64_t begin, std::uint64_t size, const ChunkLayout& layout) {
  if (size > static_cast<std::uint64_t>(kEndlessBytes - begin)) return kEndlessBytes;
  const auto bytes = static_cast<std::int64_t>(size);
  return begin + (bytes + layout.alignment - 1) / layout.alignment * layout.alignment;
}

std::optional<Chunk> ChunkWalk::next() {
  if (left_-- == 0 || position_ > file_bytes_) return std::nullopt;
  auto chunk = chunk_at(peek_, position_, layout_);
  if (!chunk || chunk->begin > file_bytes_) return std::nullopt;
  if (layout_.has_ds64 && chunk->name == "ds64") {
    const auto sizes = peek_(chunk->begin, 16);
    if (sizes.size() == 16) size_in_ds64_ = number(std::span(sizes).subspan(8), layout_.order);
  }
  if (layout_.has_ds64 && chunk->name == layout_.samples && chunk->size == 0xffffffff) {
    chunk->size = size_in_ds64_;
    chunk->size_bytes = 8;
  }
  if (chunk->size > static_cast<std::uint64_t>(file_bytes_ - chunk->begin)) {
    left_ = 0;  // nothing can follow
  } else {
    position_ = chunk_end(chunk->begin, chunk->size, layout_);
  }
  return chunk;
}

std::optional<std::int64_t> end_of_chunk_at(const Peek& peek, std::int64_t position,
                                            const ChunkLayout& layout) {
  const auto chunk = chunk_at(peek, position, layout);
  if (!chunk) return std::nullopt;
  const auto in_name = [](unsigned char c) { return std::isalnum(c) || c == ' ' || c == '_'; };
  if (!std::ranges::all_of(chunk->name, in_name)) return std::nullopt;
  if (chunk->size > static_cast<std::uint64_t>(kEndlessBytes - position)) return std::nullopt;
  if (peek(chunk->begin + static_cast<std::int64_t>(chunk->size) - 1, 1).empty()) {
    return std::nullopt;
  }
  return chunk_end(chunk->begin, chunk->size, layout);
}

}  // namespace gpuconv
