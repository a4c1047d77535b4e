// container.hpp - the containers of recordings that gpuconv reads, one row for each
//
// To add a container, add a row to kContainers in container.cpp. MPEG audio (mp3_frames.hpp) and
// raw samples (raw_format.hpp) have no magic and no row.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/files/input_file.hpp"
#include "host/read/chunks.hpp"
#include "host/read/integrity_check.hpp"
#include "host/read/pcm_header.hpp"

namespace gpuconv {

/// The encodings of a container, each by its code in the header as messages print it.
struct EncodingCodes {
  const char* container;  ///< in messages
  /// The code in the format chunk, or in the file without chunks, that begins at `begin`. Empty if
  /// the file ends before it, or always holds an allowed one.
  std::string (*read)(const Peek& peek, std::int64_t begin, ByteOrder order);
  std::span<const std::string_view> allowed;
  std::span<const std::string_view> rare;  ///< libsndfile reads them, too
};

/// What the header says of the place of the samples.
struct Samples {
  std::int64_t begin;
  std::uint64_t size;      ///< bytes
  std::size_t size_bytes;  ///< of the size
  bool has_format;         ///< the chunk with the format stands before them
};

struct ContainerFormat {
  std::string_view magic;          ///< the first bytes of the file
  const char* name;                ///< in messages and reports
  int sndfile_code;                ///< SF_FORMAT_...
  const EncodingCodes* encodings;  ///< null: gpuconv allows all
  const ChunkLayout* chunks;       ///< null: it has none
  /// Whether 16 bytes with this magic begin a recording, and nothing else with the same magic.
  bool (*begins)(std::span<const unsigned char> head);
  /// Reads the header instead of libsndfile. Nothing if it cannot be understood.
  std::optional<PcmHeader> (*read_header)(const std::string& path, const Peek& peek,
                                          std::int64_t file_bytes) = nullptr;
  /// Finds the samples of a container without chunks.
  std::optional<Samples> (*find_samples)(const Peek& peek, std::int64_t file_bytes) = nullptr;
  /// How to check that the recording is whole. Nothing: by the size of the samples.
  std::optional<IntegrityCheck::Kind> integrity = std::nullopt;
};

/// The container of a file with these first bytes; null if there is none.
const ContainerFormat* find_container(std::span<const unsigned char> head);

/// The name of the container with libsndfile's `code`; null if there is none.
const char* container_name(int sndfile_code);

/// Whether these, up to 40, are the first bytes of a recording.
bool begins_recording(std::span<const unsigned char> head);

/// Nothing if the header does not say where the samples are.
std::optional<Samples> find_samples(const ContainerFormat& container, const Peek& peek,
                                    std::int64_t file_bytes);

/// A size of 32 bits has wrapped where so many more bytes are there than it says: fewer may be
/// chunks after the samples.
inline constexpr std::int64_t kWrap = std::int64_t{1} << 32;

/// Whether a size in a header, of `size_bytes` bytes, stands for "streamed, up to the end of the
/// file".
bool means_streamed(std::uint64_t size, std::size_t size_bytes);

/// Bytes of samples that the header promises, and those from there to the end of the file.
struct Mismatch {
  std::int64_t promised;
  std::int64_t present;
};

/// Compares the size in the header with a file of `file_bytes` bytes: libsndfile plays a file that
/// was cut short without a word, and of one that grew beyond 4 GiB the size modulo 2^32. Sizes that
/// mean "streamed" are a mismatch only where libsndfile believes them and more bytes follow; so is
/// 0.
std::optional<Mismatch> find_mismatch(const Samples& samples, std::int64_t file_bytes);

}  // namespace gpuconv
