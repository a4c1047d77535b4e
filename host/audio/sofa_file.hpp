// sofa_file.hpp - what read_sofa() makes of libmysofa's structures
#pragma once

#include <mysofa.h>

#include <string>

#include "host/audio/sofa.hpp"

namespace gpuconv {

/// What went wrong in mysofa_load(): one of its own codes, or an errno.
std::string words_of_libmysofa(int error);

/// The part that is used of what mysofa_load() has read. Throws FileError where something is
/// missing or can not be what AES69 says.
SofaFile sofa_of(const std::string& path, const MYSOFA_HRTF& hrtf);

}  // namespace gpuconv
