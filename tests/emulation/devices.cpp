// devices.cpp - GPUCONV_EMULATED_DEVICES devices, all alike but for their names
#include "tests/emulation/devices.hpp"

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/captures.hpp"
#include "tests/emulation/emulation.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

int count_from_environment() {
  const char* const text = std::getenv("GPUCONV_EMULATED_DEVICES");
  if (text == nullptr) return 1;
  char* end = nullptr;
  const long count = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || count < 0 || count > 64) {
    throw std::invalid_argument("GPUCONV_EMULATED_DEVICES=" + std::string(text) +
                                ": expected 0 to 64");
  }
  return static_cast<int>(count);
}

int& device_count() {
  static int count = count_from_environment();
  return count;
}

bool exists(int device) { return device >= 0 && device < device_count(); }

thread_local int current = 0;

}  // namespace

int current_device() { return current; }

void set_devices(int count) {
  device_count() = count;
  current = 0;
}

}  // namespace emulation

using emulation::call;
using emulation::call_to_end;
using emulation::exists;
using emulation::Function;

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
    properties->totalGlobalMem = emulation::kDeviceBytes;
    properties->major = 9;
    properties->minor = 0;
    properties->multiProcessorCount = 1;
    properties->sharedMemPerBlockOptin = emulation::kSharedBytes;
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
        *value = 1;
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
