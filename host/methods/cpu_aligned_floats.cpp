#include "host/methods/cpu_aligned_floats.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace gpuconv {

namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kLargePage = 1 << 21;
constexpr std::size_t kLeastKept = 1 << 16;  // less than that, malloc keeps itself

bool has_large_pages(std::size_t bytes) { return bytes >= kLargePage / 2; }

std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = has_large_pages(bytes) ? kLargePage : kCacheLine;
  return std::max((bytes + unit - 1) / unit * unit, unit);
}

/// Memory that was freed, the oldest first.
class Kept {
 public:
  /// One of this size; null if there is none. A larger one would be counted as less when it is
  /// given back.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(blocks_, bytes, &Block::bytes);
    return found == blocks_.end() ? nullptr : std::exchange(*found, {}).memory;
  }

  void give(void* memory, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    std::ranges::rotate(blocks_, blocks_.begin() + 1);
    std::free(std::exchange(blocks_.back(), {memory, bytes}).memory);
    for (auto oldest = blocks_.begin(); sum() > AlignedFloats::kKeptBytes; ++oldest) {
      std::free(std::exchange(*oldest, {}).memory);
    }
  }

  std::size_t bytes() {
    const std::lock_guard lock(mutex_);
    return sum();
  }

 private:
  struct Block {
    void* memory = nullptr;
    std::size_t bytes = 0;
  };

  std::size_t sum() const {
    std::size_t all = 0;
    for (const Block& block : blocks_) all += block.bytes;
    return all;
  }

  std::mutex mutex_;
  std::array<Block, 64> blocks_;
};

/// Never destroyed: tables of roots are freed when the process ends.
Kept& kept() {
  static Kept* const all = new Kept;
  return *all;
}

}  // namespace

std::size_t AlignedFloats::kept_bytes() { return kept().bytes(); }

float* AlignedFloats::allocate(std::size_t size) {
  const std::size_t bytes = rounded(size * sizeof(float));
  if (bytes >= kLeastKept) {
    if (void* const memory = kept().take(bytes)) return static_cast<float*>(memory);
  }
  const bool is_large = has_large_pages(bytes);
  void* const memory = std::aligned_alloc(is_large ? kLargePage : kCacheLine, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (is_large) madvise(memory, bytes, MADV_HUGEPAGE);  // advice, not needed
  return static_cast<float*>(memory);
}

void AlignedFloats::Free::operator()(float* floats) const {
  const std::size_t bytes = rounded(size * sizeof(float));
  if (bytes >= kLeastKept) {
    kept().give(floats, bytes);
  } else {
    std::free(floats);
  }
}

}  // namespace gpuconv
