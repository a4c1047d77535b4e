// watched.hpp - how long a piece of work keeps the processor and how much memory it takes
#pragma once

#include <cstddef>
#include <functional>

namespace gpuconv::test {

struct Spent {
  double seconds;     ///< of this thread on the processor: other programs do not count
  std::size_t bytes;  ///< most that was held at a time, beyond what was held before
};

/// Where AddressSanitizer counts, bytes are those asked for, touched or not; elsewhere those that
/// were resident.
Spent watched(const std::function<void()>& work);

}  // namespace gpuconv::test
