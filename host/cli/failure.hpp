// failure.hpp - an exception becomes a line and an exit code
#pragma once

namespace gpuconv {

/// Tells of the exception that is being handled, and returns its exit code. Needs no memory.
int report_failure();

}  // namespace gpuconv
