// launches.cpp - what a launch may ask for
#include <map>

#include "tests/emulation/calls.hpp"
#include "tests/emulation/devices.hpp"
#include "tests/emulation/memory.hpp"
#include "tests/emulation/streams.hpp"

namespace emulation {
namespace {

std::map<const void*, std::size_t> shared_limits;

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
    const auto limit = shared_limits.find(kernel);
    const std::size_t granted = limit == shared_limits.end() ? 48 * 1024 : limit->second;
    if (config.dynamicSmemBytes > granted) return cudaErrorInvalidValue;
    if (config.stream == nullptr || device_of(config.stream) != current_device()) {
      return cudaErrorInvalidResourceHandle;
    }
    return enqueue(
        config.stream, Work::kernel,
        [grid, block, bytes = config.dynamicSmemBytes, body = std::move(thread_body)] {
          run_kernel(grid, block, bytes, body);
          check_guards();
        },
        std::move(pointers));
  });
}

}  // namespace emulation

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  return emulation::call(emulation::Function::cudaFuncSetAttribute, [&] {
    if (value < 0 || static_cast<std::size_t>(value) > emulation::kSharedBytes) {
      return cudaErrorInvalidValue;
    }
    emulation::shared_limits[kernel] = static_cast<std::size_t>(value);
    return cudaSuccess;
  });
}
