#include "host/read/chunks.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace gpuconv {
namespace {

constexpr ChunkLayout kLayouts[] = {
    {"RIFF", 12, 4, 4, ByteOrder::little, false, 2, "data", "fmt "},
    {"RF64", 12, 4, 4, ByteOrder::little, false, 2, "data", "fmt ", true},
    {"BW64", 12, 4, 4, ByteOrder::little, false, 2, "data", "fmt ", true},
    {"RIFX", 12, 4, 4, ByteOrder::big, false, 2, "data", "fmt "},
    {"FORM", 12, 4, 4, ByteOrder::big, false, 2, "SSND", "COMM"},
    {"riff", 40, 16, 8, ByteOrder::little, true, 8, "data", "fmt "},  // W64
    {"caff", 8, 4, 8, ByteOrder::big, false, 1, "data", "desc"},
};

/// Nobody writes more chunks than this before the samples.
constexpr int kMaxChunks = 10'000;

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

bool begins_recording(std::span<const unsigned char> head) {
  if (head.size() < 16) return false;
  const std::string_view magic = text(head);
  const std::string_view form = text(head.subspan(8));
  if (magic == "RIFF" || magic == "RF64" || magic == "BW64" || magic == "RIFX") {
    return form == "WAVE";
  }
  if (magic == "NIST") return text(head.subspan(4)) == "_1A\n";
  if (magic == "FORM") return form == "AIFF" || form == "AIFC";
  if (magic == "riff") return number(head.subspan(4, 4), ByteOrder::big) == 0x2e91cf11;  // a GUID
  if (magic == "caff") return number(head.subspan(4, 4), ByteOrder::big) == 0x10000;  // version 1
  if (magic == "OggS") return head[4] == 0 && (head[5] & 2) != 0;  // the first page of a stream
  if (magic == "fLaC") return number(head.subspan(4, 4), ByteOrder::big) % 0x8000'0000 == 34;
  const std::uint64_t au_encoding = number(head.subspan(12, 4), ByteOrder::big);
  return magic == ".snd" && au_encoding >= 1 && au_encoding <= 27;
}

const ChunkLayout* find_layout(std::span<const unsigned char> head) {
  const auto layout = std::ranges::find(kLayouts, text(head), &ChunkLayout::magic);
  return layout == std::end(kLayouts) ? nullptr : &*layout;
}

std::int64_t chunk_end(std::int64_t begin, std::uint64_t size, const ChunkLayout& layout) {
  if (size > static_cast<std::uint64_t>(kEndlessBytes - begin)) return kEndlessBytes;
  const auto bytes = static_cast<std::int64_t>(size);
  return begin + (bytes + layout.alignment - 1) / layout.alignment * layout.alignment;
}

ChunkWalk::ChunkWalk(Peek peek, std::int64_t file_bytes, const ChunkLayout& layout)
    : ChunkWalk(std::move(peek), file_bytes, layout, layout.first) {}

ChunkWalk::ChunkWalk(Peek peek, std::int64_t file_bytes, const ChunkLayout& layout,
                     std::int64_t position)
    : peek_(std::move(peek)),
      file_bytes_(file_bytes),
      layout_(layout),
      position_(position),
      left_(kMaxChunks) {}

std::optional<Chunk> ChunkWalk::next() {
  const std::size_t header_bytes = layout_.name_bytes + layout_.size_bytes;
  if (left_-- == 0 || position_ > file_bytes_) return std::nullopt;
  const auto header = peek_(position_, header_bytes);
  const std::int64_t begin = position_ + static_cast<std::int64_t>(header_bytes);
  if (header.size() < header_bytes || begin > file_bytes_) return std::nullopt;
  std::uint64_t size = number(std::span(header).subspan(layout_.name_bytes), layout_.order);
  if (layout_.size_counts_header) size -= std::min<std::uint64_t>(size, header_bytes);
  Chunk chunk{std::string(text(header)), begin, size, layout_.size_bytes};
  if (layout_.has_ds64 && chunk.name == "ds64") {
    const auto sizes = peek_(begin, 16);
    if (sizes.size() == 16) size_in_ds64_ = number(std::span(sizes).subspan(8), layout_.order);
  }
  if (layout_.has_ds64 && chunk.name == layout_.samples && size == 0xffffffff) {
    chunk.size = size = size_in_ds64_;
    chunk.size_bytes = 8;
  }
  if (size > static_cast<std::uint64_t>(file_bytes_ - begin)) {
    left_ = 0;  // nothing can follow
  } else {
    position_ = chunk_end(begin, size, layout_);
  }
  return chunk;
}

std::optional<Chunk> find_samples(const Peek& peek, std::int64_t file_bytes,
                                  const ChunkLayout& layout) {
  ChunkWalk chunks(peek, file_bytes, layout);
  while (auto chunk = chunks.next()) {
    if (chunk->name == layout.samples) return chunk;
  }
  return std::nullopt;
}

std::optional<std::int64_t> end_of_chunk_at(const Peek& peek, std::int64_t position,
                                            const ChunkLayout& layout) {
  const std::size_t header_bytes = layout.name_bytes + layout.size_bytes;
  const auto header = peek(position, header_bytes);
  if (header.size() < header_bytes) return std::nullopt;
  const auto in_name = [](unsigned char c) { return std::isalnum(c) || c == ' ' || c == '_'; };
  if (!std::ranges::all_of(std::span(header).first(4), in_name)) return std::nullopt;
  std::uint64_t size = number(std::span(header).subspan(layout.name_bytes), layout.order);
  if (layout.size_counts_header) size -= std::min<std::uint64_t>(size, header_bytes);
  if (size > static_cast<std::uint64_t>(kEndlessBytes - position)) return std::nullopt;
  const std::int64_t begin = position + static_cast<std::int64_t>(header_bytes);
  if (peek(begin + static_cast<std::int64_t>(size) - 1, 1).empty()) return std::nullopt;
  return chunk_end(begin, size, layout);
}

}  // namespace gpuconv
