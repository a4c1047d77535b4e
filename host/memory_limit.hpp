// memory_limit.hpp - a bound on what a library may allocate that has none of its own
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

namespace gpuconv {

/// While it lives, allocations of this process fail beyond `bytes` more than it has. For a piece of
/// work during which no other thread allocates much. Where the system does not say how much there
/// is, or under AddressSanitizer, which ends the process instead, there is no bound.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::int64_t bytes);
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit();

 private:
  std::optional<rlimit> before_;
};

}  // namespace gpuconv
