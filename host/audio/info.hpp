// info.hpp - what a file holds, in words
#pragma once

#include <string>
#include <vector>

#include "host/audio/policy.hpp"

namespace gpuconv {

/// Lines about an audio or SOFA file, without line ends. Reads an audio file to its end.
std::vector<std::string> describe(const std::string& path, Formats formats = Formats::listed);

}  // namespace gpuconv
