// cpu_aligned_floats.hpp - memory for vectors
#pragma once

#include <cstddef>
#include <memory>

namespace gpuconv {

/// Uninitialised floats at a cache line's start. Many of them take large pages where the system has
/// some: a fresh page of 4 KiB costs a fault, a page of 2 MiB one for 512 times as much. Freed
/// memory is kept for the next, up to kKeptBytes: the system takes longer to hand out and clear
/// fresh pages than a transform to fill them.
class AlignedFloats {
 public:
  static constexpr std::size_t kKeptBytes = std::size_t{32} << 20;

  AlignedFloats() = default;
  /// Throws std::bad_alloc.
  explicit AlignedFloats(std::size_t size) : floats_(allocate(size), Free{size}), size_(size) {}

  float* data() { return floats_.get(); }
  const float* data() const { return floats_.get(); }
  std::size_t size() const { return size_; }

  /// Bytes that are kept now.
  static std::size_t kept_bytes();

 private:
  struct Free {
    std::size_t size;
    void operator()(float* floats) const;
  };
  static float* allocate(std::size_t size);

  std::unique_ptr<float[], Free> floats_;
  std::size_t size_ = 0;
};

}  // namespace gpuconv
