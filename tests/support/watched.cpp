#include "tests/support/watched.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>

#ifdef __SANITIZE_ADDRESS__
// Of AddressSanitizer; GCC comes without the header.
extern "C" {
std::size_t __sanitizer_get_current_allocated_bytes();
std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                  std::size_t),
                                              void (*free_hook)(const volatile void*));
}
#endif

namespace gpuconv::test {
namespace {

double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

#ifdef __SANITIZE_ADDRESS__

std::atomic<std::size_t> held, most_held;

void count_malloc(const volatile void*, std::size_t bytes) {
  const std::size_t now = held.fetch_add(bytes) + bytes;
  std::size_t most = most_held;
  while (most < now && !most_held.compare_exchange_weak(most, now)) {
  }
}

void count_free(const volatile void* memory) { held -= __sanitizer_get_allocated_size(memory); }

/// Bytes held now; from here on the most is counted anew.
std::size_t begin() {
  static const bool counts = [] {
    held = __sanitizer_get_current_allocated_bytes();
    return __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free) != 0;
  }();
  most_held = held.load();
  return counts ? held.load() : 0;
}

std::size_t most() { return most_held; }

#else

std::size_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return 1024 * std::stoul(line.substr(key.size()));
  }
  return 0;
}

std::size_t begin() {
  std::ofstream("/proc/self/clear_refs") << '5';  // the high-water mark starts anew
  return status_bytes("VmRSS:");
}

std::size_t most() { return status_bytes("VmHWM:"); }

#endif

}  // namespace

Spent watched(const std::function<void()>& work) {
  const std::size_t before = begin();
  const double start = processor_seconds();
  work();
  const double seconds = processor_seconds() - start;
  return {seconds, std::max(most(), before) - before};
}

}  // namespace gpuconv::test
