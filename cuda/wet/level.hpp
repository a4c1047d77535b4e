// level.hpp - how loud a signal is
#pragma once

#include <cstdint>

namespace gpuconv {

struct Level {
  float peak = 0;         ///< largest |y|, full scale = 1
  std::int64_t over = 0;  ///< samples with |y| > 1, which an integer format would clip
};

}  // namespace gpuconv
