// devices.hpp - how many emulated devices there are, how large, and which is the current one
#pragma once

#include <cstddef>

namespace emulation {

/// The device that this host thread's calls go to.
int current_device();

/// Memory of each device.
std::size_t device_bytes();

/// Shared memory that a block can have, after cudaFuncSetAttribute() and without it.
std::size_t shared_bytes();
inline constexpr std::size_t kSharedBytesUnasked = 48 * 1024;

}  // namespace emulation
