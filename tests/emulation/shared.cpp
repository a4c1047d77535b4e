#include "tests/emulation/shared.hpp"

#include <sanitizer/asan_interface.h>

#include <cstring>
#include <string>

#include "tests/emulation/kernel.hpp"
#include "tests/emulation/race.hpp"

namespace emulation {
namespace {

constexpr std::size_t kGuard = 64;
constexpr char kCanary = 0x3a;

std::size_t padded(std::size_t bytes) { return (bytes + 15) & ~std::size_t{15}; }

}  // namespace

SharedMemory::Array::Array(std::size_t size)
    : bytes(size), memory(std::make_unique<char[]>(2 * kGuard + padded(size))) {
  std::memset(memory.get(), kCanary, 2 * kGuard + padded(size));
  ASAN_POISON_MEMORY_REGION(memory.get(), kGuard);
  ASAN_POISON_MEMORY_REGION(start() + bytes, kGuard + padded(bytes) - bytes);
  race::watch(start(), bytes, race::Memory::shared);
}

SharedMemory::Array::~Array() {
  race::unwatch(start());
  ASAN_UNPOISON_MEMORY_REGION(memory.get(), 2 * kGuard + padded(bytes));
}

char* SharedMemory::Array::start() const { return memory.get() + kGuard; }

__attribute__((no_sanitize("address"))) bool SharedMemory::Array::is_damaged() const {
  const char* const begin = memory.get();
  const char* const end = begin + 2 * kGuard + padded(bytes);
  for (const char* p = begin; p < end; ++p) {
    if (p == begin + kGuard) p += bytes;
    if (*p != kCanary) return true;
  }
  return false;
}

void SharedMemory::begin_block(std::size_t granted) {
  taken_ = 0;
  granted_ = granted;
  used_ = 0;
}

void* SharedMemory::take(int index, std::size_t bytes) {
  const std::size_t i = static_cast<std::size_t>(index);
  if (i == taken_) {
    used_ += padded(bytes);
    if (used_ > granted_) {
      throw Fault("takes " + std::to_string(used_) + " bytes of shared memory, was granted " +
                  std::to_string(granted_));
    }
    if (i == arrays_.size()) arrays_.emplace_back();
    if (arrays_[i] == nullptr || arrays_[i]->bytes != bytes) {
      arrays_[i].reset();
      arrays_[i] = std::make_unique<Array>(bytes);
    }
    std::memset(arrays_[i]->start(), 0xff, bytes);  // NaN, as float
    race::forget(arrays_[i]->start());
    ++taken_;
  }
  if (i >= taken_ || arrays_[i]->bytes != bytes) {
    throw Fault("threads of one block take different shared arrays");
  }
  return arrays_[i]->start();
}

void SharedMemory::end_block() const {
  if (used_ != granted_) {
    throw Fault("took " + std::to_string(used_) + " bytes of shared memory, was granted " +
                std::to_string(granted_));
  }
  for (std::size_t i = 0; i < taken_; ++i) {
    if (arrays_[i]->is_damaged()) {
      throw Fault("shared array " + std::to_string(i) + " of " + std::to_string(arrays_[i]->bytes) +
                  " bytes was overrun");
    }
  }
}

}  // namespace emulation
