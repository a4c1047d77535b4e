#include "cuda/runtime/launch.cuh"

#include <cuda_runtime.h>

#include <map>
#include <mutex>

namespace gpuconv {

bool can_start_early(const void* kernel) {
  static std::mutex mutex;
  static std::map<std::pair<int, const void*>, bool> known;  // by device and kernel
  int device = 0;
  GPUCONV_CUDA(cudaGetDevice(&device));
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = known.try_emplace({device, kernel}, false);
  if (is_new) {
    cudaFuncAttributes attributes{};
    const cudaError_t error = cudaFuncGetAttributes(&attributes, kernel);
    if (error != cudaSuccess) known.erase(entry);
    GPUCONV_CUDA(error);
    // The architecture of the PTX, of which the driver may have made newer machine code.
    entry->second = attributes.ptxVersion >= 90;
  }
  return entry->second;
}

}  // namespace gpuconv
