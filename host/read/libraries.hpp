// libraries.hpp - the libraries that read recordings
#pragma once

#include <string>

namespace gpuconv {

/// Version of the libsndfile that is loaded: "1.2.0".
std::string sndfile_library_version();

/// Versions that gpuconv was compiled with: these libraries do not tell the one that is loaded.
std::string ogg_built_version();
std::string mpg123_built_version();

}  // namespace gpuconv
