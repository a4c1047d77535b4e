#include "cuda/runtime/device.hpp"

#include <cuda_runtime.h>

#include "cuda/runtime/check.hpp"

namespace gpuconv {
namespace {

std::string why_no_device(cudaError_t error) {
  const std::string sentence = cause(error);
  if (!sentence.empty()) return sentence;
  return std::string("CUDA does not start: ") + cudaGetErrorString(error) + " (" +
         cudaGetErrorName(error) + ")";
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  GPUCONV_CUDA(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

Device describe(int index) {
  cudaDeviceProp properties{};
  GPUCONV_CUDA(cudaGetDeviceProperties(&properties, index));
  Device device;
  device.index = index;
  device.name = properties.name;
  device.major = properties.major;
  device.minor = properties.minor;
  device.multiprocessors = properties.multiProcessorCount;
  device.memory_bytes = properties.totalGlobalMem;
  device.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
  // float32 lanes per multiprocessor: CUDA C++ Programming Guide, table "Throughput of Native
  // Arithmetic Instructions": 64 up to 8.0 (but 128 for 5.x, 6.1), 128 from 8.6 on.
  const bool has_64_lanes = device.major == 7 || (device.major == 8 && device.minor == 0);
  const double hertz = 1e3 * attribute(cudaDevAttrClockRate, index);
  device.peak_flops = 2.0 * (has_64_lanes ? 64 : 128) * device.multiprocessors * hertz;
  return device;
}

}  // namespace

std::string compiled_gpus() { return GPUCONV_GPUS; }

std::string toolkit_version() {
  return std::to_string(CUDART_VERSION / 1000) + "." + std::to_string(CUDART_VERSION % 1000 / 10);
}

Devices query_devices() {
  Devices devices;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    cudaGetLastError();
    devices.why_none = why_no_device(error);
    return devices;
  }
  try {
    for (int index = 0; index < count; ++index) devices.list.push_back(describe(index));
  } catch (const CudaError& failure) {
    devices.list.clear();
    devices.why_none = failure.what();
    return devices;
  }
  if (devices.list.empty()) devices.why_none = why_no_device(cudaErrorNoDevice);
  return devices;
}

void use_device(int index) { GPUCONV_CUDA(cudaSetDevice(index)); }

int device_in_use() {
  int index = 0;
  GPUCONV_CUDA(cudaGetDevice(&index));
  return index;
}

DeviceInUse::DeviceInUse(int index) : before_(device_in_use()) { use_device(index); }

DeviceInUse::~DeviceInUse() {
  cudaSetDevice(before_);
  cudaGetLastError();
}

bool still_answers() {
  const bool answers = cudaDeviceSynchronize() == cudaSuccess;
  cudaGetLastError();
  return answers;
}

std::size_t l2_cache_bytes() {
  int device = 0;
  GPUCONV_CUDA(cudaGetDevice(&device));
  return static_cast<std::size_t>(attribute(cudaDevAttrL2CacheSize, device));
}

int multiprocessors() {
  int device = 0;
  GPUCONV_CUDA(cudaGetDevice(&device));
  return static_cast<int>(attribute(cudaDevAttrMultiProcessorCount, device));
}

std::size_t free_device_memory() {
  std::size_t free = 0;
  std::size_t total = 0;
  GPUCONV_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

}  // namespace gpuconv
