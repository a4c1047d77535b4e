// state.hpp - what the emulated libraries (CUB, cuFFT, NVTX) need of the emulated runtime
#pragma once

#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {

/// Remembers an NVTX range for ranges().
void note_range(const char* domain, const std::string& name);

}  // namespace emulation
