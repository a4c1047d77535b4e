// response.hpp - the room at two ears from a file: audio of 2 channels, or SOFA with its choices
#pragma once

#include <string>

#include "gpuconv/export.hpp"
#include "host/room/response.hpp"

namespace gpuconv {

/// Reads a response. `options.sofa` chooses among the measurements of a SOFA file; delays that
/// stand there apart from the taps are applied. Throws FileError unless there are two ears of which
/// at least one is not silent, and UsageError if a direction is asked of a file that has none.
/// At `rate` Hz, if one is given: converted as `gpuconv render` does it.
GPUCONV_API Response open_response(const std::string& path, const ResponseOptions& options = {},
                                   int rate = 0);

}  // namespace gpuconv
