// sphere_header.hpp - the header of a NIST SPHERE file (TIMIT, WSJ, Switchboard), often named .WAV
//
// Lines of text, padded to the size that the second line names. libsndfile reads some of them: it
// takes a file that was cut for a short one, ignores a byte order that it does not know, and plays
// samples that are compressed (shorten) as noise. So the header is read here.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "host/files/input_file.hpp"
#include "host/read/pcm_header.hpp"

namespace gpuconv {

/// The first characters of every SPHERE file.
inline constexpr std::string_view kSphereMagic = "NIST_1A\n";

/// Whether a file with these first bytes, at least 8, is a SPHERE file.
bool is_sphere(std::span<const unsigned char> head);

/// The header of a SPHERE file, which `peek` looks into; nothing if it is another kind of file. A
/// sample_count that is absent or 0 means "up to the end". Throws FileError, naming `path`, the
/// field and its value, where a field makes no sense or the samples are compressed.
std::optional<PcmHeader> find_sphere(const std::string& path, const Peek& peek);

}  // namespace gpuconv
