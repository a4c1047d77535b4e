// duration.hpp - a time as people say it
#pragma once

#include <string>

namespace gpuconv {

/// "1.3 ms", "2.1 s", "4.6 h"
std::string duration(double seconds);

}  // namespace gpuconv
