// devices.cpp - GPUCONV_EMULATED_DEVICES devices, all alike but for their names
//
// Each has GPUCONV_EMULATED_MEMORY bytes of memory and GPUCONV_EMULATED_SHARED of shared memory.
#include "tests/emulation/devices.hpp"

#include <cuda_runtime.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/captures.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

std::size_t from_environment(const char* name, std::size_t otherwise, std::size_t most) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  std::size_t value = 0;
  const char* const end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, value);
  if (error != std::errc{} || last != end || value > most) {
    throw std::invalid_argument(std::string(name) + "=" + text + ": expected 0 to " +
                                std::to_string(most));
  }
  return value;
}

constexpr std::size_t kMemory = std::size_t{4} << 30;
constexpr std::size_t kShared = 227 * 1024;  // as on compute capability 9.0
constexpr std::size_t kL2Cache = 1 << 20;

struct Settings {
  std::size_t count = from_environment("GPUCONV_EMULATED_DEVICES", 1, 64);
  std::size_t memory = from_environment("GPUCONV_EMULATED_MEMORY", kMemory, kMemory);
  std::size_t shared = from_environment("GPUCONV_EMULATED_SHARED", kShared, kShared);
  std::size_t l2_cache = kL2Cache;
  int multiprocessors = 1;
};

Settings& settings() {
  static Settings settings;
  return settings;
}

int device_count() { return static_cast<int>(settings().count); }

bool exists(int device) { return device >= 0 && device < device_count(); }

thread_local int current = 0;

}  // namespace

int current_device() { return current; }

std::size_t device_bytes() { return settings().memory; }
std::size_t shared_bytes() { return settings().shared; }

void set_devices(int count) {
  settings().count = static_cast<std::size_t>(count);
  current = 0;
}
void set_device_bytes(std::size_t bytes) { settings().memory = bytes; }
void set_shared_bytes(std::size_t bytes) { settings().shared = bytes; }
void set_multiprocessors(int count) { settings().multiprocessors = count; }
void set_l2_cache_bytes(std::size_t bytes) { settings().l2_cache = bytes; }
void restore_device() { settings() = {}; }

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::exists;
using emulation::Function;
using emulation::shared_bytes;

cudaError_t cudaGetDeviceCount(int* count) {
  return call(Function::cudaGetDeviceCount, [&] {
    *count = emulation::device_count();
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  return call(Function::cudaGetDevice, [&] {
    *device = emulation::current;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return call(Function::cudaSetDevice, [&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    emulation::current = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  return call(Function::cudaGetDeviceProperties, [&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    const std::string number = emulation::device_count() == 1 ? "" : " " + std::to_string(device);
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "emulated GPU%s (on the CPU)",
                  number.c_str());
    properties->totalGlobalMem = emulation::device_bytes();
    properties->major = 9;
    properties->minor = 0;
    properties->multiProcessorCount = 1;
    properties->sharedMemPerBlockOptin = emulation::shared_bytes();
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  return call(Function::cudaDeviceGetAttribute, [&] {
    if (!exists(device)) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrClockRate:
        *value = 300;  // kHz: 256 flop per clock makes 77 Mflop/s, about what this emulation does
        return cudaSuccess;
      case cudaDevAttrMultiProcessorCount:
        *value = emulation::settings().multiprocessors;
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(std::min(emulation::kSharedBytesUnasked, shared_bytes()));
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(shared_bytes());
        return cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(shared_bytes()) + 1024;  // which CUDA keeps, for each block
        return cudaSuccess;
      case cudaDevAttrL2CacheSize:
        *value = static_cast<int>(emulation::settings().l2_cache);
        return cudaSuccess;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = 2048;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        return cudaSuccess;
      case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        return cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return call_to_end(Function::cudaDeviceSynchronize, [] {
    const cudaError_t error = emulation::check_device_wide_wait();
    if (error != cudaSuccess) return error;
    emulation::execute_everything();
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  return call(Function::cudaDriverGetVersion, [&] {
    *version = 13000;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  return call(Function::cudaRuntimeGetVersion, [&] {
    *version = 13000;
    return cudaSuccess;
  });
}
