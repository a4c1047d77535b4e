// ranges.cpp - the names of NVTX ranges; forget()
#include <mutex>

#include "tests/emulation/emulation.hpp"
#include "tests/emulation/state.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

// Workers of the CPU methods name their ranges, too, at the same time.
struct Names {
  std::mutex mutex;
  std::vector<std::string> list;
};

Names& names() {
  static Names names;
  return names;
}

}  // namespace

void note_range(const char* domain, const std::string& name) {
  const std::lock_guard lock(names().mutex);
  names().list.push_back(std::string(domain) + "/" + name);
}

std::vector<std::string> ranges() {
  const std::lock_guard lock(names().mutex);
  return names().list;
}

void forget() {
  forget_schedule();
  forget_calls();
  forget_kernels();
  const std::lock_guard lock(names().mutex);
  names().list.clear();
}

}  // namespace emulation
