// truncation.hpp - is a file shorter than its own header says?
//
// libsndfile opens a WAV whose data chunk ends beyond the end of the file without a word and plays
// what is there: a copy that was cut short would pass for a short recording. So the sizes in the
// header are held against the size of the file here. FLAC and Ogg need no look at the header: there
// fewer frames arrive than were promised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace gpuconv {

/// Bytes of samples that the header promises, and those from there to the end of the file.
struct Shortage {
  std::int64_t promised;
  std::int64_t present;
};

/// Whether a size in a header, of `size_bytes` bytes, stands for "streamed, up to the end of the
/// file".
bool means_streamed(std::uint64_t size, std::size_t size_bytes);

/// Looks into WAV, RF64, W64, AIFF, CAF and AU files of `file_bytes` bytes. Sizes that stand for
/// "streamed, up to the end of the file" are no shortage; but 0, which libsndfile takes at its
/// word, is told with the bytes that follow.
std::optional<Shortage> find_shortage(int descriptor, std::int64_t file_bytes);

}  // namespace gpuconv
