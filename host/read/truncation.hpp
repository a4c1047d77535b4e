// truncation.hpp - does a file hold as much as its own header says?
//
// libsndfile opens a WAV whose data chunk ends beyond the end of the file without a word and plays
// what is there: a copy that was cut short would pass for a short recording. And of one that grew
// beyond 4 GiB, so that its size wrapped, it plays the rest by 2^32. So the sizes in the header are
// held against the size of the file here. FLAC and Ogg need no look at the header: of a FLAC the
// frames that arrive are counted, and an Ogg must have its last page (integrity_check.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "host/files/input_file.hpp"

namespace gpuconv {

/// Bytes of samples that the header promises, and those from there to the end of the file.
struct Mismatch {
  std::int64_t promised;
  std::int64_t present;
};

/// A size of 32 bits has wrapped where so many more bytes are there than it says: fewer may be
/// chunks behind the samples.
inline constexpr std::int64_t kWrap = std::int64_t{1} << 32;

/// Whether a size in a header, of `size_bytes` bytes, stands for "streamed, up to the end of the
/// file".
bool means_streamed(std::uint64_t size, std::size_t size_bytes);

/// Looks into WAV, RF64, BW64, W64, AIFF, CAF and AU files of `file_bytes` bytes. Sizes that stand
/// for "streamed, up to the end of the file" are a mismatch only where libsndfile takes them at
/// their word and more bytes follow; so is 0.
std::optional<Mismatch> find_mismatch(const Peek& peek, std::int64_t file_bytes);

}  // namespace gpuconv
