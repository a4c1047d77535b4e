// wav_header.hpp - the header of a WAV, RF64, BW64 or W64: format, place and size of the samples
//
// A program that cannot know the size writes 0, 0x7ffff000, 0x7fffffff or 0xffffffff: "up to the
// end". libsndfile believes such a size. In a W64 it also plays padding and chunks after the
// samples. So gpuconv reads these headers itself.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "host/files/input_file.hpp"
#include "host/read/pcm_header.hpp"

namespace gpuconv {

/// Whether a file with these first 40 bytes is a WAV, an RF64, a BW64 or a W64.
bool is_wav(std::span<const unsigned char> head);

/// The tag of a format whose encoding stands in a GUID: WAVE_FORMAT_EXTENSIBLE.
inline constexpr std::uint64_t kWavExtensible = 0xfffe;

/// Reads the header of a WAV, RF64, BW64 or W64 of `file_bytes` bytes, or of one in a pipe
/// (kEndlessBytes). A size of 0, or one that may mean "streamed", stands for "up to the end". Where
/// `peek` finds a chunk after so many bytes, the size is right.
///
/// Nothing if it cannot be understood, or names an encoding that gpuconv does not read itself.
/// Throws FileError if it makes no sense.
std::optional<PcmHeader> find_wav(const std::string& path, const Peek& peek,
                                  std::int64_t file_bytes);

}  // namespace gpuconv
