// range.hpp - NVTX ranges: what a profiler, and our own trace, shows as named bars
//
// All ranges are in the domain "gpuconv" and are named by stage and, where one is meant, by ear:
// "read", "upload", "convolve left", "write". Without a profiler attached a range costs nothing
// that can be measured.
#pragma once

#include <nvtx3/nvtx3.hpp>
#include <string>

#include "cuda/runtime/stereo.hpp"
#include "cuda/runtime/trace.hpp"

namespace gpuconv {

struct ProfilerDomain {
  static constexpr const char* name{"gpuconv"};
};

/// A range from construction to destruction.
class Range {
 public:
  explicit Range(const char* stage) : Range(std::string(stage)) {}
  Range(const char* stage, Side ear) : Range((std::string(stage) + ' ').append(name(ear))) {}
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() {
    if (trace_ != nullptr) trace_->add({Trace::this_thread(), name_, start_, trace_->now()});
  }

 private:
  explicit Range(std::string words)
      : range_(words),
        name_(std::move(words)),
        trace_(Trace::current()),
        start_(trace_ == nullptr ? 0 : trace_->now()) {}

  nvtx3::scoped_range_in<ProfilerDomain> range_;
  std::string name_;
  Trace* trace_;  // outlives the range
  double start_;
};

}  // namespace gpuconv
