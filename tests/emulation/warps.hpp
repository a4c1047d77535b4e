// warps.hpp - lets the threads of a warp that wait for each other go on
#pragma once

#include <span>

#include "tests/emulation/fibre.hpp"

namespace emulation {

inline constexpr unsigned kWarp = 32;

/// Completes the meetings in `warp` (at most 32 threads of which none can run) that all lanes of
/// their mask have joined; whether there were any. Throws Fault for one that can never complete.
bool complete_meetings(std::span<Fibre* const> warp);

}  // namespace emulation
