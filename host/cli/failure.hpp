// failure.hpp - an exception becomes a line and an exit code
#pragma once

#include <string>

namespace gpuconv {

/// Tells of the exception that is being handled, after `where`, and returns its exit code. Needs no
/// memory.
int report_failure(const std::string& where = {});

}  // namespace gpuconv
