// device.hpp - which GPUs are here
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gpuconv {

struct Device {
  int index = 0;  ///< as CUDA counts, after CUDA_VISIBLE_DEVICES
  std::string name;
  int major = 0;  ///< compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::size_t memory_bytes = 0;
  std::size_t shared_bytes_per_block = 0;  ///< with opt-in
  double peak_flops = 0;                   ///< float32, a fused multiply-add counted as two
};

struct Devices {
  std::vector<Device> list;
  std::string why_none;  ///< a sentence, when list is empty
};

/// Never throws for a machine without a GPU or driver: that is an answer, not a failure.
Devices query_devices();

/// What the program was compiled for: "75 80 90, PTX 90", or "emulated"; empty without GPU methods.
std::string compiled_gpus();

/// The CUDA Toolkit's version, "13.0"; empty without GPU methods.
std::string toolkit_version();

/// Makes device `index` the one that this thread's CUDA calls go to.
void use_device(int index);

/// The device that this thread's CUDA calls go to. A new thread begins with device 0.
int device_in_use();

/// Makes device `index` the one that this thread's CUDA calls go to as long as this lives; then it
/// is again the one that it was.
class DeviceInUse {
 public:
  explicit DeviceInUse(int index);
  DeviceInUse(const DeviceInUse&) = delete;
  DeviceInUse& operator=(const DeviceInUse&) = delete;
  ~DeviceInUse();

 private:
  int before_ = 0;
};

/// Whether CUDA still answers: after some errors, such as an illegal address, nothing that this
/// process asks of it succeeds any more.
bool still_answers();

/// Bytes of the current device's second-level cache.
std::size_t l2_cache_bytes();

/// Of the current device.
int multiprocessors();

/// Bytes of memory free on the current device.
std::size_t free_device_memory();

}  // namespace gpuconv
