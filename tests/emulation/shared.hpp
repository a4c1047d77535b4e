// shared.hpp - the shared memory of the running block
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace emulation {

/// One allocation for each array, with guards between them: a step from one array into the next is
/// seen at once by AddressSanitizer, and at the end of the block without it.
class SharedMemory {
 public:
  void begin_block(std::size_t granted);
  void* take(int index, std::size_t bytes);
  /// Throws Fault if less was taken than granted, or something was written between the arrays.
  void end_block() const;

 private:
  struct Array {
    explicit Array(std::size_t size);
    ~Array();
    Array(const Array&) = delete;
    char* start() const;
    bool is_damaged() const;

    std::size_t bytes;
    std::unique_ptr<char[]> memory;
  };
  std::vector<std::unique_ptr<Array>> arrays_;  // kept from block to block
  std::size_t taken_ = 0;                       // arrays of this block
  std::size_t granted_ = 0;
  std::size_t used_ = 0;
};

}  // namespace emulation
