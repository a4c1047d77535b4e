// ranges.cpp - the names of NVTX ranges; forget()
#include "tests/emulation/emulation.hpp"
#include "tests/emulation/state.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

std::vector<std::string>& names() {
  static std::vector<std::string> names;
  return names;
}

}  // namespace

void note_range(const char* domain, const std::string& name) {
  names().push_back(std::string(domain) + "/" + name);
}

const std::vector<std::string>& ranges() { return names(); }

void forget() {
  forget_schedule();
  forget_calls();
  forget_kernels();
  names().clear();
}

}  // namespace emulation
