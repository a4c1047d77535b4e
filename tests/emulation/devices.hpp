// devices.hpp - how many emulated devices there are, and which is the current one
#pragma once

#include <cstddef>

namespace emulation {

inline constexpr std::size_t kDeviceBytes = std::size_t{4} << 30;
inline constexpr std::size_t kSharedBytes = 227 * 1024;  // as on compute capability 9.0

/// The device that this host thread's calls go to.
int current_device();

}  // namespace emulation
