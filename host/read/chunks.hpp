// chunks.hpp - the chunks of which RIFF, RF64, BW64, W64, AIFF and CAF files are made
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "host/files/input_file.hpp"

namespace gpuconv {

enum class ByteOrder { little, big };

/// A whole number of up to 8 bytes.
std::uint64_t number(std::span<const unsigned char> bytes, ByteOrder order);

/// The first four bytes, or all if they are fewer, as text.
std::string_view text(std::span<const unsigned char> bytes);

/// How a container lays out its chunks: a name, a size, then that many bytes.
struct ChunkLayout {
  std::int64_t first;  ///< where the first chunk begins
  std::size_t name_bytes;
  std::size_t size_bytes;
  ByteOrder order;
  bool size_counts_header;
  std::int64_t alignment;
  std::string_view samples;  ///< first four bytes of the name of the chunk with the samples
  std::string_view format;   ///< first four bytes of the name of the chunk with their format
  bool has_ds64 = false;     ///< where the size of the samples is -1, the chunk "ds64" has it
  bool needs_size = false;   ///< libsndfile rejects an unknown size, and one beyond the file
};

struct Chunk {
  std::string name;        ///< its first four bytes
  std::int64_t begin;      ///< of its content, in the file
  std::uint64_t size;      ///< of its content, by its header
  std::size_t size_bytes;  ///< of the size
};

/// Stands for the size of a pipe.
inline constexpr std::int64_t kEndlessBytes = std::int64_t{1} << 62;

/// Where the chunk after one with `size` bytes from `begin` on begins; kEndlessBytes if none can
/// follow.
std::int64_t chunk_end(std::int64_t begin, std::uint64_t size, const ChunkLayout& layout);

/// Walks over the chunks of a file of `file_bytes` bytes. It believes no size: it ends at the end
/// of the file, and after 10,000 chunks. It never peeks before the chunk that it is at.
class ChunkWalk {
 public:
  ChunkWalk(Peek peek, std::int64_t file_bytes, const ChunkLayout& layout)
      : peek_(std::move(peek)), file_bytes_(file_bytes), layout_(layout), position_(layout.first) {}

  std::optional<Chunk> next();

 private:
  Peek peek_;
  std::int64_t file_bytes_;
  const ChunkLayout& layout_;
  std::int64_t position_;
  std::uint64_t size_in_ds64_ = 0;  // of the samples
  int left_ = 10'000;
};

/// Where the chunk at `position` ends, padding included. Nothing if there is none: a chunk has a
/// name of letters, digits, blanks and underscores, and ends before the file does.
std::optional<std::int64_t> end_of_chunk_at(const Peek& peek, std::int64_t position,
                                            const ChunkLayout& layout);

}  // namespace gpuconv
