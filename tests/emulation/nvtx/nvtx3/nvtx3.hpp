// nvtx3.hpp - stand-in for NVTX where there is no CUDA Toolkit: ranges that do nothing, except
// that the emulated build remembers their names for the tests
#pragma once

#include <string>

#ifdef GPUCONV_EMULATED
namespace emulation {
void note_range(const char* domain, const std::string& name);
}
#endif

namespace nvtx3 {

template <typename Domain>
class scoped_range_in {
 public:
  explicit scoped_range_in([[maybe_unused]] const std::string& name) {
#ifdef GPUCONV_EMULATED
    emulation::note_range(Domain::name, name);
#endif
  }
  scoped_range_in(const scoped_range_in&) = delete;
  scoped_range_in& operator=(const scoped_range_in&) = delete;
  ~scoped_range_in() {}
};

}  // namespace nvtx3
