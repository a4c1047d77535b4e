// cpu_aligned_floats.hpp - memory for vectors
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace gpuconv {

/// Uninitialised floats at a cache line's start.
class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::size_t size) : floats_(allocate(size)), size_(size) {}

  float* data() { return floats_.get(); }
  const float* data() const { return floats_.get(); }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Delete {
    void operator()(float* floats) const { ::operator delete(floats, kAlignment); }
  };
  static float* allocate(std::size_t size) {
    return static_cast<float*>(::operator new(size * sizeof(float), kAlignment));
  }

  std::unique_ptr<float[], Delete> floats_;
  std::size_t size_ = 0;
};

}  // namespace gpuconv
