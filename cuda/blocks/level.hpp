// level.hpp - how loud a signal is
#pragma once

#include <cstdint>

namespace gpuconv {

struct Level {
  float peak = 0;         ///< largest |y|, full scale = 1
  std::int64_t over = 0;  ///< samples with |y| > 1, which an integer format would clip
};

/// The same of a block, as the device has it. Without padding: bytes that nobody writes would be
/// copied uninitialised.
struct BlockLevel {
  float peak = 0;
  int over = 0;
};
static_assert(sizeof(BlockLevel) == sizeof(float) + sizeof(int));

}  // namespace gpuconv
