// memory.hpp - device and pinned memory: exactly as long as asked for, guarded at both ends
#pragma once

#include <cstddef>
#include <vector>

namespace emulation {

struct Allocation {
  char* start;
  std::size_t bytes;
  int device;   ///< kPinned for pinned host memory
  int number;   ///< counts all allocations
  char* pages;  ///< between two pages that nobody may touch
  std::size_t page_bytes;
};
inline constexpr int kPinned = -1;

/// While one of these lives, device memory can be accessed; otherwise an access is a segmentation
/// fault.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

/// Whether one lives on this thread: it executes queued work, and holds the lock of the runtime.
bool has_device_access();

/// The allocation of device memory that holds [start, start + bytes), or null.
const Allocation* find_device_memory(const void* start, std::size_t bytes);

/// Throws Fault if one of `pointers` points into memory of another device.
void check_device(const std::vector<const void*>& pointers, int device);

/// Throws Fault if something was written next to an allocation.
void check_guards();

}  // namespace emulation
