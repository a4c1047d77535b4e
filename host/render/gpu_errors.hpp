// gpu_errors.hpp - what CUDA and cuFFT throw, as an error of ours
#pragma once

#include <string>

#include "cuda/methods/cufft_library.hpp"
#include "cuda/runtime/device.hpp"
#include "host/base/error.hpp"

namespace gpuconv {

/// Does `work` with the CUDA device `device`, whichever the caller uses. Throws GpuError for what
/// CUDA and cuFFT throw.
template <typename Work>
auto on_gpu(int device, const Work& work) {
  try {
    const DeviceInUse in_use(device);
    return work();
  } catch (const CudaError& error) {
    throw GpuError(std::string("GPU: ") + error.what());
  } catch (const CufftError& error) {
    throw GpuError(error.what());
  }
}

}  // namespace gpuconv
