// sndfile_format.hpp - libsndfile's description of a file in our words, checked
#pragma once

#include <sndfile.h>

#include <cstdint>
#include <string>

#include "host/read/audio_format.hpp"
#include "host/read/input_tolerance.hpp"
#include "host/read/raw_format.hpp"

namespace gpuconv {

/// Throws FileError, naming the limits, unless rate and channels are within kMinRate..kMaxRate and
/// 1..kMaxChannels.
void check_ranges(const std::string& path, const SF_INFO& info);

/// The format that libsndfile has found; `container` replaces libsndfile's name unless it is null.
/// Throws FileError where check_ranges() does, and for a format that gpuconv does not allow.
AudioFormat checked_format(const std::string& path, const SF_INFO& info, Formats formats,
                           const char* container);

/// Describes samples without a header to libsndfile.
SF_INFO raw_info(const RawFormat& raw);

}  // namespace gpuconv
