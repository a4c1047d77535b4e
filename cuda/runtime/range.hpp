// range.hpp - NVTX ranges: what a profiler shows as named bars
//
// All ranges are in the domain "gpuconv" and are named by stage and, where one is meant, by ear:
// "read", "upload", "convolve left", "write". Without a profiler attached a range costs nothing
// that can be measured.
#pragma once

#include <nvtx3/nvtx3.hpp>
#include <string>

#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

struct ProfilerDomain {
  static constexpr const char* name{"gpuconv"};
};

/// A range from construction to destruction.
class Range {
 public:
  explicit Range(const char* stage) : range_(stage) {}
  Range(const char* stage, Side ear) : range_((std::string(stage) + ' ').append(name(ear))) {}

 private:
  nvtx3::scoped_range_in<ProfilerDomain> range_;
};

}  // namespace gpuconv
