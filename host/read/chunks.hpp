// chunks.hpp - the chunks of which RIFF, RF64, BW64, W64, AIFF and CAF files are made
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/files/input_file.hpp"

namespace gpuconv {

enum class ByteOrder { little, big };

/// A whole number of up to 8 bytes.
std::uint64_t number(std::span<const unsigned char> bytes, ByteOrder order);

/// The first four bytes, or fewer if there are no more, as text.
std::string_view text(std::span<const unsigned char> bytes);

/// Whether these, up to 40, are the first bytes of a recording of a kind that is read here.
bool begins_recording(std::span<const unsigned char> head);

/// How a container lays out its chunks: a name, a size, then that many bytes.
struct ChunkLayout {
  std::string_view magic;  ///< the first four bytes of the file
  std::int64_t first;      ///< where the first chunk begins
  std::size_t name_bytes;
  std::size_t size_bytes;
  ByteOrder order;
  bool size_counts_header;
  std::int64_t alignment;
  std::string_view samples;  ///< first four bytes of the name of the chunk with the samples
  std::string_view format;   ///< and of the one that says what they are
  bool has_ds64 = false;     ///< a size of -1 of the samples stands in the chunk "ds64"
};

/// Of a file with these first bytes; nullptr if it has no chunks.
const ChunkLayout* find_layout(std::span<const unsigned char> head);

struct Chunk {
  std::string name;        ///< its first four bytes
  std::int64_t begin;      ///< of what it holds, in the file
  std::uint64_t size;      ///< of that, as it claims
  std::size_t size_bytes;  ///< in which it claims that
};

/// What a walk takes for the size of a pipe.
inline constexpr std::int64_t kEndlessBytes = std::int64_t{1} << 62;

/// Where the next chunk begins after one that holds `size` bytes from `begin` on; kEndlessBytes
/// where nothing can follow.
std::int64_t chunk_end(std::int64_t begin, std::uint64_t size, const ChunkLayout& layout);

/// Walks over the chunks of a file, from the first one or the one at `position` on. Nothing that a
/// chunk claims is believed: the walk ends at the end of the file and after as many chunks as
/// nobody writes. It never looks back behind the chunk that it is at.
class ChunkWalk {
 public:
  ChunkWalk(Peek peek, std::int64_t file_bytes, const ChunkLayout& layout);
  ChunkWalk(Peek peek, std::int64_t file_bytes, const ChunkLayout& layout, std::int64_t position);

  std::optional<Chunk> next();

 private:
  Peek peek_;
  std::int64_t file_bytes_;
  const ChunkLayout& layout_;
  std::int64_t position_;
  std::uint64_t size_in_ds64_ = 0;  // the size of the samples, in the first chunk
  int left_;
};

/// The chunk with the samples.
std::optional<Chunk> find_samples(const Peek& peek, std::int64_t file_bytes,
                                  const ChunkLayout& layout);

/// Where the next chunk begins after the one at `position`; nothing if none is there, but sound: it
/// has a name of letters, digits, blanks and underscores, and ends before the file does.
std::optional<std::int64_t> end_of_chunk_at(const Peek& peek, std::int64_t position,
                                            const ChunkLayout& layout);

}  // namespace gpuconv
