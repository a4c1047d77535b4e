// launches.cpp - what a launch may ask for
#include <algorithm>
#include <map>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/queues.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

/// By device and kernel.
std::map<std::pair<int, const void*>, std::size_t> shared_limits;

std::size_t shared_limit(const void* kernel) {
  const auto limit = shared_limits.find({current_device(), kernel});
  return limit == shared_limits.end() ? kSharedBytesUnasked : limit->second;
}

bool is_possible(dim3 grid, dim3 block) {
  const auto is_between = [](unsigned n, unsigned limit) { return n > 0 && n <= limit; };
  return is_between(block.x, 1024) && is_between(block.y, 1024) && is_between(block.z, 64) &&
         std::size_t{block.x} * block.y * block.z <= 1024 && is_between(grid.x, 0x7fffffffu) &&
         is_between(grid.y, 65535) && is_between(grid.z, 65535);
}

}  // namespace

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel,
                           std::function<void()> thread_body, std::vector<const void*> pointers) {
  return call(Function::cudaLaunchKernelEx, [&] {
    const dim3 grid = config.gridDim;
    const dim3 block = config.blockDim;
    if (!is_possible(grid, block)) return cudaErrorInvalidConfiguration;
    if (config.dynamicSmemBytes > std::min(shared_limit(kernel), shared_bytes())) {
      return cudaErrorInvalidValue;
    }
    if (config.stream == nullptr || device_of(config.stream) != current_device()) {
      return cudaErrorInvalidResourceHandle;
    }
    bool starts_early = false;
    for (unsigned i = 0; i < config.numAttrs; ++i) {
      if (config.attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization) {
        return cudaErrorInvalidValue;
      }
      starts_early = config.attrs[i].val.programmaticStreamSerializationAllowed != 0;
    }
    return push(config.stream,
                {Work::kernel, nullptr, std::move(pointers), nullptr,
                 std::make_shared<const Launch>(Launch{grid, block, config.dynamicSmemBytes,
                                                       starts_early, std::move(thread_body)})});
  });
}

}  // namespace emulation

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  return emulation::call(emulation::Function::cudaFuncGetAttributes, [&] {
    if (attributes == nullptr || kernel == nullptr) return cudaErrorInvalidValue;
    attributes->ptxVersion = 90;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return emulation::call(emulation::Function::cudaFuncSetAttribute, [&] {
    if (kernel == nullptr || attribute != cudaFuncAttributeMaxDynamicSharedMemorySize ||
        value < 0 || static_cast<std::size_t>(value) > emulation::shared_bytes()) {
      return cudaErrorInvalidValue;
    }
    emulation::shared_limits[{emulation::current_device(), kernel}] =
        static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}
