// sphere_header.hpp - the header of a NIST SPHERE file (TIMIT, WSJ, Switchboard), often named .WAV
//
// Lines of text, padded to the size that the second line names. libsndfile reads some of them. It
// takes a truncated file for a short one, ignores unknown byte orders, and plays compressed samples
// (shorten) as noise. So gpuconv reads the header itself.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "host/files/input_file.hpp"
#include "host/read/pcm_header.hpp"

namespace gpuconv {

/// The first characters of every SPHERE file.
inline constexpr std::string_view kSphereMagic = "NIST_1A\n";

/// Reads the header of a SPHERE file; nothing if it is another kind of file. A sample_count that is
/// absent or 0 means "up to the end". Throws FileError, naming `path`, the field and its value,
/// where a field makes no sense or the samples are compressed.
std::optional<PcmHeader> find_sphere(const std::string& path, const Peek& peek,
                                     std::int64_t file_bytes);

}  // namespace gpuconv
