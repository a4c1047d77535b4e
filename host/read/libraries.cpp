#include "host/read/libraries.hpp"

#include <sndfile.h>

namespace gpuconv {

std::string sndfile_library_version() {
  const std::string name = sf_version_string();  // libsndfile-1.2.0
  return name.substr(name.rfind('-') + 1);
}

std::string ogg_built_version() { return GPUCONV_OGG_VERSION; }
std::string mpg123_built_version() { return GPUCONV_MPG123_VERSION; }

}  // namespace gpuconv
