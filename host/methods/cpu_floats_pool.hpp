// cpu_floats_pool.hpp - memory of equal size that is used again
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "host/methods/cpu_aligned_floats.hpp"

namespace gpuconv {

/// Blocks of `floats` each, which start on a cache line. They are allocated some at a time: one
/// that is a little longer than half a large page would otherwise take a whole one.
class FloatsPool {
 public:
  explicit FloatsPool(std::size_t floats)
      : floats_((floats + kCacheLine - 1) / kCacheLine * kCacheLine) {}

  float* take() {
    if (idle_.empty()) allocate();
    float* const memory = idle_.back();
    idle_.pop_back();
    return memory;
  }
  void give_back(float* memory) { idle_.push_back(memory); }

 private:
  static constexpr std::size_t kCacheLine = 16;                   // floats
  static constexpr std::size_t kTogether = std::size_t{2} << 20;  // floats

  void allocate() {
    const std::size_t count = std::max<std::size_t>(kTogether / floats_, 1);
    float* const first = all_.emplace_back(count * floats_).data();
    // The first one is taken first, so that memory that is never used is never touched.
    for (std::size_t i = count; i-- > 0;) idle_.push_back(first + i * floats_);
  }

  std::size_t floats_;
  std::vector<AlignedFloats> all_;
  std::vector<float*> idle_;
};

}  // namespace gpuconv
