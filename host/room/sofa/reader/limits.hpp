// limits.hpp - what gpuconv-sofa may take: a malformed file can ask for any amount of either
#pragma once

#include <cstdint>

namespace gpuconv::sofa {

/// From now on this process may hold `bytes` of private memory. No limit under AddressSanitizer,
/// whose shadow memory would count.
void limit_memory(std::int64_t bytes);

/// From now on this process may compute for `seconds` more (rounded up); then it is ended
/// (SIGXCPU).
void limit_cpu(double seconds);

}  // namespace gpuconv::sofa
