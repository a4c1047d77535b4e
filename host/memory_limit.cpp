#include "host/memory_limit.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

namespace gpuconv {
namespace {

/// What RLIMIT_DATA counts: private writable memory of this process, in bytes.
std::optional<std::int64_t> data_bytes() {
#ifndef __SANITIZE_ADDRESS__
  // Pages: size, resident, shared, text, lib, data.
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  for (int field = 0; field < 6; ++field) file >> pages;
  if (file) return pages * ::sysconf(_SC_PAGESIZE);
#endif
  return std::nullopt;
}

}  // namespace

MemoryLimit::MemoryLimit(std::int64_t bytes) {
  const auto taken = data_bytes();
  rlimit now{};
  if (!taken || ::getrlimit(RLIMIT_DATA, &now) != 0) return;
  const rlimit limited{std::min(now.rlim_cur, static_cast<rlim_t>(*taken + bytes)), now.rlim_max};
  if (::setrlimit(RLIMIT_DATA, &limited) == 0) before_ = now;
}

MemoryLimit::~MemoryLimit() {
  if (before_) ::setrlimit(RLIMIT_DATA, &*before_);
}

}  // namespace gpuconv
