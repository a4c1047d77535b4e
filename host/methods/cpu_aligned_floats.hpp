// cpu_aligned_floats.hpp - memory for vectors
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace gpuconv {

/// Uninitialised floats at a cache line's start. Many of them take large pages where the system has
/// some: a fresh page of 4 KiB costs a fault, 3 us here, a page of 2 MiB one for 512 times as much.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size) : floats_(allocate(size)), size_(size) {}

  float* data() { return floats_.get(); }
  const float* data() const { return floats_.get(); }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kCacheLine = 64;
  static constexpr std::size_t kLargePage = 1 << 21;

  struct Free {
    void operator()(float* floats) const { std::free(floats); }
  };
  static float* allocate(std::size_t size) {
    const std::size_t bytes = size * sizeof(float);
    const bool is_large = bytes >= kLargePage / 2;
    const std::size_t unit = is_large ? kLargePage : kCacheLine;
    const std::size_t rounded = (bytes + unit - 1) / unit * unit;
    void* const memory = std::aligned_alloc(unit, std::max(rounded, unit));
    if (memory == nullptr) throw std::bad_alloc();
    if (is_large) madvise(memory, rounded, MADV_HUGEPAGE);  // advice, not needed
    return static_cast<float*>(memory);
  }

  std::unique_ptr<float[], Free> floats_;
  std::size_t size_ = 0;
};

}  // namespace gpuconv
