// info.hpp - what a file holds, in words and as JSON
#pragma once

#include <string>
#include <vector>

#include "host/read/input_tolerance.hpp"
#include "host/room/sofa/options.hpp"

namespace gpuconv {

struct Description {
  std::vector<std::string> lines;  ///< without line ends
  std::string json;
};

/// Of an audio or SOFA file. Reads an audio file to its end. Throws FileError; a SOFA file whose
/// ears are not decided is described all the more.
Description describe(const std::string& path, Formats formats = Formats::allowed,
                     const SofaOptions& options = {});

/// The directions of a SOFA file as comma-separated lines, the first of which names the columns:
/// measurement, emitter, azimuth, elevation (degrees), distance (metres).
std::vector<std::string> list_directions(const std::string& path, const SofaOptions& options);

}  // namespace gpuconv
