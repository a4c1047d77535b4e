// wav_header.hpp - what the header of a WAV, RF64, BW64 or W64 says of its samples
//
// libsndfile takes sizes at their word that a program writes when it cannot know them (0,
// 0x7ffff000, 0x7fffffff, 0xffffffff): they mean "up to the end" and not 2 GiB. Of a W64 it plays
// padding and chunks behind the samples, too. So these headers are read here.
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

/// The header of a WAV, RF64, BW64 or W64 of `file_bytes` bytes, or of one in a pipe
/// (kEndlessBytes), which `peek` looks into. A size of 0 means "up to the end", as of a recorder
/// that could not go back to write it; but where a chunk follows, the header is right and there are
/// no samples. So it is with other sizes that may mean this, where the file can be looked into so
/// far.
///
/// Nothing if there is none that can be understood, or if it names an encoding that is not read
/// here. Throws FileError if it makes no sense.
std::optional<PcmHeader> find_wav(const std::string& path, const Peek& peek,
                                  std::int64_t file_bytes);

}  // namespace gpuconv
